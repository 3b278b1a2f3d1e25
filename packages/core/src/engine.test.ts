import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {ConfigError, currentEngine, startEngine} from "./index.js";

test("no engine: currentEngine says what to call", () => {
  assert.throws(() => currentEngine(), /call `await startEngine\(\)` first/);
});

test("cpu: compile runs eagerly and leaves only its results", async () => {
  const engine = await startEngine({engine: "cpu", seed: 3});
  assert.is(engine.name, "cpu");
  assert.is(currentEngine(), engine);
  const doubled = engine.compile((x) => ({y: tf.add(tf.mul(x, 2), 1)}));
  const x = tf.tensor1d([1, 2]);
  const before = tf.memory().numTensors;
  const {y} = doubled(x);
  assert.is(tf.memory().numTensors, before + 1);
  assert.equal([...(await y.data())], [3, 5]);
  tf.dispose([x, y]);
  assert.is(doubled.traces, 0);
});

test("unknown engine, bad threads and a missing package are typed errors", async () => {
  const expectError = async (options: object, pattern: RegExp): Promise<void> => {
    try {
      await startEngine(options);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, ConfigError);
      assert.match((error as Error).message, pattern);
    }
  };
  await expectError({engine: "onx"}, /Unknown engine "onx": did you mean "onnx"/);
  await expectError({threads: 0}, /threads: expected a whole number of at least 1, got 0/);
  await expectError(
    {engine: "tfjs-node-gpu"},
    /could not start: Package @tensorflow\/tfjs-node-gpu is not installed/,
  );
});

test("wasm: runs a forward pass", async () => {
  const engine = await startEngine({engine: "wasm"});
  const result = engine.compile((x) => tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D))(
    tf.tensor2d([
      [1, 2],
      [3, 4],
    ]),
  );
  assert.equal([...(await result.data())], [7, 10, 15, 22]);
});

test("onnx: compiles a function once per signature", async () => {
  const engine = await startEngine({engine: "onnx", threads: 1});
  const square = engine.compile((x) => tf.square(x));
  const results = [square(tf.tensor1d([2])), square(tf.tensor1d([3])), square(tf.tensor1d([4, 5]))];
  assert.equal(
    results.map((result) => [...result.dataSync()]),
    [[4], [9], [16, 25]],
  );
  // Two traces of the first signature, the second one as a check, and one of the other.
  assert.is(square.traces, 3);
});

test("cpu: disposing results frees neither arguments nor variables", async () => {
  const engine = await startEngine({engine: "cpu"});
  const weight = tf.variable(tf.tensor1d([5]));
  const [x, y] = [tf.tensor1d([1, 2]), tf.tensor1d([3])];
  const before = tf.memory().numTensors;
  tf.dispose(engine.compile((a) => a)(x));
  tf.dispose(engine.compile((a, b) => [b, a])(x, y));
  tf.dispose(engine.compile((a) => ({same: a, weight}))(x));
  assert.is(tf.memory().numTensors, before);
  assert.equal([...x.dataSync(), ...y.dataSync(), ...weight.dataSync()], [1, 2, 3, 5]);
  // The result is the value of now, not of after the next assignment.
  const now = engine.compile(() => weight)();
  weight.assign(tf.tensor1d([6]));
  assert.equal([...now.dataSync()], [5]);
  tf.dispose([x, y, now, weight]);
});

test("cpu for training says how slow it is, also when asked for by name; for inference it does not", async () => {
  const lines: string[] = [];
  const report = (line: string): void => void lines.push(line);
  const engine = await startEngine({engine: "cpu", purpose: "training", report});
  assert.is(lines.length, 1);
  assert.match(lines[0] as string, /^Using engine cpu: expect a training step to take several hundred times/);
  assert.is(engine.notice, lines[0]);
  assert.is((await startEngine({engine: "cpu", report})).notice, undefined);
  assert.is(lines.length, 1);
});

test("wasm is refused for training", async () => {
  const error = await startEngine({engine: "wasm", purpose: "training"}).catch((reason: unknown) => reason);
  assert.instance(error, ConfigError);
  assert.match((error as Error).message, /"wasm" lacks kernels for training.*"onnx" or "cpu"/);
});

test("a failed start leaves the engine that ran before", async () => {
  const engine = await startEngine({engine: "cpu"});
  tf.removeBackend("wasm");
  tf.registerBackend("wasm", () => Promise.reject(new Error("broken on purpose")));
  const error = await startEngine({engine: "wasm"}).catch((reason: unknown) => reason);
  assert.instance(error, ConfigError);
  assert.match(
    (error as Error).message,
    /Engine "wasm" could not start: .*could not set up its backend "wasm"/,
  );
  assert.is(currentEngine(), engine);
  assert.is(tf.getBackend(), "cpu");
  assert.equal([...tf.square(tf.tensor1d([3])).dataSync()], [9]);
});

for (const name of ["cpu", "onnx"] as const) {
  test(`${name}: a function with packed weights follows them`, async () => {
    const engine = await startEngine({engine: name});
    const weight = tf.variable(tf.scalar(2));
    const scaled = engine.compile((x) => tf.mul(x, weight), {packWeights: true});
    const numbers = (): number[] => [...scaled(tf.tensor1d([1, 3])).dataSync()];
    assert.equal(numbers(), [2, 6]);
    weight.assign(tf.scalar(5));
    assert.equal(numbers(), [5, 15]);
    scaled.dispose();
  });
}

test("a function compiled under one engine follows the engine that is active when it is called", async () => {
  const onnx = await startEngine({engine: "onnx", threads: 1});
  const held = onnx.memory()["compiled"] as number;
  const compiled = (): number => (onnx.memory()["compiled"] as number) - held;
  const cube = onnx.compile((x) => tf.mul(tf.square(x), x));
  const x = tf.tensor1d([2, 3]);
  const take = (): number[] => {
    const result = cube(x);
    const values = [...result.dataSync()];
    result.dispose();
    return values;
  };
  assert.equal([take(), cube.traces, compiled()], [[8, 27], 1, 1]);
  const cpu = await startEngine({engine: "cpu"});
  assert.equal([take(), cube.traces, compiled()], [[8, 27], 1, 0]);
  const early = cpu.compile((y) => tf.add(y, 1));
  early(x).dispose();
  assert.is(early.traces, 0);
  await tf.setBackend("onnx");
  assert.equal([take(), cube.traces], [[8, 27], 2]);
  early(x).dispose();
  assert.is(early.traces, 1, "compiled although the engine was cpu when it was made");
  cube.dispose();
  early.dispose();
  assert.is(compiled(), 0);
  x.dispose();
});

test("memory names tensors, sessions, threads and the size of the process", async () => {
  const engine = await startEngine({engine: "onnx", threads: 2});
  const before = engine.memory();
  const x = tf.ones([512, 512]);
  const product = engine.compile((a) => tf.matMul(a as tf.Tensor2D, a as tf.Tensor2D));
  product(x).dispose();
  const after = engine.memory();
  const grown = (name: string): number => (after[name] as number) - (before[name] as number);
  assert.equal(["tensors", "bytes", "compiled"].map(grown), [1, 4 * 512 * 512, 1]);
  // A megabyte was released and waits; a second thread was started for the product.
  assert.ok(grown("pooledBytes") >= 4 * 512 * 512);
  assert.ok(grown("threads") >= 1 && grown("sessions") >= 1 && grown("modelBytes") > 50);
  assert.ok((after["rss"] as number) > 5e7);
  product.dispose();
  x.dispose();
  const cpu = await startEngine({engine: "cpu"});
  assert.equal(Object.keys(cpu.memory()), ["tensors", "bytes", "buffers", "rss"]);
});

test.run();

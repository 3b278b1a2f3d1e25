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

test.run();

import {existsSync, readFileSync} from "node:fs";
import {setFlagsFromString} from "node:v8";
import {runInNewContext} from "node:vm";

import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients.
import "@tensorflow/tfjs-layers";
import {test} from "uvu";
import * as assert from "uvu/assert";

import type {OnnxBackend} from "./backend.js";
import {compile, type Compiled, type CompileOptions} from "./compile.js";
import {engineMemory} from "./memory-report.js";
import {registerOnnxBackend} from "./register.js";
import {take} from "./take.twin.js";

const CORES = 2;
registerOnnxBackend({threads: CORES});
await tf.setBackend("onnx");

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** A compiled function, with weak references to the graph of each of its traces. */
function traced(options: CompileOptions): {run: Compiled<[tf.Tensor], tf.Tensor>; graphs: WeakRef<object>[]} {
  const graphs: WeakRef<object>[] = [];
  let table: tf.Tensor | undefined;
  const weight = tf.variable(tf.ones([64]));
  const run = compile((x: tf.Tensor) => {
    graphs.push(new WeakRef((tf.backend() as OnnxBackend).trace?.graph as object));
    // A constant that outlives the trace in which it was made.
    table ??= tf.keep(tf.tensor1d(new Float32Array(64).fill(3)));
    const {value, grads} = tf.variableGrads(
      () => tf.sum<tf.Scalar>(tf.mul(tf.square(weight), tf.mul(x, table as tf.Tensor))),
      [weight],
    );
    weight.assign(tf.sub(weight, tf.mul(grads[weight.name] as tf.Tensor, 0)));
    return value;
  }, options);
  return {run, graphs};
}

test("a compiled function holds no graph once it is checked", async () => {
  const functions = (["twice", "once"] as const).map((check) => traced({check}));
  for (const {run} of functions)
    for (let call = 0; call < 3; call++) assert.equal(take(run(tf.ones([64]))), [192]);
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  assert.equal(
    functions.map(({graphs}) => graphs.map((graph) => graph.deref() === undefined)),
    [[true, true], [true]],
  );
  for (const {run} of functions) {
    assert.equal(take(run(tf.ones([64]))), [192]);
    run.dispose();
  }
});

test("a function that fails while it is traced leaves no graph either", async () => {
  const graphs: WeakRef<object>[] = [];
  const failing = compile((x: tf.Tensor) => {
    graphs.push(new WeakRef((tf.backend() as OnnxBackend).trace?.graph as object));
    throw new Error(`on purpose ${tf.neg(x).shape.join()}`);
  });
  assert.throws(() => failing(tf.ones([64])), /on purpose 64/);
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  assert.is(graphs[0]?.deref(), undefined);
});

test("signatures beyond the most go, the least recently used first, and come back by another trace", () => {
  const before = engineMemory();
  const held = (): number => engineMemory().compiled - before.compiled;
  const total = compile((x: tf.Tensor) => tf.sum(x), {maxSignatures: 2, check: "once"});
  const run = (size: number): void => assert.equal(take(total(tf.ones([size]))), [size]);
  [1, 2, 1, 3].forEach(run);
  assert.equal([...total.report().signatures.keys()], ["float32[1]", "float32[3]"]);
  assert.equal([total.traces, total.report().evicted, held()], [3, 1, 2]);
  [1, 3, 1].forEach(run);
  assert.is(total.traces, 3);
  run(2);
  assert.equal([total.traces, total.report().evicted, held()], [4, 2, 2]);
  assert.equal([...total.report().signatures.keys()], ["float32[1]", "float32[2]"]);
  total.dispose();
  assert.equal([held(), engineMemory().sessions], [0, before.sessions]);
  run(2);
  assert.equal([total.traces, held()], [5, 1]);
  total.dispose();
});

test("a graph that others were run instead of for long gives its session back, and opens it again", () => {
  const rare = compile((x: tf.Tensor) => tf.add(x, 1));
  const often = compile((x: tf.Tensor) => tf.add(x, 2));
  const x = tf.scalar(1);
  take(often(x));
  const before = engineMemory().sessions;
  take(rare(x));
  take(rare(x));
  for (let call = 0; call < 200; call++) take(often(x));
  assert.is(engineMemory().sessions, before + 1);
  for (let call = 0; call < 100; call++) take(often(x));
  assert.is(engineMemory().sessions, before);
  assert.equal(take(rare(x)), [2]);
  assert.equal([engineMemory().sessions, rare.traces], [before + 1, 2]);
  rare.dispose();
  often.dispose();
});

/** Threads of this process as the system counts them; undefined where it does not tell. */
function systemThreads(): number | undefined {
  if (!existsSync("/proc/self/status")) return undefined;
  return Number(/^Threads:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}

test("at most 8 threads above the cores after 1 000 different shapes, at once and compiled", () => {
  take(tf.neg(tf.ones([2])));
  const before = engineMemory().threads;
  const systemBefore = systemThreads();
  for (let size = 1; size <= 600; size++) take(tf.neg(tf.ones([size])));
  // Large enough for two threads.
  for (let size = 1; size <= 60; size++)
    take(tf.sum(tf.matMul(tf.ones([256 + size, 256]), tf.ones([256, 256]))));
  const small = compile((x: tf.Tensor) => tf.sum(tf.neg(x)), {check: "once"});
  for (let size = 1; size <= 280; size++) take(small(tf.ones([size])));
  const large = compile((x: tf.Tensor) => tf.sum(tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D, true)), {
    check: "once",
  });
  for (let size = 1; size <= 60; size++) assert.equal(take(large(tf.ones([size, 1024]))), [size * 2 ** 20]);
  const {threads, compiled} = engineMemory();
  const most = CORES - 1 + 8;
  assert.ok(threads > 1 && threads <= most, `${threads} threads of sessions`);
  if (systemBefore !== undefined) {
    const started = (systemThreads() as number) - systemBefore + before;
    assert.ok(started <= most, `${started} threads in the system`);
  }
  assert.equal([small.report().evicted, large.report().evicted], [280 - 32, 60 - 32]);
  assert.ok(compiled >= 64);
  // Closed sessions open again.
  assert.equal(take(large(tf.ones([29, 1024]))), [29 * 2 ** 20]);
  assert.is(large.traces, 60);
  small.dispose();
  large.dispose();
});

test("graphs with little to do get one thread, unless told otherwise", () => {
  const before = engineMemory().threads;
  const run = (options: CompileOptions, size: number): number => {
    const compiled = compile(
      (x: tf.Tensor) => tf.sum(tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D)),
      options,
    );
    assert.equal(take(compiled(tf.ones([size, size]))), [size ** 3]);
    const started = engineMemory().threads - before;
    compiled.dispose();
    return started;
  };
  assert.is(run({}, 16), 0);
  assert.is(run({}, 128), 1);
  assert.is(run({threads: 2}, 16), 1);
  assert.is(run({threads: 1}, 128), 0);
});

test("a call that fails keeps neither its arguments nor the memory of its results", async () => {
  const run = compile((table: tf.Tensor, where: tf.Tensor) => tf.gather(table, where), {check: "once"});
  const fail = (): WeakRef<object> => {
    const table = tf.ones([4, 100]);
    const where = tf.fill([100], 9, "int32");
    assert.throws(() => run(table, where), /index lies outside/);
    const numbers = new WeakRef((tf.backend() as OnnxBackend).numbersOf(table));
    tf.dispose([table, where]);
    return numbers;
  };
  const before = engineMemory().pooledBytes;
  const argument = fail();
  assert.is(engineMemory().pooledBytes - before, 100 * 100 * 4);
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  assert.is(argument.deref(), undefined);
  run.dispose();
});

test("a compiled function goes on after its backend was replaced, and is closed once", async () => {
  const graphs = engineMemory().compiled;
  let fail = false;
  const run = compile((x: tf.Tensor) => {
    if (fail) throw new Error("while tracing");
    return tf.add(x, 1);
  });
  assert.equal(take(run(tf.tensor1d([1, 2]))), [2, 3]);
  tf.removeBackend("onnx");
  registerOnnxBackend({threads: CORES});
  await tf.setBackend("onnx");
  fail = true;
  assert.throws(() => run(tf.tensor1d([1, 2])), /while tracing/);
  fail = false;
  assert.equal(take(run(tf.tensor1d([1, 2]))), [2, 3]);
  run.dispose();
  run.dispose();
  assert.is(engineMemory().compiled, graphs);
});

test.run();

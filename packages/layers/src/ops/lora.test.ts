import {ConfigError, createRandom, ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkGradients, expectClose, startTestEngine} from "../testing.js";
import {throughCompiler} from "../testing/through-compiler.js";
import {linear} from "./linear.js";
import {lora, mergedLoraWeight} from "./lora.js";

await startTestEngine();
const random = createRandom("lora");
const sample = (label: string, shape: number[]): tf.Tensor =>
  tf.tensor(random.fork(label).normalArray(tf.util.sizeFromShape(shape)), shape);

test("by hand: the middle part stays, the others get scale times up times down", () => {
  const x = tf.tensor2d([[1, 2]]);
  const first = {down: tf.tensor2d([[1], [1]]), up: tf.tensor2d([[1, 10]])};
  const last = {down: tf.tensor2d([[2], [0]]), up: tf.tensor2d([[0, 3]])};
  expectClose(lora(x, [first, undefined, last], 0.5), [1.5, 15, 0, 0, 0, 3]);
});

test("merged into the weight it gives the same", () => {
  const x = sample("x", [2, 3, 4]);
  const weight = sample("w", [4, 9]);
  const parts = [
    {down: sample("a", [4, 2]), up: sample("b", [2, 3])},
    {down: sample("c", [4, 1]), up: sample("d", [1, 3])},
    undefined,
  ];
  const beside = tf.add(linear(x, weight), lora(x, parts, 2));
  assert.equal(beside.shape, [2, 3, 9]);
  expectClose(beside, linear(x, mergedLoraWeight(weight, parts, 2)), 1e-5);
});

test("gradients agree with difference quotients, eager and compiled", () => {
  const run = (...[x, down, up]: tf.Tensor[]): tf.Tensor =>
    lora(x!, [undefined, {down: down!, up: up!}], 0.5);
  const merge = (...[weight, down, up]: tf.Tensor[]): tf.Tensor =>
    mergedLoraWeight(weight!, [{down: down!, up: up!}, undefined], 0.5);
  for (const [operation, first] of [
    [run, sample("x", [2, 3, 4])],
    [merge, sample("w", [4, 6])],
  ] as const) {
    const compiled = throughCompiler(operation);
    for (const fn of [operation, compiled.fn]) {
      checkGradients(fn, [first, sample("a", [4, 2]), sample("b", [2, 3])], {samples: 8});
    }
    compiled.dispose();
  }
});

test("nothing to change, or parts of different widths, are refused", () => {
  assert.throws(
    () => lora(tf.ones([1, 2]), [undefined], 1),
    (error: unknown) => error instanceof ConfigError,
  );
  const parts = [
    {down: tf.ones([2, 1]), up: tf.ones([1, 3])},
    {down: tf.ones([2, 1]), up: tf.ones([1, 4])},
  ];
  assert.throws(
    () => lora(tf.ones([1, 2]), parts, 1),
    (error: unknown) => error instanceof ShapeError && /part 1.*\[r, 3\].*\[1, 4\]/.test(error.message),
  );
});

test.run();

import {ConfigError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkGradients, expectClose, startTestEngine} from "../testing.js";
import {attention} from "./attention.js";
import {broadcast} from "./broadcast.js";
import {checkpoint} from "./checkpoint.js";
import {clip} from "./clip.js";
import {gelu} from "./gelu.js";
import {groupNorm} from "./group-norm.js";
import {layerNorm} from "./layer-norm.js";
import {meanSafe} from "./mean-safe.js";
import {noGrad} from "./no-grad.js";
import {quickGelu} from "./quick-gelu.js";
import {stopGradient} from "./stop-gradient.js";
import {sumSafe} from "./sum-safe.js";

await startTestEngine();

test("stopGradient and noGrad cut the gradient", () => {
  const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.mul(x, stopGradient(x))))(tf.tensor1d([3, -2]));
  expectClose(gradient, [3, -2]);
  const masked = tf.grad((x: tf.Tensor) => {
    const mask = noGrad(() => tf.cast(tf.greater(x, 0), "float32"));
    return tf.sum(tf.mul(tf.square(x), mask));
  })(tf.tensor1d([3, -2]));
  expectClose(masked, [6, 0]);
});

test("noGrad restores the record after a throw", () => {
  assert.throws(() =>
    noGrad(() => {
      throw new Error("inside");
    }),
  );
  expectClose(tf.grad((x: tf.Tensor) => tf.square(x))(tf.scalar(3)), [6]);
});

test("checkpoint gives the gradients of the block and leaves nothing behind", () => {
  const weight = tf.variable(tf.tensor1d([2, 5]));
  const x = tf.tensor1d([3, 4]);
  const block = (input: tf.Tensor): tf.Tensor => tf.square(tf.mul(input, weight));
  const loss = (wrapped: boolean) => (): tf.Scalar =>
    tf.sum(tf.mul(wrapped ? checkpoint((input) => block(input), [x], [weight]) : block(x), x));
  const before = tf.memory().numTensors;
  const {value, grads} = tf.variableGrads(loss(true), [weight]);
  // Σ (x w)² x: 108 + 1600; by w: 2 w x³.
  expectClose(value, [1708]);
  expectClose(grads[weight.name] as tf.Tensor, [108, 640]);
  tf.dispose([value, ...Object.values(grads)]);
  assert.is(tf.memory().numTensors, before);
  weight.dispose();
});

test("two checkpoints in a row, gradient by the input", () => {
  const gradient = tf.grad((x: tf.Tensor) => {
    const once = checkpoint((input) => tf.square(input), [x], []);
    return tf.sum(checkpoint((input) => tf.square(input), [once], []));
  })(tf.tensor1d([2, -1]));
  expectClose(gradient, [32, -4]);
});

test("broadcast repeats, and its gradient sums", () => {
  expectClose(broadcast(tf.tensor2d([[1, 2]]), [2, 2]), [1, 2, 1, 2]);
  const gradient = tf.grad((x: tf.Tensor) => tf.sum(broadcast(x, [2, 3, 1, 2, 4])))(tf.ones([1, 3, 1, 1, 4]));
  assert.equal(gradient.shape, [1, 3, 1, 1, 4]);
  expectClose(gradient, new Float32Array(12).fill(4));
  assert.throws(() => broadcast(tf.ones([2]), [4]), /expected axes equal to \[4\] or 1, got \[2\]/);
});

test("sumSafe keeps two million small numbers", () => {
  expectClose(sumSafe(tf.fill([1000, 2000], 0.1)), [200_000], 1e-5);
});

test("sumSafe and meanSafe over axes, over nothing and of nothing", () => {
  const x = tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
  expectClose(sumSafe(x, [0, -1]), [14, 22]);
  expectClose(meanSafe(x, [1]), [2, 3, 6, 7]);
  expectClose(sumSafe(x, []), [1, 2, 3, 4, 5, 6, 7, 8]);
  expectClose(sumSafe(tf.zeros([0, 3])), [0]);
  expectClose(meanSafe(tf.zeros([0, 3]), [0]), [0, 0, 0]);
  checkGradients((input) => sumSafe(input, [0, 2]), [x]);
  checkGradients((input) => meanSafe(tf.square(input)), [x]);
});

test("clip passes the gradient inside and at the ends only", () => {
  expectClose(clip(tf.tensor1d([-2, 0.5, 3]), 0, 1), [0, 0.5, 1]);
  expectClose(
    tf.grad((x: tf.Tensor) => tf.sum(clip(x, 0, 1)))(tf.tensor1d([-2, 0, 0.5, 1, 3])),
    [0, 1, 1, 1, 0],
  );
});

test("a gradient of a gradient is refused where it would be wrong, and right elsewhere", () => {
  const x = tf.tensor2d([0.5, -1, 2, 1, 0.25, -0.5], [2, 3]);
  const [scale, offset] = [tf.tensor1d([1, 2, 3]), tf.tensor1d([0, 1, 2])];
  const onceOnly: Record<string, (x: tf.Tensor) => tf.Tensor> = {
    quickGelu,
    layerNorm: (rows) => layerNorm(rows, scale, offset, 1e-5),
    groupNorm: (rows) =>
      groupNorm(tf.expandDims(rows), {groups: 1, weight: scale, bias: offset, epsilon: 1e-5}),
    attention: (rows) => attention(tf.expandDims(rows), tf.expandDims(rows), tf.expandDims(rows)),
    checkpoint: (rows) => checkpoint((inner) => tf.square(inner), [rows], []),
  };
  for (const [name, run] of Object.entries(onceOnly)) {
    const first = tf.grad((rows: tf.Tensor) => tf.sum(run(rows)));
    first(x).dispose();
    assert.throws(
      () => tf.grad((rows: tf.Tensor) => tf.sum(tf.square(first(rows))))(x),
      (error: unknown) =>
        error instanceof ConfigError &&
        error.code === "second-derivative" &&
        error.message.startsWith(`${name}: expected to be differentiated once`),
      name,
    );
    first(x).dispose();
  }
  const slope = tf.grad((rows: tf.Tensor) => gelu(rows));
  checkGradients((rows) => slope(rows), [x]);
});

test.run();

import {createRandom, ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkGradients, expectClose, startTestEngine} from "../testing.js";
import {conv2d} from "./conv2d.js";
import {convTranspose2x2} from "./conv-transpose2x2.js";
import {patchify} from "./patchify.js";
import {resizeBilinear} from "./resize-bilinear.js";

await startTestEngine();
const random = createRandom("grids");
const sample = (label: string, shape: number[]): tf.Tensor =>
  tf.tensor(random.fork(label).normalArray(tf.util.sizeFromShape(shape)), shape);

test("resizeBilinear with half-pixel centres by hand", () => {
  // 2 to 4: positions 0 (clamped), 0.25, 0.75, 1 (clamped).
  const result = resizeBilinear(tf.tensor4d([0, 4], [1, 1, 2, 1]), {height: 1, width: 4});
  expectClose(result, [0, 1, 3, 4]);
});

test("resizeBilinear with aligned corners by hand", () => {
  const result = resizeBilinear(
    tf.tensor4d([0, 6], [1, 2, 1, 1]),
    {height: 4, width: 1},
    {alignCorners: true},
  );
  expectClose(result, [0, 2, 4, 6]);
});

test("resizeBilinear shrinks as the definition says", () => {
  // 4 to 2: positions 0.5 and 2.5.
  expectClose(resizeBilinear(tf.tensor4d([0, 2, 4, 10], [1, 4, 1, 1]), {height: 2, width: 1}), [1, 7]);
});

test("resizeBilinear's value equals TensorFlow.js's, whose gradient is the wrong part", () => {
  const x = sample("x", [2, 3, 4, 2]) as tf.Tensor4D;
  const theirs = tf.image.resizeBilinear(x, [5, 7], false, true);
  expectClose(resizeBilinear(x, {height: 5, width: 7}), theirs, 1e-5);
});

test("gradients of resizeBilinear, both conventions", () => {
  for (const alignCorners of [false, true]) {
    checkGradients(
      (x) => resizeBilinear(x, {height: 5, width: 3}, {alignCorners}),
      [sample("x", [2, 3, 4, 2])],
    );
  }
});

test("patchify keeps rows of pixels together", () => {
  const picture = tf.tensor4d([0, 1, 2, 3, 4, 5, 6, 7], [1, 2, 4, 1]);
  const patches = patchify(picture, 2);
  assert.equal(patches.shape, [1, 1, 2, 4]);
  expectClose(patches, [0, 1, 4, 5, 2, 3, 6, 7]);
  assert.throws(
    () => patchify(tf.ones([1, 3, 4, 1]), 2),
    (error: unknown) => error instanceof ShapeError,
  );
});

test("conv2d as a product equals TensorFlow.js's kernel", () => {
  const x = sample("x", [2, 4, 6, 3]) as tf.Tensor4D;
  const filter = sample("f", [2, 2, 3, 5]) as tf.Tensor4D;
  expectClose(conv2d(x, filter, {stride: 2}), tf.conv2d(x, filter, 2, "valid"), 1e-5);
  const pointwise = sample("p", [1, 1, 3, 2]) as tf.Tensor4D;
  expectClose(conv2d(x, pointwise), tf.conv2d(x, pointwise, 1, "valid"), 1e-5);
});

test("conv2d with padding by hand: a kernel of ones sums the neighbourhood", () => {
  const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
  const result = conv2d(x, tf.ones([3, 3, 1, 1]), {padding: 1, bias: tf.tensor1d([0.5])});
  expectClose(result, [10.5, 10.5, 10.5, 10.5]);
});

test("gradients of conv2d", () => {
  for (const [kernel, stride, padding] of [
    [3, 1, 1],
    [2, 2, 0],
    [1, 1, 0],
    [3, 2, 1],
  ] as const) {
    checkGradients(
      (x, filter, bias) => conv2d(x, filter, {bias, stride, padding}),
      [sample("x", [2, 4, 4, 2]), sample("f", [kernel, kernel, 2, 3]), sample("b", [3])],
      {samples: 10},
    );
  }
});

test("convTranspose2x2 by hand: a pixel times the kernel", () => {
  const x = tf.tensor4d([1, 10], [1, 1, 2, 1]);
  const result = convTranspose2x2(x, tf.tensor4d([1, 2, 3, 4], [2, 2, 1, 1]), tf.tensor1d([0.5]));
  assert.equal(result.shape, [1, 2, 4, 1]);
  expectClose(result, [1.5, 2.5, 10.5, 20.5, 3.5, 4.5, 30.5, 40.5]);
});

test("convTranspose2x2 equals TensorFlow.js's, values and gradients", () => {
  const x = sample("x", [2, 3, 4, 3]) as tf.Tensor4D;
  const filter = sample("t", [2, 2, 5, 3]) as tf.Tensor4D;
  expectClose(convTranspose2x2(x, filter), tf.conv2dTranspose(x, filter, [2, 6, 8, 5], 2, "valid"), 1e-5);
  checkGradients(
    (input, weight, bias) => convTranspose2x2(input, weight, bias),
    [sample("x", [2, 2, 3, 3]), sample("t", [2, 2, 4, 3]), sample("b", [4])],
    {samples: 10},
  );
});

test.run();

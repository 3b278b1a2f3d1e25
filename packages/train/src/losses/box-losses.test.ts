import {ShapeError, createRandom} from "@claps/core";
import {checkGradients, expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {boxL1} from "./box-l1.js";
import {cornersFromCentres} from "./corners-from-centres.js";
import {boxIou, generalizedIou, giouLoss} from "./generalized-iou.js";

const test = suite("box losses");
const random = createRandom("box losses");

test.before(async () => {
  await startTestEngine();
});

/** Gradients of the sum with respect to both sets of boxes. */
function slopes(
  pair: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  boxes: number[][],
  others: number[][],
): number[][] {
  return tf
    .grads((a: tf.Tensor, b: tf.Tensor) => tf.sum(pair(a, b)))([tf.tensor2d(boxes), tf.tensor2d(others)])
    .map((gradient) => [...gradient.dataSync()]);
}

/** Boxes whose edges are at least .06 apart from each other, so that a difference quotient meets no corner. */
function separateBoxes(label: string, count: number, shift: number): tf.Tensor {
  const source = random.fork(label);
  const edges = (): [number, number] => {
    const low = source.integer(8);
    return [low, low + 1 + source.integer(9 - low)];
  };
  const boxes = Array.from({length: count}, () => {
    const [x0, x1] = edges();
    const [y0, y1] = edges();
    return [x0, y0, x1, y1].map((edge) => edge * 0.12 + shift);
  });
  return tf.tensor2d(boxes);
}

test("corners of a box given by centre and size", () => {
  const boxes = tf.tensor3d([[[0.5, 0.25, 0.5, 0.125]], [[1, 2, 0, 4]]]);
  const corners = cornersFromCentres(boxes);
  assert.equal(corners.shape, [2, 1, 4]);
  assert.equal([...corners.dataSync()], [0.25, 0.1875, 0.75, 0.3125, 1, 0, 1, 4]);
  checkGradients(cornersFromCentres, [boxes]);
  assert.throws(
    () => cornersFromCentres(tf.zeros([4, 3])),
    (error: unknown) => error instanceof ShapeError && /\[4, 3\]/.test(error.message),
  );
});

test("IoU and GIoU by hand: overlapping, apart, nested, equal", () => {
  const boxes = tf.tensor2d([
    [0, 0, 2, 2],
    [0, 0, 1, 1],
    [0, 0, 4, 4],
    [1, 2, 3, 5],
  ]);
  const others = tf.tensor2d([
    [1, 1, 3, 3],
    [2, 3, 3, 4],
    [1, 1, 3, 2],
    [1, 2, 3, 5],
  ]);
  // Unions 7, 2, 16, 6; hulls 9, 12, 16, 6.
  expectClose(boxIou(boxes, others), [1 / 7, 0, 1 / 8, 1], 1e-6);
  expectClose(generalizedIou(boxes, others), [1 / 7 - 2 / 9, -10 / 12, 1 / 8, 1], 1e-6);
  expectClose(giouLoss(boxes, others), [1 - 1 / 7 + 2 / 9, 22 / 12, 7 / 8, 0], 1e-6);
});

test("GIoU of every pair has one row per box and one column per other", () => {
  const rows = tf.tensor3d([[[0, 0, 1, 1]], [[0, 0, 2, 2]]]);
  const columns = tf.tensor3d([
    [
      [0, 0, 1, 1],
      [1, 0, 2, 1],
      [4, 0, 5, 1],
    ],
  ]);
  const matrix = generalizedIou(rows, columns);
  assert.equal(matrix.shape, [2, 3]);
  expectClose(matrix, [1, 0, -3 / 5, 1 / 4, 1 / 4, -5 / 10], 1e-6);
});

test("gradients of IoU and GIoU by hand", () => {
  // [0,2]² and [1,3]²: I = 1, U = 7, H = 9. dI/dx1 = 1, dA/dx1 = 2, so dU/dx1 = 1, and H keeps the other's edge.
  const [a] = slopes(boxIou, [[0, 0, 2, 2]], [[1, 1, 3, 3]]);
  const iouHigh = 1 / 7 - 1 / 49;
  // Its low edges move neither I nor the other box: dU/dx0 = -2.
  expectClose(a!, [2 / 49, 2 / 49, iouHigh, iouHigh], 1e-6);
  const [g] = slopes(generalizedIou, [[0, 0, 2, 2]], [[1, 1, 3, 3]]);
  // U / H adds 1/9 at the high edges, and at the low ones -2/9 + 7/81 * 3.
  const low = 2 / 49 - 2 / 9 + 21 / 81;
  expectClose(g!, [low, low, iouHigh + 1 / 9, iouHigh + 1 / 9], 1e-6);
});

test("coinciding edges give half of the gradient to each box, as in PyTorch", () => {
  // Equal boxes 2 x 1: inside, I = U and H: 1/U (dI - dU) + (dU - dH)/H with dI = dH = half an edge, dU = edge/2.
  const [a, b] = slopes(generalizedIou, [[0, 0, 2, 1]], [[0, 0, 2, 1]]);
  expectClose(a!, [0, 0, 0, 0], 1e-6);
  expectClose(b!, [0, 0, 0, 0], 1e-6);
  // Same height, side by side, touching: I = 0, U = H = 2. dI at the touching edge is halved by nothing, for the gap is 0.
  const [left] = slopes(generalizedIou, [[0, 0, 1, 1]], [[1, 0, 2, 1]]);
  // x1: dI = 1, dA = 1, dU = 0: 1/2. x0: dA = -1, dH = -1: dU/H = -1/2, -U dH/H² = 1/2. y: areas 1, hull half of 2.
  expectClose(left!, [0, 0, 0.5, 0], 1e-6);
});

test("boxes without area have finite values and gradients", () => {
  const points = [
    [1, 1, 1, 1],
    [1, 1, 1, 1],
    [0, 0, 1, 0],
    [0, 0, 0, 0],
  ];
  const others = [
    [1, 1, 1, 1],
    [2, 3, 2, 3],
    [0, 0, 1, 0],
    [0, 0, 1, 1],
  ];
  expectClose(generalizedIou(tf.tensor2d(points), tf.tensor2d(others)), [0, -1, 0, 0], 1e-6);
  for (const gradient of slopes(generalizedIou, points, others)) {
    assert.ok(gradient.every((value) => Number.isFinite(value) && Math.abs(value) <= 2));
  }
});

test("gradients of IoU and GIoU agree with difference quotients, pairs and matrix", () => {
  const boxes = separateBoxes("boxes", 6, 0);
  const others = separateBoxes("others", 6, 0.06);
  checkGradients(boxIou, [boxes, others], {step: 5e-3});
  checkGradients(generalizedIou, [boxes, others], {step: 5e-3});
  checkGradients(
    (a, b) => giouLoss(tf.expandDims(a, 1), tf.expandDims(b, 0)),
    [boxes, tf.slice(others, [0, 0], [3, 4])],
    {step: 5e-3},
  );
});

test("L1 by hand; at an exact fit the gradient is 0", () => {
  const boxes = [
    [0, 0, 1, 1],
    [2, 2, 2, 2],
  ];
  const others = [
    [0, 0.5, 1, 0],
    [2, 2, 2, 2],
  ];
  expectClose(boxL1(tf.tensor2d(boxes), tf.tensor2d(others)), [1.5, 0], 0);
  const [a, b] = slopes(boxL1, boxes, others);
  assert.equal(a, [0, -1, 0, 1, 0, 0, 0, 0]);
  assert.equal(
    b!.map((value) => value + 0),
    [0, 1, 0, -1, 0, 0, 0, 0],
  );
});

test("gradients of L1 agree with difference quotients, pairs and matrix", () => {
  const boxes = separateBoxes("boxes", 5, 0);
  const others = separateBoxes("others", 5, 0.06);
  checkGradients(boxL1, [boxes, others]);
  checkGradients((a, b) => boxL1(tf.expandDims(a, 1), tf.expandDims(b, 0)), [boxes, others]);
});

test("boxes that do not belong together are refused with both shapes", () => {
  const refused = (a: number[], b: number[]): void =>
    assert.throws(
      () => giouLoss(tf.zeros(a), tf.zeros(b)),
      (error: unknown) =>
        error instanceof ShapeError &&
        error.message.includes(`[${a.join(", ")}]`) &&
        error.message.includes(`[${b.join(", ")}]`),
    );
  refused([3, 4], [2, 4]);
  refused([3, 4], [4]);
  refused([3, 5], [3, 5]);
  assert.throws(() => boxL1(tf.zeros([3, 4]), tf.zeros([2, 4])), /boxL1.*\[N, 1, 4\]/);
});

test.run();

import {ShapeError} from "@claps/core";
import {checkGradients, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {assignedRows, targetsOfQueries} from "./assigned-rows.js";
import {padAssignments, padTruths, truthBucket, truthMask} from "./pad-truths.js";

const test = suite("truths as tensors");

test.before(async () => {
  await startTestEngine();
});

function numbers(tensor: tf.Tensor): number[] {
  return [...tensor.dataSync()].map((value) => value + 0);
}

test("buckets are powers of two, at least 1", () => {
  assert.equal([0, 1, 2, 3, 4, 5, 8, 9, 100].map(truthBucket), [1, 1, 2, 4, 4, 8, 8, 16, 128]);
  assert.throws(() => truthBucket(-1), /number of truths/);
});

test("padding: zeros, -1 and a mask", () => {
  const rows = padTruths([1, 2, 3, 4], 2, 3);
  assert.equal(
    [rows.shape, numbers(rows)],
    [
      [3, 2],
      [1, 2, 3, 4, 0, 0],
    ],
  );
  const layers = padAssignments([Int32Array.of(3), [0]], 2);
  assert.equal([layers.dtype, layers.shape, numbers(layers)], ["int32", [2, 2], [3, -1, 0, -1]]);
  assert.equal(numbers(truthMask(2, 4)), [1, 1, 0, 0]);
  assert.equal(numbers(truthMask(0, 1)), [0]);
  assert.equal(numbers(padTruths([], 4, 1)), [0, 0, 0, 0]);
  for (const wrong of [
    (): unknown => padTruths([1, 2, 3], 2, 4),
    (): unknown => padTruths([1, 2, 3, 4], 2, 1),
    (): unknown => padAssignments([[1], [1, 2]], 1),
    (): unknown => truthMask(3, 2),
  ]) {
    assert.throws(wrong, (error: unknown) => error instanceof ShapeError);
  }
});

test("rows that stand for truths, and what each prediction should give", () => {
  const predictions = tf.tensor2d([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  const assignment = tf.tensor1d([2, -1, 0], "int32");
  assert.equal(numbers(assignedRows(predictions, assignment)), [5, 6, 0, 0, 1, 2]);
  const truths = tf.tensor2d([
    [7, 8],
    [9, 9],
    [0, 1],
  ]);
  assert.equal(numbers(targetsOfQueries(truths, assignment, 4)), [0, 1, 0, 0, 7, 8, 0, 0]);
  checkGradients((x) => assignedRows(x as tf.Tensor2D, assignment), [predictions]);
  assert.throws(() => targetsOfQueries(truths, tf.tensor1d([0], "int32"), 4), /targetsOfQueries/);
});

test.run();

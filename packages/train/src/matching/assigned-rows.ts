import {checkShape} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/**
 * The predictions that stand for the truths, in the order of the truths.
 *
 * Shapes: predictions [Q, C], assignment [T] int32 → [T, C].
 *
 * @param predictions - All predictions, finite.
 * @param assignment - The prediction of each truth; -1 gives a row of zeros without gradient.
 * @returns One row per truth; the caller disposes it.
 * @example
 * ```ts
 * assignedRows(tf.tensor2d([[1], [2]]), tf.tensor1d([1, -1], "int32")); // [[2], [0]]
 * ```
 */
export function assignedRows(predictions: tf.Tensor2D, assignment: tf.Tensor1D): tf.Tensor2D {
  return tf.matMul(places(assignment, predictions.shape[0]), predictions);
}

/**
 * What every prediction should give: the row of its truth, or zeros where it stands for nothing.
 *
 * Shapes: truths [T, C], assignment [T] int32 → [Q, C].
 *
 * @param truths - What is true, for example one-hot classes or the words of each phrase.
 * @param assignment - The prediction of each truth, each at most once; -1 for none.
 * @param queries - Number of predictions Q.
 * @returns One row per prediction, to be used as a constant; the caller disposes it.
 * @throws ShapeError if there are not as many truths as assignments.
 * @example
 * ```ts
 * targetsOfQueries(tf.tensor2d([[0, 1]]), tf.tensor1d([2], "int32"), 3); // [[0, 0], [0, 0], [0, 1]]
 * ```
 */
export function targetsOfQueries(truths: tf.Tensor2D, assignment: tf.Tensor1D, queries: number): tf.Tensor2D {
  checkShape(truths.shape, [assignment.size, null], "truths of targetsOfQueries [T, C]");
  return tf.matMul(places(assignment, queries), truths, true, false);
}

/**
 * Ones where truth and prediction belong together [T, Q].
 *
 * Products with it add up exactly, whatever the number of threads, forward and in the gradient.
 */
function places(assignment: tf.Tensor1D, queries: number): tf.Tensor2D {
  // Engines differ in what they do with -1: it becomes 0, and its row counts nothing.
  const known: tf.Tensor1D = tf.cast(tf.relu(assignment), "int32");
  // Asked for float32, the wasm backend writes the bits of int32 ones.
  const ones = tf.cast(tf.oneHot(known, queries), "float32") as tf.Tensor2D;
  const isAssigned = tf.cast(tf.greaterEqual(assignment, 0), "float32");
  return tf.mul(ones, tf.expandDims(isAssigned, 1));
}

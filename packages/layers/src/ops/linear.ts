import {checkShape} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/**
 * An affine map of the last axis: `x · weight + bias`.
 *
 * Shapes: x [..., in], weight [in, out], bias [out]; returns [..., out].
 *
 * All leading axes become one, so that forward and both gradients are single two-dimensional products.
 *
 * @param x - Input of rank 1 or more.
 * @param weight - Matrix, inputs first.
 * @param bias - Added to every row; left out means none.
 * @returns The mapped tensor; the caller disposes it.
 * @throws ShapeError if the last axis of x is not the first of weight.
 * @example
 * ```ts
 * linear(tf.ones([2, 5, 3]), tf.ones([3, 4])).shape; // [2, 5, 4]
 * ```
 */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const [inputs, outputs] = weight.shape as [number, number];
  checkShape(x.shape.slice(-1), [inputs], "last axis of linear's input");
  const rows = tf.reshape(x, [x.size / inputs, inputs]);
  const product = tf.matMul(rows, weight);
  const result = bias === undefined ? product : tf.add(product, bias);
  return tf.reshape(result, [...x.shape.slice(0, -1), outputs]);
}

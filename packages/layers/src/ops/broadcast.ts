import {ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/**
 * Repeats a tensor along its axes of size 1, at any rank and with the right gradient.
 *
 * Shapes: x of rank r; shape of rank r; each axis of x equals the wanted size or is 1.
 *
 * @param x - What to repeat; give it the wanted rank by `tf.reshape` first.
 * @param shape - Sizes wanted.
 * @returns The repeated tensor; the caller disposes it.
 * @throws ShapeError if the ranks differ or an axis is neither 1 nor the wanted size.
 */
export function broadcast(x: tf.Tensor, shape: readonly number[]): tf.Tensor {
  if (x.rank !== shape.length || x.shape.some((size, axis) => size !== 1 && size !== shape[axis])) {
    throw new ShapeError(
      `broadcast: expected axes equal to [${shape.join(", ")}] or 1, got [${x.shape.join(", ")}].`,
    );
  }
  const axes = x.shape.flatMap((size, axis) => (size === shape[axis] ? [] : [axis]));
  if (axes.length === 0) {
    return tf.clone(x);
  }
  const repeats = shape.map((size, axis) => (axes.includes(axis) ? size : 1));
  const operation = tf.customGrad((...args) => ({
    value: tf.tile(args[0] as tf.Tensor, repeats),
    gradFunc: (dy: tf.Tensor) => tf.sum(dy, axes, true),
  }));
  return operation(x);
}

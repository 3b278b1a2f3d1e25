import * as tf from "@tensorflow/tfjs-core";

/**
 * The gradient of a tensor that broadcasting repeated.
 *
 * Shapes: gradient of rank r; shape of rank r or less, its axes equal to the last ones of gradient or 1.
 *
 * @param gradient - Gradient of the repeated tensor.
 * @param shape - Shape before repeating.
 * @returns The gradient in that shape; the caller disposes it.
 */
export function sumToShape(gradient: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const padded = [...Array<number>(gradient.rank - shape.length).fill(1), ...shape];
  const repeated = padded.flatMap((size, axis) => (size === gradient.shape[axis] ? [] : [axis]));
  const sum = repeated.length === 0 ? gradient : tf.sum(gradient, repeated, true);
  return tf.reshape(sum, [...shape]);
}

import * as tf from "@tensorflow/tfjs-core";

/**
 * `log(1 + exp(x))` without overflow.
 *
 * @param x - Input of any shape.
 * @returns A smooth, positive version of `max(x, 0)`; the caller disposes it.
 */
export function softplus(x: tf.Tensor): tf.Tensor {
  return tf.softplus(x);
}

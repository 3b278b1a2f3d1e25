import * as tf from "@tensorflow/tfjs-core";

/**
 * Limits values to a range; the gradient passes inside the range and at its ends, and is 0 outside.
 *
 * @param x - Input of any shape.
 * @param min - Smallest value that comes out.
 * @param max - Largest value that comes out.
 * @returns The limited tensor; the caller disposes it.
 */
export function clip(x: tf.Tensor, min: number, max: number): tf.Tensor {
  return tf.clipByValue(x, min, max);
}

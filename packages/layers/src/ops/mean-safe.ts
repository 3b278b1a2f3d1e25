import * as tf from "@tensorflow/tfjs-core";
import {sumSafe} from "./sum-safe.js";

/**
 * Mean over all or some axes, summed one axis at a time; the mean of nothing is 0.
 *
 * @param x - Any float tensor.
 * @param axes - Axes to remove; left out means all.
 * @returns The mean; the caller disposes it.
 */
export function meanSafe(x: tf.Tensor, axes?: readonly number[]): tf.Tensor {
  const sum = sumSafe(x, axes);
  return x.size === 0 ? sum : tf.mul(sum, sum.size / x.size);
}

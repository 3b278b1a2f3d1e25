import * as tf from "@tensorflow/tfjs-core";
import {noGrad} from "./no-grad.js";

/**
 * The same values with no gradient flowing back.
 *
 * @param x - Any tensor.
 * @returns A tensor that shares x's values; the caller disposes it.
 */
export function stopGradient<T extends tf.Tensor>(x: T): T {
  return noGrad(() => tf.clone(x));
}

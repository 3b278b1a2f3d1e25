import * as tf from "@tensorflow/tfjs-core";
import {runNative} from "./run-native.js";

const DENSITY_AT_ZERO = 1 / Math.sqrt(2 * Math.PI);

/**
 * The exact Gaussian error linear unit: `x · Φ(x)`.
 *
 * The gradient `Φ(x) + x φ(x)` is computed from x alone, which is all that is kept for it.
 *
 * @param x - Input of any shape.
 * @returns The activated tensor; the caller disposes it.
 *
 * Source: Hendrycks and Gimpel 2016; the form with erf, as PyTorch's default.
 */
export function gelu(x: tf.Tensor): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const [input, save] = args as [tf.Tensor, tf.GradSaveFunc];
    save([input]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const kept = saved[0] as tf.Tensor;
      const density = tf.mul(tf.exp(tf.mul(tf.square(kept), -0.5)), DENSITY_AT_ZERO);
      return tf.mul(dy, tf.add(cumulative(kept), tf.mul(kept, density)));
    };
    return {value: runNative("Gelu", {x: input})?.[0] ?? tf.mul(input, cumulative(input)), gradFunc};
  });
  return operation(x);
}

function cumulative(x: tf.Tensor): tf.Tensor {
  return tf.add(tf.mul(tf.erf(tf.mul(x, Math.SQRT1_2)), 0.5), 0.5);
}

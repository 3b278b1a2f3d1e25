import * as tf from "@tensorflow/tfjs-core";
import {refuseSecondDerivative} from "./refuse-second-derivative.js";
import {runNative} from "./run-native.js";

const SLOPE = 1.702;

/**
 * CLIP's approximation of GELU: `x · sigmoid(1.702 x)`.
 *
 * Kept for the gradient are the gate and the result, which the next layer keeps anyway.
 *
 * @param x - Input of any shape.
 * @returns The activated tensor; the caller disposes it.
 * @throws ConfigError `second-derivative` if the gradient itself is differentiated.
 *
 * Source: Hendrycks and Gimpel 2016, section 2; used by the published CLIP models of OpenAI.
 */
export function quickGelu(x: tf.Tensor): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const [input, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const steep = tf.mul(input, SLOPE);
    const gate = runNative("FastSigmoid", {x: steep})?.[0] ?? tf.sigmoid(steep);
    const value = tf.mul(input, gate);
    save([gate, value]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      refuseSecondDerivative("quickGelu");
      const [open, result] = saved as [tf.Tensor, tf.Tensor];
      // The slope gate + 1.702 x gate (1 - gate), with x gate = result.
      const rise = tf.mul(result, SLOPE);
      return tf.mul(dy, tf.add(open, tf.sub(rise, tf.mul(rise, open))));
    };
    return {value, gradFunc};
  });
  return operation(x);
}

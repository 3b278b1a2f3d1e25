import * as tf from "@tensorflow/tfjs-core";

const SLOPE = 1.702;

/**
 * CLIP's approximation of GELU: `x · sigmoid(1.702 x)`.
 *
 * @param x - Input of any shape.
 * @returns The activated tensor; the caller disposes it.
 *
 * Source: Hendrycks and Gimpel 2016, section 2; used by the published CLIP models of OpenAI.
 */
export function quickGelu(x: tf.Tensor): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const input = args[0] as tf.Tensor;
    (args[1] as tf.GradSaveFunc)([input]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const kept = saved[0] as tf.Tensor;
      const gate = tf.sigmoid(tf.mul(kept, SLOPE));
      const slope = tf.add(tf.mul(tf.mul(kept, SLOPE), tf.sub(1, gate)), 1);
      return tf.mul(dy, tf.mul(gate, slope));
    };
    return {value: tf.mul(input, tf.sigmoid(tf.mul(input, SLOPE))), gradFunc};
  });
  return operation(x);
}

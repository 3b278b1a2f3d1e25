import * as tf from "@tensorflow/tfjs-core";

const SCALE = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** Half of one plus the hyperbolic tangent that stands for the error function. */
function gate(x: tf.Tensor): tf.Tensor {
  const inner = tf.mul(x, tf.add(tf.mul(tf.square(x), SCALE * CUBIC), SCALE));
  // (1 + tanh(u)) / 2 is the logistic function of 2u, one operation instead of three.
  return tf.sigmoid(tf.mul(inner, 2));
}

/**
 * The approximation of GELU by a hyperbolic tangent: `x / 2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
 *
 * @param x - Input of any shape.
 * @returns The activated tensor; the caller disposes it.
 * @example
 * ```ts
 * geluTanh(tf.scalar(1)); // 0.841192
 * ```
 *
 * Source: Hendrycks and Gimpel 2016, section 2; PyTorch's `approximate="tanh"`.
 */
export function geluTanh(x: tf.Tensor): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const input = args[0] as tf.Tensor;
    (args[1] as tf.GradSaveFunc)([input]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const kept = saved[0] as tf.Tensor;
      const open = gate(kept);
      // The gate's own slope is 2 g (1 - g) times the slope of the inner polynomial.
      const inner = tf.add(tf.mul(tf.square(kept), 6 * SCALE * CUBIC), 2 * SCALE);
      const moved = tf.mul(tf.mul(kept, inner), tf.sub(1, open));
      return tf.mul(dy, tf.mul(open, tf.add(moved, 1)));
    };
    return {value: tf.mul(input, gate(input)), gradFunc};
  });
  return operation(x);
}

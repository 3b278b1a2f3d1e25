import {checkRange} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/**
 * The length of all gradients taken as one vector.
 *
 * @param gradients - By name.
 * @returns A scalar; not finite if any gradient is not. The caller disposes it.
 */
export function globalNorm(gradients: ReadonlyMap<string, tf.Tensor>): tf.Scalar {
  return tf.tidy(() => {
    const squares = [...gradients.values()].map((gradient) => {
      const squared = tf.square(gradient);
      // Two short sums keep digits that one long float32 sum loses.
      return tf.sum<tf.Scalar>(squared.rank > 1 ? tf.sum(squared, -1) : squared);
    });
    return tf.sqrt<tf.Scalar>(squares.length === 0 ? tf.scalar(0) : tf.addN(squares));
  });
}

/**
 * The factor that brings a norm down to its limit.
 *
 * @param norm - The norm, a scalar.
 * @param max - The limit.
 * @returns min(1, max / (norm + 1e-6)), a scalar; the caller disposes it.
 * @throws ConfigError if the limit is not above 0.
 */
export function clipFactor(norm: tf.Tensor, max: number): tf.Scalar {
  checkRange(max, {min: Number.MIN_VALUE}, "clip norm");
  return tf.tidy(() => tf.minimum<tf.Scalar>(tf.div(max, tf.add(norm, 1e-6)), 1));
}

/**
 * Gradients scaled so that, taken as one vector, they are not longer than the limit.
 *
 * @param gradients - By name.
 * @param max - The limit of the norm.
 * @returns The scaled gradients and the norm before scaling; the caller disposes them.
 * @throws ConfigError if the limit is not above 0.
 * @example
 * ```ts
 * const {gradients: clipped, norm} = clipByGlobalNorm(gradients, 1);
 * ```
 *
 * Source: checked against torch.nn.utils.clip_grad_norm_.
 */
export function clipByGlobalNorm(
  gradients: ReadonlyMap<string, tf.Tensor>,
  max: number,
): {gradients: Map<string, tf.Tensor>; norm: tf.Scalar} {
  const norm = globalNorm(gradients);
  const factor = clipFactor(norm, max);
  const clipped = new Map<string, tf.Tensor>();
  for (const [name, gradient] of gradients) clipped.set(name, tf.mul(gradient, factor));
  factor.dispose();
  return {gradients: clipped, norm};
}

import {checkRange} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/** Numbers that are added up in one go. */
const LINE = 4096;
/** Gradients up to this size are taken together: on their own, starting each operation takes longer than it. */
const SMALL = 2 ** 16;

/** Sums of squares of a vector, line by line. */
function lineSums(vector: tf.Tensor1D): tf.Tensor1D {
  const missing = (LINE - (vector.size % LINE)) % LINE;
  const whole = missing === 0 ? vector : tf.concat([vector, tf.zeros([missing])]);
  return tf.sum(tf.square(tf.reshape(whole, [-1, LINE])), -1);
}

/**
 * The length of all gradients taken as one vector.
 *
 * @param gradients - By name.
 * @returns A scalar; not finite if any gradient is not. The caller disposes it.
 */
export function globalNorm(gradients: ReadonlyMap<string, tf.Tensor>): tf.Scalar {
  return tf.tidy(() => {
    const lines: tf.Tensor[] = [];
    const short: tf.Tensor1D[] = [];
    for (const gradient of gradients.values()) {
      // Two short sums keep digits that one long float32 sum loses.
      if (gradient.size > SMALL) lines.push(tf.reshape(tf.sum(tf.square(gradient), -1), [-1]));
      else short.push(tf.reshape(gradient, [gradient.size]));
    }
    if (short.length > 0) lines.push(tf.reshape(lineSums(tf.concat1d(short)), [-1]));
    return tf.sqrt<tf.Scalar>(lines.length === 0 ? tf.scalar(0) : tf.sum(tf.concat(lines)));
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

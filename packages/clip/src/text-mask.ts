import * as tf from "@tensorflow/tfjs-core";

// Large enough to vanish in a softmax, small enough that twice of it is still a finite float32.
const HIDDEN = -1e9;

/**
 * What each token must not see: later tokens, and padding.
 *
 * Shapes: returns [1, 1, T, T], or [P, 1, T, T] with padding.
 *
 * @param length - Number of tokens T.
 * @param padding - 1 for tokens, 0 for padding, [P, T]; left out means no padding is hidden, as in CLIP's training,
 * where only later tokens are.
 * @returns Numbers to add to attention scores; the caller disposes them.
 */
export function causalMask(length: number, padding?: tf.Tensor): tf.Tensor {
  const later = Float32Array.from({length: length * length}, (_, index) =>
    index % length > Math.floor(index / length) ? HIDDEN : 0,
  );
  const causal = tf.tensor(later, [1, 1, length, length]);
  if (padding === undefined) return causal;
  const hidden = tf.mul(tf.sub(1, tf.cast(padding, "float32")), HIDDEN);
  return tf.add(causal, tf.reshape(hidden, [-1, 1, 1, length]));
}

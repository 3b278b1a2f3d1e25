import * as tf from "@tensorflow/tfjs-core";

/**
 * Sum over all or some axes, one axis at a time.
 *
 * Some engines add up millions of numbers in one float32 and lose digits, and return rubbish for empty
 * tensors; here every partial sum is short and an empty sum is 0. The gradient repeats, without a tensor of ones.
 *
 * @param x - Any float tensor.
 * @param axes - Axes to remove; left out means all.
 * @returns The sum; the caller disposes it.
 */
export function sumSafe(x: tf.Tensor, axes?: readonly number[]): tf.Tensor {
  const chosen = (axes ?? x.shape.map((_, axis) => axis)).map((axis) => (axis < 0 ? axis + x.rank : axis));
  const kept = x.shape.filter((_, axis) => !chosen.includes(axis));
  if (x.size === 0) {
    return tf.zeros(kept);
  }
  const ascending = [...new Set(chosen)].sort((a, b) => a - b);
  if (chosen.length === 0) {
    return tf.clone(x);
  }
  const ones = x.shape.map((size, axis) => (chosen.includes(axis) ? 1 : size));
  const operation = tf.customGrad((...args) => {
    let value = args[0] as tf.Tensor;
    for (const axis of [...ascending].reverse()) {
      value = tf.sum(value, axis);
    }
    const repeats = x.shape.map((size, axis) => (chosen.includes(axis) ? size : 1));
    return {value, gradFunc: (dy: tf.Tensor) => tf.tile(tf.reshape(dy, ones), repeats)};
  });
  return operation(x);
}

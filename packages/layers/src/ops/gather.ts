import * as tf from "@tensorflow/tfjs-core";

// Above this many numbers the one-hot matrix of the gradient costs more than a segment sum.
const ONE_HOT_LIMIT = 1 << 22;

/**
 * Rows of a table by number, with a gradient that counts repeated rows rightly on every engine.
 *
 * Shapes: table [V, C], ids [...] int32; returns [..., C].
 *
 * Scattering with repeated indices loses updates on some engines. Small tables get a one-hot product
 * instead, large ones a segment sum.
 *
 * @param table - Rows to choose from.
 * @param ids - Row numbers in 0 .. V-1; they have no gradient.
 * @returns The chosen rows; the caller disposes them.
 * @example
 * ```ts
 * gather(tf.tensor2d([[1], [2]]), tf.tensor1d([1, 1, 0], "int32")); // [[2], [2], [1]]
 * ```
 */
export function gather(table: tf.Tensor, ids: tf.Tensor): tf.Tensor {
  const [rows, channels] = table.shape as [number, number];
  const count = ids.size;
  const flatIds: tf.Tensor1D = tf.reshape(ids, [count]);
  const operation = tf.customGrad((...args) => {
    (args[1] as tf.GradSaveFunc)([flatIds]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const kept = saved[0] as tf.Tensor1D;
      const dyFlat: tf.Tensor2D = tf.reshape(dy, [count, channels]);
      if (rows * count > ONE_HOT_LIMIT) {
        return tf.unsortedSegmentSum(dyFlat, kept, rows);
      }
      // Cast apart: the WebAssembly backend writes a one-hot float32 tensor as int32 bits.
      const chosen = tf.cast(tf.oneHot(kept, rows), "float32") as tf.Tensor2D;
      return tf.matMul(chosen, dyFlat, true, false);
    };
    return {value: tf.gather(args[0] as tf.Tensor, flatIds), gradFunc};
  });
  return tf.reshape(operation(table), [...ids.shape, channels]);
}

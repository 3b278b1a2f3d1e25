import * as tf from "@tensorflow/tfjs-core";

/**
 * The same vectors, of which those of padding pass no gradient back.
 *
 * Shapes: vectors [P, T, D], ids [P, T]; returns [P, T, D].
 *
 * @param vectors - One per token.
 * @param ids - Token ids, int32.
 * @param padId - Id of the padding token.
 * @returns A tensor that shares the values; the caller disposes it.
 *
 * Source: `padding_idx` of PyTorch's Embedding, whose row of the table never learns.
 */
export function withoutPaddingGradient(vectors: tf.Tensor, ids: tf.Tensor, padId: number): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([ids]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const kept = tf.notEqual(saved[0] as tf.Tensor, tf.scalar(padId, "int32"));
      return tf.mul(dy, tf.expandDims(tf.cast(kept, "float32"), -1));
    };
    return {value: tf.clone(x), gradFunc};
  });
  return operation(vectors);
}

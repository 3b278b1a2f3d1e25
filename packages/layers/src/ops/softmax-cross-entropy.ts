import * as tf from "@tensorflow/tfjs-core";

/**
 * Cross-entropy of each row of logits against a distribution.
 *
 * Shapes: logits [..., C], targets [..., C]; returns [...].
 * Units: nats.
 *
 * @param logits - Scores before softmax; finite.
 * @param targets - Probabilities per row; they get no gradient and need not sum to 1.
 * @returns One loss per row; the caller disposes it.
 */
export function softmaxCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const scores = args[0] as tf.Tensor;
    const shifted = tf.sub(scores, tf.max(scores, -1, true));
    const exponentials = tf.exp(shifted);
    const total = tf.sum(exponentials, -1, true);
    const logProbabilities = tf.sub(shifted, tf.log(total));
    (args[1] as tf.GradSaveFunc)([tf.div(exponentials, total), targets]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const [probabilities, wanted] = saved as [tf.Tensor, tf.Tensor];
      const mass = tf.sum(wanted, -1, true);
      return tf.mul(tf.expandDims(dy, -1), tf.sub(tf.mul(probabilities, mass), wanted));
    };
    return {value: tf.neg(tf.sum(tf.mul(targets, logProbabilities), -1)), gradFunc};
  });
  return operation(logits);
}

import {checkShape} from "@claps/core";
import {softmaxCrossEntropy} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";

/**
 * Cross entropy of logits against given probabilities, mean over the rows.
 *
 * Shapes: logits and targets [N, C] → [].
 * Units: logits in, nats out.
 *
 * @param logits - Scores before softmax; finite.
 * @param targets - A distribution per row; gets no gradient. A row of zeros adds nothing but counts in the mean.
 * @returns The loss; the caller disposes it.
 * @throws ShapeError if the shapes differ.
 * @example
 * ```ts
 * softTargetCrossEntropy(tf.zeros([1, 2]), tf.tensor2d([[0.3, 0.7]])); // ln 2
 * ```
 *
 * Source: checked against torch.nn.functional.cross_entropy with probabilities.
 */
export function softTargetCrossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
  checkShape(targets.shape, logits.shape, "targets of the cross entropy [N, C]");
  return tf.mean<tf.Scalar>(softmaxCrossEntropy(logits, targets));
}

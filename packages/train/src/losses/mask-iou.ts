import * as tf from "@tensorflow/tfjs-core";
import {noGrad} from "@claps/layers";

/**
 * IoU that masks given as logits reach, as a target for the IoU head; no gradient flows through it.
 *
 * Shapes: logits, targets and weight [M, L], M masks of L pixels → [M].
 * Units: a pixel is predicted where its logit is above 0; targets and weights 0..1.
 *
 * @param logits - Predictions before the sigmoid.
 * @param targets - Truth of the same shape; soft values count in part.
 * @param weight - Weight per pixel, 0 for pixels to ignore; left out means 1 everywhere.
 * @returns Intersection over union, the union taken as at least one pixel; the caller disposes it.
 * @example
 * ```ts
 * const reached = maskIou(logits, truth);
 * ```
 *
 * Source: the target of SAM's IoU head, Kirillov et al. 2023, appendix A.
 */
export function maskIou(logits: tf.Tensor2D, targets: tf.Tensor2D, weight?: tf.Tensor2D): tf.Tensor1D {
  return noGrad(() =>
    tf.tidy(() => {
      const predicted = tf.cast(tf.greater(logits, 0), "float32");
      const counted = weight === undefined ? predicted : tf.mul(predicted, weight);
      const truth = weight === undefined ? targets : tf.mul(targets, weight);
      const intersection = tf.sum(tf.mul(counted, targets), 1);
      const union = tf.sub(tf.add(tf.sum(counted, 1), tf.sum(truth, 1)), intersection);
      return tf.div<tf.Tensor1D>(intersection, tf.maximum(union, 1));
    }),
  );
}

import {checkShape} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/**
 * Dice loss of masks given as logits, one number per mask.
 *
 * 1 - (2 Σ w p t + 1) / (Σ w p + Σ w t + 1) with p = sigmoid(logit). The ones keep an empty mask against an
 * empty truth at 0. The gradient with respect to the logits is written by hand; targets and weights get none.
 *
 * Shapes: logits, targets and weight [M, L], M masks of L pixels → [M].
 * Units: logits in; targets and weights 0..1.
 *
 * @param logits - Predictions before the sigmoid.
 * @param targets - Truth of the same shape.
 * @param weight - Weight per pixel, 0 for pixels to ignore; left out means 1 everywhere.
 * @returns One loss per mask, 0..1; the caller disposes it.
 * @throws ShapeError if the shapes differ.
 * @example
 * ```ts
 * const loss = tf.mean(diceLoss(tf.zeros([2, 64]), tf.ones([2, 64])));
 * ```
 *
 * Source: Milletari et al. 2016 without squares; checked against the dice loss of transformers.
 */
export function diceLoss(logits: tf.Tensor2D, targets: tf.Tensor2D, weight?: tf.Tensor2D): tf.Tensor1D {
  checkShape(targets.shape, logits.shape, "targets of the dice loss");
  if (weight !== undefined) {
    checkShape(weight.shape, logits.shape, "weight of the dice loss");
  }
  const operation = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
    const weighted = weight === undefined ? targets : tf.mul(targets, weight);
    const p = tf.sigmoid(x);
    const overlap = tf.add(tf.mul(tf.sum(tf.mul(p, weighted), 1), 2), 1);
    const predicted = tf.sum(weight === undefined ? p : tf.mul(p, weight), 1);
    const total = tf.add(tf.add(predicted, tf.sum(weighted, 1)), 1);
    save(weight === undefined ? [x, targets, overlap, total] : [x, targets, overlap, total, weight]);
    return {
      value: tf.sub(1, tf.div(overlap, total)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [logit, target, doubled, sum, weights] = saved as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          ...tf.Tensor[],
        ];
        // d/dp = w (2 Σ w p t + 1 - 2 t S) / S² with S the denominator; dp/dx = p (1 - p).
        const base = tf.expandDims(tf.div(tf.mul(dy, doubled), tf.square(sum)), 1);
        const pull = tf.expandDims(tf.div(tf.mul(dy, 2), sum), 1);
        const slope = tf.mul(
          tf.mul(tf.sigmoid(logit), tf.sigmoid(tf.neg(logit))),
          tf.sub(base, tf.mul(target, pull)),
        );
        return weights === undefined ? slope : tf.mul(slope, weights);
      },
    };
  });
  return operation(logits) as tf.Tensor1D;
}

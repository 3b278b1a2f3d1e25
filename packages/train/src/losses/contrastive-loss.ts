import {checkShape} from "@claps/core";
import {noGrad} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {softTargetCrossEntropy} from "./soft-target-cross-entropy.js";

/** Taken from the logits of pairs that do not count. */
const HIDDEN = 1e9;

/** What pictures and texts should find in each other. */
export interface SimilarityTargets {
  /** Per picture a distribution over the texts [N, M]. */
  readonly image: tf.Tensor2D;
  /** Per text a distribution over the pictures [M, N]. */
  readonly text: tf.Tensor2D;
}

/** The contrastive loss and its two halves. */
export interface ContrastiveLoss {
  /** Mean of both halves. */
  readonly loss: tf.Scalar;
  /** Which text each picture finds. */
  readonly imageLoss: tf.Scalar;
  /** Which picture each text finds. */
  readonly textLoss: tf.Scalar;
}

/**
 * Similarities made into distributions, by rows and by columns.
 *
 * Shapes: similarity [N, M] → image [N, M], text [M, N].
 *
 * @param similarity - How well picture and text go together by their labels, 0 or more.
 * @returns Rows that sum to 1; a row of zeros stays one. No gradient; the caller disposes them.
 * @example
 * ```ts
 * similarityTargets(tf.tensor2d([[1, 1], [0, 1]])).image; // [[0.5, 0.5], [0, 1]]
 * ```
 */
export function similarityTargets(similarity: tf.Tensor2D): SimilarityTargets {
  return noGrad(() => ({image: rowShares(similarity), text: rowShares(tf.transpose(similarity))}));
}

/**
 * Contrastive loss that knows which pictures and texts mean the same.
 *
 * A picture is to find every text that carries its labels, in proportion, and a text every such picture; plain
 * InfoNCE would push them apart.
 *
 * Shapes: logits, similarity and known [N, M] → scalars.
 * Units: logits in, nats out.
 *
 * @param logits - Pictures in rows, texts in columns, see `contrastiveLogits`.
 * @param similarity - How well picture and text go together by their labels, 0 or more; gets no gradient. A
 *   picture or text that goes with nothing adds nothing.
 * @param known - 1, or 0 for a pair of which nobody knows whether it goes together: it is left out of both softmaxes,
 *   neither drawn together nor pushed apart. Left out means that all are known. Gets no gradient.
 * @returns The loss and its halves; the caller disposes them.
 * @throws ShapeError if the shapes differ.
 * @example
 * ```ts
 * const {loss} = contrastiveLoss(contrastiveLogits(image, text, logitScale), sameLabels);
 * ```
 *
 * Source: soft targets in place of the identity of Radford et al. 2021; checked against PyTorch's cross entropy
 * with probabilities.
 */
export function contrastiveLoss(
  logits: tf.Tensor2D,
  similarity: tf.Tensor2D,
  known?: tf.Tensor2D,
): ContrastiveLoss {
  checkShape(similarity.shape, logits.shape, "similarity of the contrastive loss [N, M]");
  if (known !== undefined) checkShape(known.shape, logits.shape, "known of the contrastive loss [N, M]");
  const targets = similarityTargets(known === undefined ? similarity : tf.mul(similarity, known));
  // The exponential of what is hidden is exactly 0, in the loss and in its gradient.
  const seen = known === undefined ? logits : tf.add<tf.Tensor2D>(logits, tf.mul(tf.sub(known, 1), HIDDEN));
  const imageLoss = softTargetCrossEntropy(seen, targets.image);
  const textLoss = softTargetCrossEntropy(tf.transpose(seen), targets.text);
  return {loss: tf.mul<tf.Scalar>(tf.add(imageLoss, textLoss), 0.5), imageLoss, textLoss};
}

function rowShares(rows: tf.Tensor2D): tf.Tensor2D {
  const total = tf.sum(rows, -1, true);
  const divisor = tf.add(total, tf.cast(tf.equal(total, 0), "float32"));
  return tf.div(rows, divisor);
}

import {checkShape} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {diceLoss} from "./dice-loss.js";
import {maskIou} from "./mask-iou.js";
import {sigmoidFocal} from "./sigmoid-focal.js";

/** Tensors that {@link maskLoss} compares. */
export interface MaskLossInputs {
  /** Mask logits [N, P, h, w]. */
  readonly logits: tf.Tensor4D;
  /** Predicted IoU [N, P]. */
  readonly iou: tf.Tensor2D;
  /** Truth [N, P, h, w], 0..1. */
  readonly truth: tf.Tensor4D;
  /** Weight per pixel [N, P, h, w]; 0 ignores the pixel. */
  readonly weight: tf.Tensor4D;
  /** 1 for a prompt that counts, 0 for padding or an unlabelled target [N, P]. */
  readonly counts: tf.Tensor2D;
}

/** How much each part of the mask loss weighs. */
export interface MaskLossWeights {
  /** Default 20. */
  readonly focal: number;
  /** Default 1. */
  readonly dice: number;
  /** Default 1. */
  readonly iou: number;
}

/** The mask loss and its parts, each a scalar before weighting. */
export interface MaskLoss {
  readonly loss: tf.Scalar;
  readonly focal: tf.Scalar;
  readonly dice: tf.Scalar;
  /** Mean squared error of the predicted IoU. */
  readonly iouError: tf.Scalar;
}

/** Weights of the original training recipe. */
export const MASK_LOSS_WEIGHTS: MaskLossWeights = Object.freeze({focal: 20, dice: 1, iou: 1});

/**
 * Focal, dice and IoU loss of predicted masks, over what is labelled and nothing else.
 *
 * Focal is the mean over counted pixels of counted prompts; dice and the IoU error are means over counted
 * prompts, inside their counted pixels. A batch in which nothing counts has loss 0.
 *
 * Shapes: see {@link MaskLossInputs}. Units: logits in.
 *
 * @param inputs - Predictions, truth and what counts.
 * @param weights - Weight of each part; default 20 focal, 1 dice, 1 IoU.
 * @returns The weighted sum and the unweighted parts; the caller disposes them.
 * @throws ShapeError if the shapes do not belong together.
 * @example
 * ```ts
 * const {loss} = maskLoss({logits, iou, truth, weight: tf.onesLike(truth), counts: tf.ones([n, p])});
 * ```
 *
 * Source: Kirillov et al. 2023, appendix A, with focal alpha 0.25 and gamma 2.
 * Differs: pixels and prompts can be left out.
 */
export function maskLoss(inputs: MaskLossInputs, weights: MaskLossWeights = MASK_LOSS_WEIGHTS): MaskLoss {
  const {logits, iou, truth, weight, counts} = inputs;
  const [images, prompts, height, width] = logits.shape;
  checkShape(truth.shape, logits.shape, "truth of the mask loss [N, P, h, w]");
  checkShape(weight.shape, logits.shape, "weight of the mask loss [N, P, h, w]");
  checkShape(iou.shape, [images, prompts], "predicted IoU of the mask loss [N, P]");
  checkShape(counts.shape, [images, prompts], "counts of the mask loss [N, P]");
  const flat: [number, number] = [images * prompts, height * width];
  const x = tf.reshape<tf.Rank.R2>(logits, flat);
  const t = tf.reshape<tf.Rank.R2>(truth, flat);
  const counted = tf.reshape(counts, [flat[0]]);
  const w = tf.mul<tf.Tensor2D>(tf.reshape(weight, flat), tf.expandDims(counted, 1));

  // An empty batch divides 0 by this instead of by 0.
  const pixels = tf.maximum(tf.sum(tf.sum(w, 1)), 1e-6);
  const masks = tf.maximum(tf.sum(counted), 1e-6);
  const meanOverMasks = (perMask: tf.Tensor): tf.Scalar => tf.div(tf.sum(tf.mul(perMask, counted)), masks);

  const focal = tf.div<tf.Scalar>(tf.sum(tf.sum(tf.mul(sigmoidFocal(x, t), w), 1)), pixels);
  const dice = meanOverMasks(diceLoss(x, t, w));
  const iouError = meanOverMasks(tf.square(tf.sub(tf.reshape(iou, [flat[0]]), maskIou(x, t, w))));
  const loss = tf.add<tf.Scalar>(
    tf.add(tf.mul(focal, weights.focal), tf.mul(dice, weights.dice)),
    tf.mul(iouError, weights.iou),
  );
  return {loss, focal, dice, iouError};
}

import {countPixels} from "./pixel-counts.js";
import type {CountOptions, PixelCounts} from "./pixel-counts.js";
import type {MaskLike} from "./mask-values.js";

/**
 * Dice coefficient 2TP / (2TP + FP + FN); NaN if prediction and truth are empty.
 *
 * @example
 * ```ts
 * diceOfCounts({truePositive: 3, falsePositive: 1, falseNegative: 1, trueNegative: 5}); // 0.75
 * ```
 */
export function diceOfCounts({truePositive, falsePositive, falseNegative}: PixelCounts): number {
  return (2 * truePositive) / (2 * truePositive + falsePositive + falseNegative);
}

/** Intersection over union TP / (TP + FP + FN); NaN if prediction and truth are empty. */
export function iouOfCounts({truePositive, falsePositive, falseNegative}: PixelCounts): number {
  return truePositive / (truePositive + falsePositive + falseNegative);
}

/** Share of the truth that was found, TP / (TP + FN); NaN if the truth is empty. */
export function sensitivityOfCounts({truePositive, falseNegative}: PixelCounts): number {
  return truePositive / (truePositive + falseNegative);
}

/** Share of the background that was left alone, TN / (TN + FP); NaN if there is none. */
export function specificityOfCounts({trueNegative, falsePositive}: PixelCounts): number {
  return trueNegative / (trueNegative + falsePositive);
}

/** Share of the prediction that is right, TP / (TP + FP); NaN if the prediction is empty. */
export function precisionOfCounts({truePositive, falsePositive}: PixelCounts): number {
  return truePositive / (truePositive + falsePositive);
}

/**
 * Dice coefficient of a prediction, 0 to 1.
 *
 * Shapes: prediction and truth of one size; see {@link countPixels}.
 *
 * @returns NaN if both are empty: nothing was asked and nothing answered. A meter decides what a mean does with it.
 * @throws ShapeError if sizes differ; DataError for values other than 0 and 1.
 * @example
 * ```ts
 * dice([1, 1, 0, 0], [1, 0, 1, 0]); // 0.5
 * ```
 */
export function dice(prediction: MaskLike, truth: MaskLike, options?: CountOptions): number {
  return diceOfCounts(countPixels(prediction, truth, options));
}

/** Intersection over union of a prediction, 0 to 1; NaN if both are empty. See {@link dice}. */
export function iou(prediction: MaskLike, truth: MaskLike, options?: CountOptions): number {
  return iouOfCounts(countPixels(prediction, truth, options));
}

/** Share of the truth that was found, 0 to 1; NaN if the truth is empty. See {@link dice}. */
export function sensitivity(prediction: MaskLike, truth: MaskLike, options?: CountOptions): number {
  return sensitivityOfCounts(countPixels(prediction, truth, options));
}

/**
 * Share of the background that was left alone, 0 to 1; NaN if there is none. See {@link dice}.
 *
 * It grows with the background that is counted: say whether `within` held the field of view.
 */
export function specificity(prediction: MaskLike, truth: MaskLike, options?: CountOptions): number {
  return specificityOfCounts(countPixels(prediction, truth, options));
}

/** Share of the prediction that is right, 0 to 1; NaN if the prediction is empty. See {@link dice}. */
export function precision(prediction: MaskLike, truth: MaskLike, options?: CountOptions): number {
  return precisionOfCounts(countPixels(prediction, truth, options));
}

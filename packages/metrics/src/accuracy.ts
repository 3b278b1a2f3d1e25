import {checkRange, ShapeError} from "@claps/core";

/** What a picture is sorted into: an id or a number. */
export type ClassName = string | number;

/**
 * Throws unless two lists speak of the same pictures.
 *
 * @throws ShapeError naming both lengths.
 */
export function checkSameLength(predictions: ArrayLike<unknown>, truths: ArrayLike<unknown>): void {
  if (predictions.length !== truths.length) {
    throw new ShapeError(
      `predictions and truths: expected one of each per picture, got ${predictions.length} and ${truths.length}.`,
    );
  }
}

/**
 * The share of pictures whose predicted class is the true one.
 *
 * @param predictions - One class per picture.
 * @param truths - One class per picture.
 * @returns 0..1; NaN without pictures.
 * @throws ShapeError if the lists differ in length.
 * @example
 * ```ts
 * accuracy(["cfp", "oct", "oct"], ["cfp", "oct", "cfp"]); // 2/3
 * ```
 *
 * Source: checked against scikit-learn's accuracy_score.
 */
export function accuracy(predictions: ArrayLike<ClassName>, truths: ArrayLike<ClassName>): number {
  checkSameLength(predictions, truths);
  let right = 0;
  for (let at = 0; at < truths.length; at++) if (predictions[at] === truths[at]) right++;
  return right / truths.length;
}

/** Options of {@link topKAccuracy}. */
export interface TopKOptions {
  /** Classes per picture: the width of the score table. */
  readonly classCount: number;
  /** How many of the highest scores may hold the truth. */
  readonly k: number;
}

/**
 * The share of pictures whose true class is among the k highest scores.
 *
 * A class that scores the same as the truth is counted as before it, so that a model which gives every class
 * one score gets nothing for it. A score that is NaN counts against the model as well.
 *
 * Shapes: scores [pictures × classes], row by row.
 *
 * @param scores - Any numbers; higher means likelier.
 * @param truths - Index of the true class of each picture.
 * @param options - Width of the table, and k.
 * @returns 0..1; NaN without pictures.
 * @throws ShapeError if the table does not fit; ConfigError for a k out of range or a truth that is no class.
 * @example
 * ```ts
 * topKAccuracy([0.5, 0.3, 0.2, 0.1, 0.2, 0.7], [1, 0], {classCount: 3, k: 2}); // 0.5
 * ```
 *
 * Source: checked against scikit-learn's top_k_accuracy_score.
 * Differs: ties are counted against the model; there they go by the order of the classes.
 */
export function topKAccuracy(
  scores: ArrayLike<number>,
  truths: ArrayLike<number>,
  {classCount, k}: TopKOptions,
): number {
  checkRange(classCount, {min: 1, integer: true}, "classCount");
  checkRange(k, {min: 1, max: classCount, integer: true}, "k");
  if (scores.length !== truths.length * classCount) {
    throw new ShapeError(
      `scores: expected ${truths.length} pictures x ${classCount} classes, got ${scores.length} numbers.`,
    );
  }
  let right = 0;
  for (let row = 0; row < truths.length; row++) {
    const truth = truths[row] as number;
    checkRange(truth, {min: 0, max: classCount - 1, integer: true}, `truths[${row}]`);
    const own = scores[row * classCount + truth] as number;
    let before = 0;
    for (let column = 0; column < classCount; column++) {
      // Written so that a NaN on either side counts as before.
      if (column !== truth && !((scores[row * classCount + column] as number) < own)) before++;
    }
    if (before < k) right++;
  }
  return right / truths.length;
}

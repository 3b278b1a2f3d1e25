import {ShapeError} from "@claps/core";
import {checkSameLength} from "./accuracy.js";
import type {ClassName} from "./accuracy.js";

/**
 * The mean over classes of the share of their pictures that are recognised.
 *
 * A constant answer has 1 / classes, however rare a class is.
 *
 * @param predictions - One class per picture.
 * @param truths - One class per picture; classes that only predictions hold do not count.
 * @returns 0..1; NaN if the truths hold fewer than two classes, since any constant answer would be perfect.
 * @throws ShapeError if the lists differ in length.
 * @example
 * ```ts
 * balancedAccuracy([1, 1, 1, 0], [1, 1, 1, 1]); // NaN: nothing to tell apart
 * balancedAccuracy([1, 1, 0, 0], [1, 1, 1, 0]); // (2/3 + 1) / 2
 * ```
 *
 * Source: checked against scikit-learn's balanced_accuracy_score.
 * Differs: one class only is NaN; there it is that class's recall.
 */
export function balancedAccuracy(predictions: ArrayLike<ClassName>, truths: ArrayLike<ClassName>): number {
  checkSameLength(predictions, truths);
  const counts = new Map<ClassName, {all: number; right: number}>();
  for (let at = 0; at < truths.length; at++) {
    const truth = truths[at] as ClassName;
    const count = counts.get(truth) ?? {all: 0, right: 0};
    count.all++;
    if (predictions[at] === truth) count.right++;
    counts.set(truth, count);
  }
  if (counts.size < 2) return NaN;
  let sum = 0;
  for (const {all, right} of counts.values()) sum += right / all;
  return sum / counts.size;
}

/** What is known of one label of one picture; unlabelled is not negative and counts nowhere. */
export type LabelState = "positive" | "negative" | "unlabelled";

/** Predictions and truths of several labels that a picture may have at once. */
export interface LabelTable {
  /** Names of the columns. */
  readonly labels: readonly string[];
  /** [pictures × labels]: whether the label is said to be there. */
  readonly predictions: readonly (readonly boolean[])[];
  /** [pictures × labels]. */
  readonly truths: readonly (readonly LabelState[])[];
}

/** One label over all pictures in which it is labelled. */
export interface LabelAccuracy {
  readonly label: string;
  /** Mean of sensitivity and specificity; NaN unless there are both positives and negatives. */
  readonly balancedAccuracy: number;
  /** Share of the positives that are found; NaN without any. */
  readonly sensitivity: number;
  /** Share of the negatives that are left alone; NaN without any. */
  readonly specificity: number;
  /** Share of labelled pictures that are right; NaN without any. */
  readonly accuracy: number;
  readonly positives: number;
  readonly negatives: number;
  readonly unlabelled: number;
}

/** Mean over labels, with the labels. */
export interface MacroBalancedAccuracy {
  /** Mean over the labels that have both positives and negatives; NaN if none has. */
  readonly mean: number;
  /** Labels in the mean. */
  readonly labelsUsed: number;
  /** Every label, in the order of the table. */
  readonly labels: readonly LabelAccuracy[];
}

/**
 * Balanced accuracy per label, and its mean over the labels where it is defined.
 *
 * A picture in which a label is unlabelled does not count for that label; a label without both positives and
 * negatives does not count in the mean.
 *
 * @param table - Labels, predictions and truths.
 * @returns The mean beside the number of labels in it, and every label with its counts.
 * @throws ShapeError if a row has not one entry per label.
 * @example
 * ```ts
 * const {mean, labelsUsed} = macroBalancedAccuracy({
 *   labels: ["haemorrhage", "exudate"],
 *   predictions: [[true, true], [false, true]],
 *   truths: [["positive", "negative"], ["negative", "unlabelled"]],
 * }); // mean 1 over 1 label
 * ```
 *
 * Source: each label checked against scikit-learn's balanced_accuracy_score on its labelled pictures.
 */
export function macroBalancedAccuracy({labels, predictions, truths}: LabelTable): MacroBalancedAccuracy {
  checkSameLength(predictions, truths);
  for (let row = 0; row < truths.length; row++) {
    const [said, known] = [predictions[row]?.length ?? 0, truths[row]?.length ?? 0];
    if (said !== labels.length || known !== labels.length) {
      throw new ShapeError(
        `picture ${row}: expected a prediction and a truth for each of ${labels.length} labels, got ${said} and ${known}.`,
      );
    }
  }
  const rows = labels.map((label, column) => {
    const counts = {truePositive: 0, falseNegative: 0, trueNegative: 0, falsePositive: 0};
    for (let row = 0; row < truths.length; row++) {
      const isFound = predictions[row]?.[column] === true;
      const state = truths[row]?.[column];
      if (state === "positive") counts[isFound ? "truePositive" : "falseNegative"]++;
      if (state === "negative") counts[isFound ? "falsePositive" : "trueNegative"]++;
    }
    return labelAccuracy(label, counts, truths.length);
  });
  const used = rows.filter((row) => !Number.isNaN(row.balancedAccuracy));
  const sum = used.reduce((total, row) => total + row.balancedAccuracy, 0);
  return {mean: sum / used.length, labelsUsed: used.length, labels: rows};
}

function labelAccuracy(
  label: string,
  counts: {truePositive: number; falseNegative: number; trueNegative: number; falsePositive: number},
  pictures: number,
): LabelAccuracy {
  const positives = counts.truePositive + counts.falseNegative;
  const negatives = counts.trueNegative + counts.falsePositive;
  const sensitivity = counts.truePositive / positives;
  const specificity = counts.trueNegative / negatives;
  return {
    label,
    balancedAccuracy: (sensitivity + specificity) / 2,
    sensitivity,
    specificity,
    accuracy: (counts.truePositive + counts.trueNegative) / (positives + negatives),
    positives,
    negatives,
    unlabelled: pictures - positives - negatives,
  };
}

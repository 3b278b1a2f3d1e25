import {accuracy, balancedAccuracy, confusionTable} from "@claps/metrics";
import type {ConfusionTable} from "@claps/metrics";
import {jsonNumber} from "./json-number.js";

/** How well one class of several is told; null is what is not defined. */
export interface ClassFigure {
  readonly accuracy: number | null;
  readonly balancedAccuracy: number | null;
  /** What a blind draw among the classes gets. */
  readonly chance: {readonly accuracy: number};
  /** What the most frequent class gets, given always. */
  readonly prior: {readonly accuracy: number | null; readonly balancedAccuracy: number | null};
  readonly n: number;
  readonly confusion: ConfusionTable;
}

/**
 * Figures of predictions among several classes, with what a draw and a constant answer get.
 *
 * @param predictions - One class per picture.
 * @param truths - One class per picture.
 * @param classes - Rows and columns of the confusion table.
 * @param chance - Accuracy of a blind draw.
 */
export function classFigure(
  predictions: readonly string[],
  truths: readonly string[],
  classes: readonly string[],
  chance: number,
): ClassFigure {
  const counts = new Map<string, number>();
  for (const truth of truths) counts.set(truth, (counts.get(truth) ?? 0) + 1);
  return {
    accuracy: jsonNumber(accuracy(predictions, truths)),
    balancedAccuracy: jsonNumber(balancedAccuracy(predictions, truths)),
    chance: {accuracy: chance},
    prior: {
      accuracy: jsonNumber(Math.max(0, ...counts.values()) / truths.length),
      balancedAccuracy: counts.size < 2 ? null : 1 / counts.size,
    },
    n: truths.length,
    confusion: confusionTable(predictions, truths, classes),
  };
}

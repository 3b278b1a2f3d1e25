import {DataError, unknownNameMessage} from "@claps/core";
import {checkSameLength} from "./accuracy.js";

/** How often each class was taken for each other one. */
export interface ConfusionTable {
  /** Names of rows and columns. */
  readonly classes: readonly string[];
  /** `counts[truth][prediction]`. */
  readonly counts: readonly (readonly number[])[];
  /** Pictures in the table. */
  readonly n: number;
}

/**
 * Counts of every pair of true and predicted class.
 *
 * @param predictions - One class per picture.
 * @param truths - One class per picture.
 * @param classes - Names of rows and columns in this order; left out means all that occur, sorted.
 * @returns Rows are truths, columns predictions.
 * @throws ShapeError if the lists differ in length; DataError for a class that is not in `classes`.
 * @example
 * ```ts
 * confusionTable(["cfp", "cfp"], ["cfp", "oct"]).counts; // [[1, 0], [1, 0]]
 * ```
 *
 * Source: checked against scikit-learn's confusion_matrix.
 */
export function confusionTable(
  predictions: readonly string[],
  truths: readonly string[],
  classes: readonly string[] = [...new Set([...truths, ...predictions])].sort(),
): ConfusionTable {
  checkSameLength(predictions, truths);
  const index = new Map(classes.map((name, at) => [name, at]));
  const indexOf = (name: string): number => {
    const at = index.get(name);
    if (at === undefined) throw new DataError(unknownNameMessage("class", name, classes));
    return at;
  };
  const counts = classes.map(() => classes.map(() => 0));
  truths.forEach((truth, at) => {
    const row = counts[indexOf(truth)] as number[];
    row[indexOf(predictions[at] as string)]! += 1;
  });
  return {classes: [...classes], counts, n: truths.length};
}

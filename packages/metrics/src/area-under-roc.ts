import {checkSameLength} from "./accuracy.js";

/**
 * The chance that a positive picture scores higher than a negative one, ties counted half.
 *
 * @param scores - One per picture; higher means likelier.
 * @param truths - Whether each picture is positive.
 * @returns 0..1, 0.5 for scores that say nothing; NaN without both kinds, or if a score is NaN.
 * @throws ShapeError if the lists differ in length.
 * @example
 * ```ts
 * areaUnderRoc([0.1, 0.4, 0.35, 0.8], [false, false, true, true]); // 0.75
 * ```
 *
 * Source: Mann-Whitney statistic with mid-ranks; checked against scikit-learn's roc_auc_score.
 */
export function areaUnderRoc(scores: ArrayLike<number>, truths: readonly boolean[]): number {
  checkSameLength(scores, truths);
  if (Array.from(scores).some(Number.isNaN)) return NaN;
  const order = truths.map((_, at) => at).sort((a, b) => (scores[a] as number) - (scores[b] as number));
  let [positives, rankSum] = [0, 0];
  for (let first = 0; first < order.length;) {
    const value = scores[order[first] as number] as number;
    let end = first;
    while (end < order.length && scores[order[end] as number] === value) end++;
    const middle = (first + 1 + end) / 2;
    for (let at = first; at < end; at++) {
      if (truths[order[at] as number] !== true) continue;
      positives++;
      rankSum += middle;
    }
    first = end;
  }
  const negatives = truths.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

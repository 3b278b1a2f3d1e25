import {ShapeError} from "@claps/core";

/**
 * The threshold with the best balanced accuracy; a picture is positive if its score is greater.
 *
 * Cuts lie in the middle between neighbouring scores. Of equally good cuts the one in the widest gap is taken,
 * since it errs least when scores move a little; of equally wide ones the lowest.
 *
 * @param scores - One per picture; higher means likelier.
 * @param truths - Whether each picture is positive.
 * @returns The threshold; NaN without both kinds, or if no cut is better than a constant answer.
 * @throws ShapeError if the lists differ in length.
 * @example
 * ```ts
 * balancedThreshold([0.1, 0.2, 0.8, 0.9], [false, false, true, true]); // 0.5
 * ```
 */
export function balancedThreshold(scores: ArrayLike<number>, truths: readonly boolean[]): number {
  if (scores.length !== truths.length) {
    throw new ShapeError(
      `scores and truths: expected one of each per picture, got ${scores.length} and ${truths.length}.`,
    );
  }
  const order = truths.map((_, at) => at).sort((a, b) => (scores[a] as number) - (scores[b] as number));
  const positives = truths.filter(Boolean).length;
  const negatives = truths.length - positives;
  let [below, positivesBelow] = [0, 0];
  let best = {merit: 0, gap: 0, threshold: NaN};
  for (let place = 0; place + 1 < order.length; place++) {
    const [lower, upper] = [scores[order[place] as number], scores[order[place + 1] as number]] as [
      number,
      number,
    ];
    below++;
    if (truths[order[place] as number] === true) positivesBelow++;
    if (!(lower < upper)) continue;
    // Twice the gain of balanced accuracy over one half, times both counts: whole numbers, so that ties are exact.
    const merit = (below - positivesBelow) * positives - positivesBelow * negatives;
    const gap = upper - lower;
    if (merit > best.merit || (merit === best.merit && merit > 0 && gap > best.gap)) {
      best = {merit, gap, threshold: (lower + upper) / 2};
    }
  }
  return best.threshold;
}

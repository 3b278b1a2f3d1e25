import {checkRange} from "@claps/core";

/** What each answer is to a query: a right one, a wrong one, or one that nobody can judge. */
export type Relevance = "right" | "wrong" | "unknown";

/**
 * The place of a query's best right answer when all answers are sorted by score.
 *
 * A wrong answer of the same score stands before it, and so does one whose score is NaN; answers that nobody
 * can judge are left out of the order.
 *
 * @param scores - One per answer; higher means nearer.
 * @param relevanceOf - What an answer is, by its index.
 * @returns 1 for the first place; NaN if there is no right answer.
 * @example
 * ```ts
 * bestRank([0.9, 0.5, 0.5], (answer) => (answer === 2 ? "right" : "wrong")); // 3
 * ```
 */
export function bestRank(scores: ArrayLike<number>, relevanceOf: (answer: number) => Relevance): number {
  let best = -Infinity;
  let hasRight = false;
  const wrong: number[] = [];
  for (let answer = 0; answer < scores.length; answer++) {
    const score = scores[answer] as number;
    const relevance = relevanceOf(answer);
    if (relevance === "wrong") wrong.push(score);
    if (relevance !== "right") continue;
    hasRight = true;
    if (score > best) best = score;
  }
  if (!hasRight) return NaN;
  let before = 0;
  for (const score of wrong) if (!(score < best)) before++;
  return before + 1;
}

/**
 * The share of queries with a right answer among the first k.
 *
 * @param ranks - {@link bestRank} of every query; NaN for a query without any right answer, which is left out.
 * @param k - How many answers are looked at.
 * @returns 0..1; NaN if no query has a right answer.
 * @throws ConfigError if k is not a whole number of at least 1.
 * @example
 * ```ts
 * recallAtK([1, 3, NaN, 7], 5); // 2/3
 * ```
 *
 * Source: for one right answer per query the same as scikit-learn's top_k_accuracy_score.
 */
export function recallAtK(ranks: ArrayLike<number>, k: number): number {
  checkRange(k, {min: 1, integer: true}, "k");
  let [hits, queries] = [0, 0];
  for (let at = 0; at < ranks.length; at++) {
    const rank = ranks[at] as number;
    if (Number.isNaN(rank)) continue;
    queries++;
    if (rank <= k) hits++;
  }
  return hits / queries;
}

/**
 * The recall at k of answers in random order, for one query.
 *
 * @param right - Right answers.
 * @param answers - All answers that can be judged.
 * @param k - How many answers are looked at.
 * @returns 1 - C(answers - right, k) / C(answers, k); NaN without a right answer.
 * @example
 * ```ts
 * chanceRecallAtK(2, 4, 2); // 5/6
 * ```
 */
export function chanceRecallAtK(right: number, answers: number, k: number): number {
  checkRange(k, {min: 1, integer: true}, "k");
  if (right < 1) return NaN;
  let missed = 1;
  for (let place = 0; place < Math.min(k, answers); place++) {
    missed *= Math.max(answers - right - place, 0) / (answers - place);
  }
  return 1 - missed;
}

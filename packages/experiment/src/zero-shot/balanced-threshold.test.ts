import {ShapeError} from "@claps/core";
import {createRandom} from "@claps/core";
import {balancedAccuracy} from "@claps/metrics";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {balancedThreshold} from "./balanced-threshold.js";

const truthsOf = (bits: string): boolean[] => [...bits].map((bit) => bit === "+");

test("the middle of the gap that parts both kinds", () => {
  assert.is(balancedThreshold([0, 0.25, 0.75, 1], truthsOf("--++")), 0.5);
  assert.is(balancedThreshold([1, 0, 0.75, 0.25], truthsOf("+-+-")), 0.5);
});

test("of equally good cuts the one in the widest gap, then the lowest", () => {
  // Scores 1 -, 2 +, 8 -, 9 +: the cut at 1.5 has sensitivity 1 and specificity 1/2, that at 8.5 1/2 and 1.
  assert.is(balancedThreshold([1, 2, 8, 9], truthsOf("-+-+")), 1.5);
  // Scores 1 -, 2 +, 8 +, 9 -, 15 +: cuts at 1.5 (1 and 1/2) and 12 (1/3 and 1): 3/4 beats 2/3.
  assert.is(balancedThreshold([1, 2, 8, 9, 15], truthsOf("-++-+")), 1.5);
  // Scores 1 -, 2 -, 4 +, 5 -, 6 -, 12 +: 3 has 1 and 1/2, 9 has 1/2 and 1; the gap at 9 is wider.
  assert.is(balancedThreshold([1, 2, 4, 5, 6, 12], truthsOf("--+--+")), 9);
  assert.is(balancedThreshold([1, 2, 14, 15, 16, 18], truthsOf("--+--+")), 8);
});

test("equal scores are not parted", () => {
  assert.is(balancedThreshold([1, 1, 1, 3], truthsOf("-+-+")), 2);
});

test("one kind only, or no cut better than a constant answer: no threshold", () => {
  for (const [scores, bits] of [
    [[], ""],
    [[1, 2], "++"],
    [[1, 1], "+-"],
    [[1, 2], "+-"],
  ] as [number[], string][]) {
    assert.ok(Number.isNaN(balancedThreshold(scores, truthsOf(bits))), bits);
  }
});

test("no cut that can be tried is better, on random scores with ties", () => {
  const random = createRandom(5);
  for (let round = 0; round < 30; round++) {
    const scores = Array.from({length: 25}, () => random.integer(12));
    const truths = scores.map((score) => random.chance(0.2 + score / 20));
    const merit = (cut: number): number =>
      balancedAccuracy(
        scores.map((score) => Number(score > cut)),
        truths.map(Number),
      );
    const best = Math.max(...Array.from({length: 14}, (_, at) => merit(at - 0.5)));
    const threshold = balancedThreshold(scores, truths);
    if (Number.isNaN(threshold)) assert.ok(!(best > 0.5));
    else assert.is(merit(threshold), best);
  }
});

test("lists of two lengths are refused", () => {
  assert.throws(
    () => balancedThreshold([1], []),
    (error: unknown) => error instanceof ShapeError && /got 1 and 0/.test(error.message),
  );
});

test.run();

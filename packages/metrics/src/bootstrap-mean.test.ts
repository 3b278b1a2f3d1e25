import {existsSync, readFileSync} from "node:fs";
import {ConfigError, createRandom} from "@claps/core";
import type {Random} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {bootstrapMean, percentileInterval} from "./bootstrap-mean.js";

/** A source that gives whole numbers from a list. */
function scripted(indices: readonly number[]): Random {
  let at = 0;
  return {...createRandom(0), integer: () => indices[at++ % indices.length] as number};
}

test("percentiles are interpolated between sorted values", () => {
  // Ranks 0.025 * 4 = 0.1 and 3.9 of 1, 2, 3, 4, 5.
  const [low, high] = percentileInterval([5, 1, 4, 2, 3], 0.95);
  assert.is(Math.abs(low - 1.1) < 1e-12 && Math.abs(high - 4.9) < 1e-12, true, `${low} ${high}`);
});

test("worked by hand: two values, four resamples", () => {
  // Draws 00, 01, 10, 11 give the means 0, 1, 1, 2; ranks 0.3 and 2.7 of 0..3 give 0.3 and 1.7 at 80 %.
  const random = scripted([0, 0, 0, 1, 1, 0, 1, 1]);
  const {mean, low, high} = bootstrapMean([0, 2], {random, resamples: 4, confidence: 0.8});
  assert.is(mean, 1);
  assert.is(
    Math.abs((low ?? NaN) - 0.3) < 1e-12 && Math.abs((high ?? NaN) - 1.7) < 1e-12,
    true,
    `${low} ${high}`,
  );
});

test("the same source gives the same interval, which holds the mean", () => {
  const values = Array.from({length: 30}, (_, at) => 0.5 + 0.01 * at);
  const run = (seed: number): ReturnType<typeof bootstrapMean> =>
    bootstrapMean(values, {random: createRandom(seed).fork("bootstrap")});
  const first = run(7);
  assert.equal(run(7), first);
  assert.is.not(run(8).low, first.low);
  assert.is(first.resamples, 2000);
  const {mean, low, high} = first as {mean: number; low: number; high: number};
  assert.is(low < mean && mean < high, true);
  // The normal approximation: 1.96 standard errors of the mean, 0.088034 / sqrt(30), on each side.
  const half = (1.96 * 0.088034) / Math.sqrt(30);
  assert.is(Math.abs(high - low - 2 * half) < 0.1 * half, true, `${high - low} and ${2 * half}`);
});

test("clusters are drawn whole", () => {
  // Patient a has 0 and 0, patient b 1: drawing only a or only b is likely, so the limits are 0 and 1.
  const {low, high, n, nClusters} = bootstrapMean([0, 0, 1], {
    random: createRandom(3),
    clusters: ["a", "a", "b"],
    resamples: 400,
  });
  assert.equal([low, high, n, nClusters], [0, 1, 3, 2]);
});

test("no value gives null, and options are checked", () => {
  const random = createRandom(1);
  const {mean, low, high, n} = bootstrapMean([], {random});
  assert.equal([mean, low, high, n], [null, null, null, 0]);
  const refuses = (run: () => unknown, message: RegExp): void =>
    assert.throws(run, (error: unknown) => error instanceof ConfigError && message.test(error.message));
  refuses(() => bootstrapMean([1], {random, confidence: 95}), /confidence: .* got 95/);
  refuses(() => bootstrapMean([1], {random, resamples: 0}), /resamples/);
  refuses(() => bootstrapMean([1, 2], {random, clusters: ["a"]}), /expected one for each of 2 values, got 1/);
});

const file = new URL("../../../../shared/reference/metrics/bootstrap.json", import.meta.url);
const reference = existsSync(file) ? test : test.skip;
if (!existsSync(file)) {
  console.log("skipped: the optional reference file for the bootstrap is absent");
}

reference("scipy's percentile interval on its own resamples", () => {
  const {cases} = JSON.parse(readFileSync(file, "utf8")) as {
    cases: {
      statistic: string;
      sample: number[];
      confidence: number;
      indices: number[][];
      percentile: number[] | {low: number; high: number};
    }[];
  };
  let compared = 0;
  for (const {statistic, sample, confidence, indices, percentile} of cases) {
    if (statistic !== "mean") continue;
    const random = scripted(indices.flat());
    const {low, high} = bootstrapMean(sample, {random, confidence, resamples: indices.length});
    const [wantedLow = NaN, wantedHigh = NaN] = Object.values<number>(percentile);
    assert.is(Math.abs((low ?? NaN) - wantedLow) < 1e-9, true, `${low} ${wantedLow}`);
    assert.is(Math.abs((high ?? NaN) - wantedHigh) < 1e-9, true, `${high} ${wantedHigh}`);
    compared++;
  }
  assert.is(compared > 0, true);
});

test.run();

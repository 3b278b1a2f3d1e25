import {ConfigError, DataError} from "@claps/core";
import {recordOf} from "@claps/metrics";
import type {CaseRecord} from "@claps/metrics";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {compareEvaluations} from "./compare-evaluations.js";
import {composeEvaluation} from "./evaluation-document.js";
import type {EvaluationDocument, EvaluationParts} from "./evaluation-document.js";
import {mergeEvaluations} from "./merge-evaluations.js";

/** A case with `hits` of 10 px found and as many false alarms as misses: Dice is hits / 10. */
function record(id: string, hits: number): CaseRecord {
  const misses = 10 - hits;
  const counts = {truePositive: hits, falsePositive: misses, falseNegative: misses, trueNegative: 80};
  return recordOf({group: "optic-disc", id, counts});
}

const bothEmpty = (id: string): CaseRecord =>
  recordOf({
    group: "optic-disc",
    id,
    counts: {truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 100},
  });
const falseAlarm = (id: string): CaseRecord =>
  recordOf({
    group: "optic-disc",
    id,
    counts: {truePositive: 0, falsePositive: 5, falseNegative: 0, trueNegative: 95},
  });

function document(
  records: readonly CaseRecord[],
  changes: Partial<EvaluationParts> = {},
): EvaluationDocument {
  return composeEvaluation({
    dataset: {id: "tiny", title: "Tiny"},
    predictions: "ours",
    settings: {split: "test", empty: "exclude", aggregate: "image", longestSide: null, fieldOfView: true},
    shard: null,
    cases: records.map(({id}) => ({id, patient: null})),
    allCases: records.length,
    unreadable: [],
    targets: [{id: "optic-disc", code: "OD", name: "optic disc", colour: [1, 2, 3]}],
    records,
    ...changes,
  });
}

const near = (actual: number | null | undefined, expected: number): void =>
  assert.ok(Math.abs((actual ?? NaN) - expected) < 1e-9, `expected ${expected}, got ${String(actual)}`);

test("the same gain in every case leaves nothing to chance: difference and both limits are 0.1", () => {
  const b = [4, 6, 8].map((hits, index) => record(`${index}`, hits));
  const a = [5, 7, 9].map((hits, index) => record(`${index}`, hits));
  const {targets, resamples, confidence} = compareEvaluations(document(a), document(b));
  assert.equal([resamples, confidence], [2000, 0.95]);
  const [disc] = targets;
  assert.equal([disc?.cases, disc?.units], [3, 3]);
  near(disc?.a, 0.7);
  near(disc?.b, 0.6);
  for (const value of [disc?.difference, disc?.low, disc?.high]) near(value, 0.1);
});

test("a gain of 1 in one of two cases: resamples give 0, 1/2 or 1, a quarter of them each end", () => {
  const a = document([record("x", 10), record("y", 10)]);
  const b = document([record("x", 0), record("y", 10)]);
  const [disc] = compareEvaluations(a, b).targets;
  assert.equal([disc?.difference, disc?.low, disc?.high], [0.5, 0, 1]);
  const [turned] = compareEvaluations(b, a).targets;
  assert.equal([turned?.difference, turned?.low, turned?.high], [-0.5, -1, 0]);
});

test("pairs stay together: two noisy sets that agree case by case differ by exactly nothing", () => {
  const records = [0, 2, 5, 9, 10].map((hits, index) => record(`${index}`, hits));
  const [disc] = compareEvaluations(document(records), document([...records].reverse())).targets;
  assert.equal([disc?.difference, disc?.low, disc?.high], [0, 0, 0]);
});

test("cases of one patient are drawn together: one patient leaves one outcome", () => {
  const of = (hits: number[]): CaseRecord[] => hits.map((count, index) => record(`${index}`, count));
  const cases = [0, 1, 2, 3].map((index) => ({id: `${index}`, patient: "one"}));
  const [disc] = compareEvaluations(
    document(of([10, 10, 5, 5]), {cases}),
    document(of([0, 5, 5, 10]), {cases}),
  ).targets;
  assert.equal([disc?.cases, disc?.units], [4, 1]);
  assert.equal([disc?.low, disc?.high], [disc?.difference, disc?.difference]);
});

test("a false alarm where the other set is rightly silent is not forgiven", () => {
  const a = document([record("x", 8), bothEmpty("y")]);
  const b = document([record("x", 8), falseAlarm("y")]);
  const [disc] = compareEvaluations(a, b).targets;
  near(disc?.a, 0.8);
  near(disc?.b, 0.4);
  near(disc?.difference, 0.4);
  const nothing = compareEvaluations(document([bothEmpty("y")]), document([bothEmpty("y")])).targets[0];
  assert.equal([nothing?.a, nothing?.difference, nothing?.low, nothing?.high], [null, null, null, null]);
});

test("the same seed gives the same interval, another seed another", () => {
  const a = document([1, 3, 4, 8, 9, 2].map((hits, index) => record(`${index}`, hits)));
  const b = document([4, 1, 7, 3, 2, 9].map((hits, index) => record(`${index}`, hits)));
  const intervalOf = (seed: number): unknown => compareEvaluations(a, b, {seed, resamples: 200}).targets;
  assert.equal(intervalOf(4), intervalOf(4));
  assert.not.equal(intervalOf(4), intervalOf(5));
});

test("other cases, other settings, and shards are refused", () => {
  const a = document([record("x", 8), record("y", 8)]);
  const error = (b: EvaluationDocument): Error => {
    try {
      compareEvaluations(a, b);
    } catch (thrown) {
      return thrown as Error;
    }
    return assert.unreachable() as never;
  };
  const others = error(document([record("x", 8), record("z", 8)]));
  assert.instance(others, DataError);
  assert.match(others.message, /y \(optic-disc\), z \(optic-disc\)/);
  const settings = error(document(a.records, {settings: {...a.settings, fieldOfView: false}}));
  assert.instance(settings, ConfigError);
  assert.match(settings.message, /fieldOfView true and false/);
  assert.match(error(document(a.records, {shard: {index: 1, count: 2}})).message, /evaluate merge/);
});

test("merge refuses gaps, duplicates, mixed divisions and documents that do not add up", () => {
  const part = (index: number, count: number, ids: string[], allCases = 3): EvaluationDocument =>
    document(
      ids.map((id) => record(id, 5)),
      {shard: {index, count}, allCases},
    );
  const [first, second, third] = [part(1, 3, ["a"]), part(2, 3, ["b"]), part(3, 3, ["c"])];
  assert.is(mergeEvaluations([third, first, second]).records.length, 3);
  assert.throws(() => mergeEvaluations([first, third]), /got none of 2\/3/);
  assert.throws(() => mergeEvaluations([first, second, second]), /got 2\/3 twice/);
  assert.throws(() => mergeEvaluations([first, second, part(3, 3, ["a"])]), /got "a" twice/);
  assert.throws(() => mergeEvaluations([first, second, part(3, 3, ["c", "d"])]), /expected 3 cases .* got 4/);
  assert.throws(() => mergeEvaluations([first, part(2, 2, ["b"])]), /i\/3 and i\/2/);
  assert.throws(() => mergeEvaluations([document([record("a", 5)])]), /got a document of all cases/);
  assert.throws(() => mergeEvaluations([]), /at least one document/);
});

test.run();

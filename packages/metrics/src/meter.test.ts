import {ConfigError, DataError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {recordOf} from "./case-record.js";
import {createMeter} from "./meter.js";
import type {EmptyPolicy, Meter} from "./meter.js";

/** Truth, right and predicted pixels of the four worked cases: 0/0/0, 10/0/3, 10000/9000/9500, 20/10/14. */
const WORKED: [truth: number, right: number, predicted: number][] = [
  [0, 0, 0],
  [10, 0, 3],
  [10000, 9000, 9500],
  [20, 10, 14],
];
const AREA = 20000;

function workedMeter(empty?: EmptyPolicy): Meter {
  const meter = createMeter(empty === undefined ? {} : {empty});
  WORKED.forEach(([truth, right, predicted], index) => {
    const counts = {
      truePositive: right,
      falsePositive: predicted - right,
      falseNegative: truth - right,
      trueNegative: AREA - truth - predicted + right,
    };
    meter.add(recordOf({group: "lesion", id: String(index), counts}));
  });
  return meter;
}

function isClose(actual: number | null | undefined, expected: number, tolerance = 5e-5): void {
  assert.is(Math.abs((actual ?? NaN) - expected) <= tolerance, true, `expected ${expected}, got ${actual}`);
}

test("per-image mean by policy and pooled Dice of the worked cases", () => {
  const excluded = workedMeter().summarize().get("lesion");
  isClose(excluded?.dice.mean, 0.5038);
  isClose(workedMeter("one").summarize().get("lesion")?.dice.mean, 0.6278);
  isClose(workedMeter("zero").summarize().get("lesion")?.dice.mean, 0.3778);
  isClose(excluded?.dice.pooled, 0.9219);
  assert.equal(
    [excluded?.n, excluded?.nBothEmpty, excluded?.nFalsePresence, excluded?.nMissed, excluded?.dice.n],
    [4, 1, 0, 0, 3],
  );
});

test("the deviation is that of a sample", () => {
  // Dice of 0, 18000/19500 and 20/34: mean 0.503771, squares of the differences sum to 0.436737.
  const {sd} = workedMeter().summarize().get("lesion")?.dice ?? {};
  const values = [0, 18000 / 19500, 20 / 34];
  const mean = values.reduce((sum, value) => sum + value, 0) / 3;
  const expected = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 2);
  isClose(sd, expected, 1e-12);
  isClose(sd, 0.4673, 5e-5);
});

test("one sided empties cost the whole Dice and are counted by kind", () => {
  const meter = createMeter();
  assert.is(meter.update({group: "g", id: "a", prediction: [1, 0], truth: [0, 0]}).state, "false-presence");
  assert.is(meter.update({group: "g", id: "b", prediction: [0, 0], truth: [1, 0]}).state, "missed");
  assert.is(meter.update({group: "g", id: "c", prediction: [0, 0], truth: [0, 0]}).state, "both-empty");
  assert.is(meter.update({group: "g", id: "d", prediction: [1, 0], truth: [1, 0]}).state, "both");
  const summary = meter.summarize().get("g");
  assert.equal([summary?.nFalsePresence, summary?.nMissed, summary?.nBothEmpty, summary?.n], [1, 1, 1, 4]);
  isClose(summary?.dice.mean, 1 / 3, 1e-12);
  // Sensitivity exists where there is truth: cases b and d.
  assert.equal([summary?.sensitivity.mean, summary?.sensitivity.n], [0.5, 2]);
  // Specificity exists in all four: 1/2, 1, 1, 1.
  assert.equal([summary?.specificity.mean, summary?.specificity.n], [0.875, 4]);
});

test("what is not defined is null with a reason, and JSON keeps it", () => {
  const meter = createMeter();
  const record = meter.update({group: "g", id: "a", prediction: [0, 0], truth: [0, 0]});
  assert.equal([record.dice, record.iou, record.sensitivity, record.specificity], [null, null, null, 1]);
  assert.is(record.reason, "truth and prediction are empty");
  const summary = meter.summarize().get("g");
  assert.equal(summary?.dice, {mean: null, sd: null, pooled: null, n: 0});
  const text = JSON.stringify([meter.records, [...meter.summarize()]]);
  assert.equal(JSON.parse(text), [meter.records, [...meter.summarize()]]);
  assert.not.match(text, "NaN");
});

test("one case has a mean and no deviation", () => {
  const meter = createMeter();
  meter.update({group: "g", id: "a", prediction: [1, 1], truth: [1, 0]});
  isClose(meter.summarize().get("g")?.dice.mean, 2 / 3, 1e-12);
  assert.is(meter.summarize().get("g")?.dice.sd, null);
});

test("shards merged in any order give the summary of the whole; a shard twice is refused", () => {
  const whole = workedMeter();
  const merged = createMeter();
  for (const record of [...whole.records].reverse()) {
    merged.add(JSON.parse(JSON.stringify(record)) as typeof record);
  }
  const [a, b] = [whole.summarize().get("lesion"), merged.summarize().get("lesion")];
  isClose(b?.dice.mean, a?.dice.mean as number, 1e-12);
  isClose(b?.dice.sd, a?.dice.sd as number, 1e-12);
  assert.is(b?.dice.pooled, a?.dice.pooled);
  assert.throws(
    () => merged.add(whole.records[0] as (typeof whole.records)[number]),
    (error: unknown) => error instanceof DataError && /"0" twice/.test(error.message),
  );
});

test("groups keep their order, the field of view counts, and policies are checked", () => {
  const meter = createMeter();
  meter.update({group: "b", id: "1", prediction: [1, 1], truth: [1, 0], within: [1, 0]});
  meter.update({group: "a", id: "1", prediction: [1, 1], truth: [1, 0]});
  assert.equal([...meter.summarize().keys()], ["b", "a"]);
  assert.is(meter.summarize().get("b")?.dice.mean, 1);
  assert.throws(
    () => createMeter({empty: "excluded" as EmptyPolicy}),
    (error: unknown) => error instanceof ConfigError && /did you mean "exclude"/.test(error.message),
  );
});

test.run();

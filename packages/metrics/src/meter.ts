import {ConfigError, DataError, unknownNameMessage} from "@claps/core";
import {mean, std} from "mathjs/number";
import {recordOf} from "./case-record.js";
import type {CaseRecord, Measure} from "./case-record.js";
import type {MaskLike} from "./mask-values.js";
import {
  diceOfCounts,
  iouOfCounts,
  precisionOfCounts,
  sensitivityOfCounts,
  specificityOfCounts,
} from "./overlap.js";
import {countPixels, sumCounts} from "./pixel-counts.js";
import type {PixelCounts} from "./pixel-counts.js";

/** What a case with empty truth and empty prediction adds to the mean of Dice and IoU. */
export type EmptyPolicy = "exclude" | "one" | "zero";

/** One measure over the cases of a group. */
export interface MeasureSummary {
  /** Mean over cases; null when no case has a value. */
  mean: number | null;
  /** Sample standard deviation (divisor n - 1); null below two cases. */
  sd: number | null;
  /** The measure of the pixels of all cases together; null when not defined. */
  pooled: number | null;
  /** Cases in the mean. */
  n: number;
}

/** All measures over the cases of a group. */
export interface GroupSummary extends Record<Measure, MeasureSummary> {
  readonly group: string;
  /** All cases, whether or not they count in a mean. */
  n: number;
  /** Cases with neither truth nor prediction. */
  nBothEmpty: number;
  /** Cases with a prediction where there is no truth. */
  nFalsePresence: number;
  /** Cases with a truth and no prediction. */
  nMissed: number;
  /** What the means did with cases where both are empty. */
  empty: EmptyPolicy;
}

/** One prediction for {@link Meter.update}. */
export interface MeterCase {
  /** What the case is averaged with, usually the target's id. */
  group: string;
  /** The picture. */
  id: string;
  prediction: MaskLike;
  truth: MaskLike;
  /** Mask of the pixels that count; left out means all. */
  within?: MaskLike;
}

/** Collects cases and averages them. */
export interface Meter {
  /** Scores one prediction and keeps its record. */
  update(item: MeterCase): CaseRecord;
  /** Keeps a record made elsewhere, for example by another shard. */
  add(record: CaseRecord): void;
  /** Everything kept so far, in order. */
  readonly records: readonly CaseRecord[];
  /** Means by group, in the order in which groups first came. */
  summarize(): Map<string, GroupSummary>;
}

/** Options of {@link createMeter}. */
export interface MeterOptions {
  /** Both empty: `exclude` (default) leaves the case out of the mean of Dice and IoU, `one` and `zero` count it so. */
  empty?: EmptyPolicy;
}

const POLICIES: readonly EmptyPolicy[] = ["exclude", "one", "zero"];
const OF_COUNTS: Record<Measure, (counts: PixelCounts) => number> = {
  dice: diceOfCounts,
  iou: iouOfCounts,
  sensitivity: sensitivityOfCounts,
  specificity: specificityOfCounts,
  precision: precisionOfCounts,
};

function valueOf(record: CaseRecord, measure: Measure, empty: EmptyPolicy): number | null {
  const isOverlap = measure === "dice" || measure === "iou";
  if (isOverlap && record.state === "both-empty" && empty !== "exclude") {
    return empty === "one" ? 1 : 0;
  }
  return record[measure];
}

function summarizeMeasure(
  records: readonly CaseRecord[],
  measure: Measure,
  empty: EmptyPolicy,
): MeasureSummary {
  const values = records
    .map((record) => valueOf(record, measure, empty))
    .filter((value): value is number => value !== null);
  const pooled = OF_COUNTS[measure](sumCounts(records.map(({counts}) => counts)));
  return {
    mean: values.length === 0 ? null : Number(mean(values)),
    sd: values.length < 2 ? null : Number(std(values, "unbiased")),
    pooled: Number.isNaN(pooled) ? null : pooled,
    n: values.length,
  };
}

function summarizeGroup(group: string, records: readonly CaseRecord[], empty: EmptyPolicy): GroupSummary {
  const inState = (state: CaseRecord["state"]): number =>
    records.filter((record) => record.state === state).length;
  return {
    group,
    n: records.length,
    nBothEmpty: inState("both-empty"),
    nFalsePresence: inState("false-presence"),
    nMissed: inState("missed"),
    empty,
    dice: summarizeMeasure(records, "dice", empty),
    iou: summarizeMeasure(records, "iou", empty),
    sensitivity: summarizeMeasure(records, "sensitivity", empty),
    specificity: summarizeMeasure(records, "specificity", empty),
    precision: summarizeMeasure(records, "precision", empty),
  };
}

/**
 * A collector of cases that prints per-image and pooled figures with their counts.
 *
 * Empties: both empty is left out of Dice and IoU unless `empty` says otherwise; if only one is empty, both
 * are 0 (a false presence and a miss cost alike). Summaries and records are JSON-safe: null, never NaN.
 *
 * @throws ConfigError for an unknown policy. `update` and `add` throw DataError if a picture comes twice in a
 * group, since a shard that is counted twice would shift every mean.
 * @example
 * ```ts
 * const meter = createMeter();
 * meter.update({group: "optic-disc", id: "01", prediction: [1, 0], truth: [1, 1]});
 * meter.summarize().get("optic-disc")?.dice.mean; // 0.667
 * ```
 */
export function createMeter({empty = "exclude"}: MeterOptions = {}): Meter {
  if (!POLICIES.includes(empty)) {
    throw new ConfigError(unknownNameMessage("empty policy", empty, POLICIES));
  }
  const records: CaseRecord[] = [];
  const groups = new Map<string, Map<string, CaseRecord>>();
  const add = (record: CaseRecord): void => {
    const group = groups.get(record.group) ?? new Map<string, CaseRecord>();
    if (group.has(record.id)) {
      throw new DataError(
        `Meter: expected each picture once in group "${record.group}", got "${record.id}" twice. ` +
          "Check for a shard that was added twice, or give the pictures distinct ids.",
        {code: "duplicate"},
      );
    }
    groups.set(record.group, group.set(record.id, record));
    records.push(record);
  };
  return {
    records,
    add,
    update({group, id, prediction, truth, within}) {
      const counts = countPixels(prediction, truth, within === undefined ? {} : {within});
      const record = recordOf({group, id, counts});
      add(record);
      return record;
    },
    summarize() {
      return new Map(
        [...groups].map(([name, cases]) => [name, summarizeGroup(name, [...cases.values()], empty)]),
      );
    },
  };
}

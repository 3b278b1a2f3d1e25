import {
  diceOfCounts,
  iouOfCounts,
  precisionOfCounts,
  sensitivityOfCounts,
  specificityOfCounts,
} from "./overlap.js";
import type {PixelCounts} from "./pixel-counts.js";

/** Which of prediction and truth hold any pixel. */
export type CaseState = "both-empty" | "false-presence" | "missed" | "both";

/** The measures of a case. */
export type Measure = "dice" | "iou" | "sensitivity" | "specificity" | "precision";

/** One target in one picture; JSON-safe: what is not defined is null, never NaN. */
export interface CaseRecord {
  /** What the case is averaged with, usually the target. */
  readonly group: string;
  /** The picture. */
  readonly id: string;
  /** Pixels, from which every measure and every convention can be computed later. */
  readonly counts: PixelCounts;
  readonly dice: number | null;
  readonly iou: number | null;
  readonly sensitivity: number | null;
  readonly specificity: number | null;
  readonly precision: number | null;
  /** `both-empty`, `false-presence` (only the prediction), `missed` (only the truth) or `both`. */
  readonly state: CaseState;
  /** Why measures are null; absent when none is. */
  readonly reason?: string;
}

function numberOrNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function stateOf({truePositive, falsePositive, falseNegative}: PixelCounts): CaseState {
  const isPredicted = truePositive + falsePositive > 0;
  const isThere = truePositive + falseNegative > 0;
  return isThere ? (isPredicted ? "both" : "missed") : isPredicted ? "false-presence" : "both-empty";
}

/**
 * The record of one case from its counts.
 *
 * Both empty gives null for Dice and IoU whatever a meter does with empties; if only one is empty both are 0.
 *
 * @param parts - `group`: What the case is averaged with; `id`: The picture.
 * @example
 * ```ts
 * recordOf({group: "optic-disc", id: "01", counts});
 * ```
 */
export function recordOf({group, id, counts}: Pick<CaseRecord, "group" | "id" | "counts">): CaseRecord {
  const state = stateOf(counts);
  const measures = {
    dice: numberOrNull(diceOfCounts(counts)),
    iou: numberOrNull(iouOfCounts(counts)),
    sensitivity: numberOrNull(sensitivityOfCounts(counts)),
    specificity: numberOrNull(specificityOfCounts(counts)),
    precision: numberOrNull(precisionOfCounts(counts)),
  };
  const reasons: Record<CaseState, string | undefined> = {
    "both-empty": "truth and prediction are empty",
    "false-presence": "the truth is empty",
    missed: "the prediction is empty",
    both: "no background is counted",
  };
  const hasNull = Object.values(measures).includes(null);
  return {group, id, counts, ...measures, state, ...(hasNull ? {reason: reasons[state]} : {})};
}

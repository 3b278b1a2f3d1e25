/** One tensor compared with the reference. */
export interface ParityEntry {
  /** Name in the pack, without `output.` or `grad.`. */
  readonly name: string;
  readonly kind: "output" | "gradient";
  /** Difference by the packs' rule; Infinity if ours is missing, of another shape or not a number. */
  readonly difference: number;
  readonly tolerance: number;
  readonly ok: boolean;
  /** Measured and printed only: whether it is within tolerance does not count. Left out where it counts. */
  readonly informational?: boolean;
}

/** One case of a pack. */
export interface ParityCase {
  readonly name: string;
  readonly entries: readonly ParityEntry[];
}

/** A case that cannot be checked. */
export interface RefusedCase {
  readonly name: string;
  readonly reason: string;
}

/** How one reference pack compares with our code. */
export interface ParityReport {
  /** What was checked, for example `sam` or `losses`. */
  readonly kind: string;
  /** Folder of the pack. */
  readonly pack: string;
  /** Number of parameters; absent for packs without a model. */
  readonly parameters?: {readonly expected: number; readonly ours: number};
  readonly cases: readonly ParityCase[];
  /** Cases that our code does not cover, each with the reason; never left out silently. */
  readonly refused: readonly RefusedCase[];
  /** Whether everything that counts is within tolerance, and anything was checked at all. */
  readonly ok: boolean;
}

/**
 * Puts the parts of a report together and decides whether it is good.
 *
 * @param report - Everything but `ok`.
 * @returns The whole report.
 */
export function parityReport(report: Omit<ParityReport, "ok">): ParityReport {
  const entries = report.cases
    .flatMap((checked) => checked.entries)
    .filter(({informational = false}) => !informational);
  const counted = report.parameters === undefined || report.parameters.expected === report.parameters.ours;
  return {...report, ok: counted && entries.length > 0 && entries.every((entry) => entry.ok)};
}

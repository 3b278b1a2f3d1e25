import {DataError} from "@claps/core";
import {readImage} from "@claps/image";
import type {Size} from "@claps/image";
import {joinPath} from "#files";
import type {CaseReference, LabelState, SplitName, TruthFile} from "./case.js";
import {halfOf} from "./half-of.js";
import type {DatasetDefinition, DatasetProblem} from "./define-dataset.js";
import {readPicture, readTruth} from "./load-case.js";

/** Options of `verify`. */
export interface VerifyOptions {
  /** Called after each case, for progress. */
  readonly onCase?: (done: number, total: number) => void;
}

/** One row of the table that `verify` prints. */
export interface VerifyRow {
  readonly split: SplitName | "none";
  readonly cases: number;
  /** Official number; left out if there is none. */
  readonly expected?: number;
  /** How many cases have each state, per target that the dataset labels. */
  readonly targets: Readonly<Record<string, Readonly<Record<LabelState, number>>>>;
}

/** What `verify` found. */
export interface VerifyReport {
  readonly dataset: string;
  /** Left out if the dataset was not found. */
  readonly folder?: string;
  readonly cases: number;
  readonly problems: readonly DatasetProblem[];
  readonly rows: readonly VerifyRow[];
  /** Sizes of the pictures, as `height x width`, with their number. */
  readonly sizes: Readonly<Record<string, number>>;
  /** No error among the problems; warnings are allowed. */
  readonly ok: boolean;
}

/** What {@link verifyCases} goes through. */
export interface VerifySubject {
  readonly definition: DatasetDefinition;
  readonly folder: string | undefined;
  readonly cases: readonly CaseReference[];
  /** Problems that were found before any file was read. */
  readonly problems: readonly DatasetProblem[];
}

/**
 * Reads every file of a dataset and collects all that is wrong, in plain words; never stops at the first.
 *
 * Checked: folder, numbers of cases, pairs, sizes of masks, values of masks, unreadable files, patients in two
 * parts of the split. Fewer cases than officially is a warning, a partial copy.
 */
export async function verifyCases(
  subject: VerifySubject,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const {definition, folder, cases} = subject;
  const problems = [...subject.problems];
  const states = new Map<CaseReference, Map<string, LabelState>>();
  const sizes: Record<string, number> = {};
  if (folder !== undefined) {
    for (const [index, reference] of cases.entries()) {
      const {size, labels} = await verifyCase(definition, folder, reference, problems);
      states.set(reference, labels);
      if (size !== undefined) {
        const key = `${size.height} x ${size.width}`;
        sizes[key] = (sizes[key] ?? 0) + 1;
      }
      options.onCase?.(index + 1, cases.length);
    }
    const rows = tabulate(definition, states);
    problems.push(...checkCounts(definition, rows), ...checkSplit(cases));
    return {
      dataset: definition.id,
      folder,
      cases: cases.length,
      problems,
      rows,
      sizes,
      ok: problems.every(({severity}) => severity !== "error"),
    };
  }
  return {dataset: definition.id, cases: 0, problems, rows: [], sizes, ok: false};
}

async function verifyCase(
  definition: DatasetDefinition,
  folder: string,
  reference: CaseReference,
  problems: DatasetProblem[],
): Promise<{size: Size | undefined; labels: Map<string, LabelState>}> {
  const attempt = async <T>(run: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof DataError)) {
        throw error;
      }
      const code = error.code === "mask-size" ? "mask-size" : "unreadable";
      problems.push({severity: "error", code, message: error.message, case: reference.id});
      return undefined;
    }
  };
  const labels = new Map<string, LabelState>();
  const image = await attempt(() => readPicture(folder, reference));
  const size = image === undefined ? undefined : {height: image.height, width: image.width};
  const verifyTruth = (truth: TruthFile): Promise<boolean | undefined> =>
    attempt(async () => {
      const {check, part} = truth;
      const path = joinPath(folder, truth.file);
      if (check !== undefined) {
        const whole = await readImage(path);
        const complaint = check(part === undefined ? whole : halfOf(whole, part));
        if (complaint !== undefined) {
          problems.push({
            severity: "error",
            code: "values",
            message: `${path}: ${complaint}`,
            case: reference.id,
          });
        }
      }
      // Without its picture a mask has no size to be held against; that it can be read is all to be said.
      const mask = await readTruth(folder, truth, size ?? (await readImage(path)));
      return size === undefined ? undefined : mask.pixels.data.includes(1);
    });
  for (const target of definition.targets) {
    const truth = reference.truth[target];
    if (truth === undefined) {
      labels.set(target, "unlabelled");
    } else if (truth === "absent") {
      labels.set(target, "negative");
    } else {
      const present = await verifyTruth(truth);
      labels.set(target, present === undefined ? "unlabelled" : present ? "positive" : "negative");
    }
  }
  for (const truth of Object.values(reference.secondObserver ?? {})) {
    await verifyTruth(truth);
  }
  if (typeof reference.fieldOfView === "object") {
    const lit = await verifyTruth(reference.fieldOfView);
    if (lit === false) {
      const message = `${joinPath(folder, reference.fieldOfView.file)}: expected a field of view, got an empty mask.`;
      problems.push({severity: "error", code: "values", message, case: reference.id});
    }
  }
  return {size, labels};
}

function tabulate(
  definition: DatasetDefinition,
  states: ReadonlyMap<CaseReference, ReadonlyMap<string, LabelState>>,
): VerifyRow[] {
  const rows: VerifyRow[] = [];
  for (const split of ["train", "validation", "test", "none"] as const) {
    const expected = split === "none" ? undefined : definition.expected.cases?.[split];
    const chosen = [...states].filter(([reference]) => (reference.split ?? "none") === split);
    if (chosen.length === 0 && expected === undefined) {
      continue;
    }
    const targets: Record<string, Record<LabelState, number>> = {};
    for (const target of definition.targets) {
      const counts = {positive: 0, negative: 0, unlabelled: 0};
      for (const [, labels] of chosen) {
        counts[labels.get(target) ?? "unlabelled"]++;
      }
      targets[target] = counts;
    }
    rows.push({split, cases: chosen.length, ...(expected === undefined ? {} : {expected}), targets});
  }
  return rows;
}

function checkCounts(definition: DatasetDefinition, rows: readonly VerifyRow[]): DatasetProblem[] {
  const problems: DatasetProblem[] = [];
  const warn = (message: string): void => {
    problems.push({severity: "warning", code: "count", message: `${definition.title}: ${message}`});
  };
  const total = rows.reduce((sum, row) => sum + row.cases, 0);
  const official = definition.expected.total;
  if (total !== official) {
    const kind = total < official ? "a partial copy" : "not the official set";
    warn(`expected ${official} cases, got ${total}: ${kind}.`);
  }
  for (const {split, cases, expected} of rows) {
    if (total === official && expected !== undefined && cases !== expected) {
      warn(`expected ${expected} ${split} cases, got ${cases}.`);
    }
  }
  const count = (target: string, state: LabelState): number =>
    rows.reduce((sum, row) => sum + (row.targets[target]?.[state] ?? 0), 0);
  for (const [target, expected] of Object.entries(definition.expected.positives ?? {})) {
    const positives = count(target, "positive");
    if (total === official && positives !== expected) {
      warn(`expected ${expected} pictures with ${target}, got ${positives}.`);
    }
  }
  const labelled = definition.targets.some(
    (target) => count(target, "positive") > 0 || count(target, "negative") > 0,
  );
  if (!labelled) {
    problems.push({
      severity: "error",
      code: "no-truth",
      message: `${definition.title}: expected masks of ${definition.targets.join(", ")}, got none that can be used. Check that the truth was unpacked too.`,
    });
  }
  for (const target of definition.targets) {
    if (labelled && count(target, "positive") === 0) {
      problems.push({
        severity: "warning",
        code: "no-truth",
        message: `${definition.title}: no picture has ${target}; nothing can be trained or scored for it.`,
      });
    }
  }
  return problems;
}

function checkSplit(cases: readonly CaseReference[]): DatasetProblem[] {
  const homes = new Map<string, Set<string>>();
  for (const {patient, split} of cases) {
    if (patient !== undefined && split !== undefined) {
      homes.set(patient, (homes.get(patient) ?? new Set()).add(split));
    }
  }
  return [...homes]
    .filter(([, splits]) => splits.size > 1)
    .map(([patient, splits]) => ({
      severity: "error" as const,
      code: "split" as const,
      message: `Patient ${patient}: expected all pictures in one part of the split, got ${[...splits].join(" and ")}.`,
    }));
}

import {ConfigError, createRandom, DataError} from "@claps/core";
import type {Random} from "@claps/core";
import {RESEARCH_NOTICE} from "@claps/method";
import {percentileInterval} from "@claps/metrics";
import type {CaseRecord, EmptyPolicy} from "@claps/metrics";
import type {EvaluationDocument} from "./evaluation-document.js";
import {checkSameEvaluation} from "./merge-evaluations.js";

/** Two sets of predictions on one target. */
export interface TargetComparison {
  readonly target: string;
  readonly name: string;
  /** Cases that both predict. */
  readonly cases: number;
  /** Patients, or cases where patients are not known: what is drawn. */
  readonly units: number;
  /** Mean Dice of the first set; null if no case counts. */
  readonly a: number | null;
  /** Mean Dice of the second set. */
  readonly b: number | null;
  /** First minus second. */
  readonly difference: number | null;
  /** Limits of the interval of the difference. */
  readonly low: number | null;
  readonly high: number | null;
}

/** What {@link compareEvaluations} finds; plain data. */
export interface EvaluationComparison {
  readonly notice: string;
  readonly dataset: string;
  readonly a: string;
  readonly b: string;
  readonly confidence: number;
  readonly resamples: number;
  readonly seed: number;
  readonly targets: readonly TargetComparison[];
}

/** Options of {@link compareEvaluations}. */
export interface CompareOptions {
  /** Seed of the resamples; default 1. */
  readonly seed?: number;
  /** Number of resamples; default 2000. */
  readonly resamples?: number;
}

const CONFIDENCE = 0.95;

/**
 * Compares two sets of predictions of the same cases by a paired bootstrap of the difference of mean Dice.
 *
 * Each resample draws patients (cases where patients are not known) and takes both sets' scores of what was
 * drawn. Empties count as in the documents; a case that counts for one set only stays in that set's mean, so
 * that a false presence is not forgiven.
 *
 * @param a - Evaluation of the first set.
 * @param b - Evaluation of the second set.
 * @param options - Seed and resamples.
 * @throws ConfigError if they were made in different ways or one is a single shard; DataError if their cases
 *   differ.
 * @example
 * ```ts
 * const {targets} = compareEvaluations(await readEvaluation("a.json"), await readEvaluation("b.json"));
 * ```
 */
export function compareEvaluations(
  a: EvaluationDocument,
  b: EvaluationDocument,
  {seed = 1, resamples = 2000}: CompareOptions = {},
): EvaluationComparison {
  if (a.shard !== null || b.shard !== null) {
    throw new ConfigError(
      'compare: expected evaluations of all cases, got a shard; run "claps evaluate merge" first.',
      {
        code: "shards",
      },
    );
  }
  checkSameEvaluation(a, b);
  checkSameCases(a, b);
  const patients = new Map(a.cases.map(({id, patient}) => [id, patient ?? `case ${id}`]));
  const random = createRandom(seed).fork("compare");
  const targets = a.targets.map(({id, name}): TargetComparison => {
    const pairs = pairsOf(a, b, id);
    const units = groupPairs(pairs, patients);
    const difference = differenceOf(pairs);
    const interval = intervalOf(units, random.fork(id), resamples);
    return {
      target: id,
      name,
      cases: pairs.length,
      units: units.length,
      a: meanOf(pairs.map(([first]) => first)),
      b: meanOf(pairs.map(([, second]) => second)),
      difference,
      low: interval?.[0] ?? null,
      high: interval?.[1] ?? null,
    };
  });
  return {
    notice: RESEARCH_NOTICE,
    dataset: a.dataset.id,
    a: a.predictions,
    b: b.predictions,
    confidence: CONFIDENCE,
    resamples,
    seed,
    targets,
  };
}

/** Dice of one case by both sets; null where it does not count. */
type Pair = readonly [a: number | null, b: number | null, id: string];

function checkSameCases(a: EvaluationDocument, b: EvaluationDocument): void {
  const keysOf = ({records}: EvaluationDocument): Set<string> =>
    new Set(records.map(({id, group}) => `${id} (${group})`));
  const [ours, theirs] = [keysOf(a), keysOf(b)];
  const alone = [...ours.keys(), ...theirs.keys()].filter((key) => !ours.has(key) || !theirs.has(key));
  if (alone.length > 0) {
    throw new DataError(
      `compare: expected the same cases in both evaluations, got ${alone.length} that only one has: ${alone.slice(0, 10).join(", ")}${alone.length > 10 ? " and more" : ""}.`,
      {code: "different-cases"},
    );
  }
}

function pairsOf(a: EvaluationDocument, b: EvaluationDocument, target: string): Pair[] {
  const others = new Map(
    b.records.filter(({group}) => group === target).map((record) => [record.id, record]),
  );
  return a.records
    .filter(({group}) => group === target)
    .map((record) => [
      diceOf(record, a.settings.empty),
      diceOf(others.get(record.id) as CaseRecord, a.settings.empty),
      record.id,
    ]);
}

function diceOf({dice, state}: CaseRecord, empty: EmptyPolicy): number | null {
  if (state !== "both-empty" || empty === "exclude") return dice;
  return empty === "one" ? 1 : 0;
}

function groupPairs(pairs: readonly Pair[], patients: ReadonlyMap<string, string>): Pair[][] {
  const units = new Map<string, Pair[]>();
  for (const pair of pairs) {
    const patient = patients.get(pair[2]) ?? `case ${pair[2]}`;
    units.set(patient, [...(units.get(patient) ?? []), pair]);
  }
  return [...units.values()];
}

function meanOf(values: readonly (number | null)[]): number | null {
  let [sum, count] = [0, 0];
  for (const value of values) {
    if (value === null) continue;
    sum += value;
    count++;
  }
  return count === 0 ? null : sum / count;
}

function differenceOf(pairs: readonly Pair[]): number | null {
  const [a, b] = [meanOf(pairs.map(([first]) => first)), meanOf(pairs.map(([, second]) => second))];
  return a === null || b === null ? null : a - b;
}

/** Resamples in which one set has no score say nothing and are left out. */
function intervalOf(
  units: readonly (readonly Pair[])[],
  random: Random,
  resamples: number,
): [number, number] | undefined {
  const differences: number[] = [];
  if (units.length === 0) return undefined;
  for (let resample = 0; resample < resamples; resample++) {
    const drawn = units.flatMap(() => units[random.integer(units.length)] as readonly Pair[]);
    const difference = differenceOf(drawn);
    if (difference !== null) differences.push(difference);
  }
  return differences.length === 0 ? undefined : percentileInterval(differences, CONFIDENCE);
}

import {checkRange, ConfigError, createRandom} from "@claps/core";
import type {Random} from "@claps/core";
import {accuracy, balancedAccuracy} from "@claps/metrics";
import type {EmbeddedPictures} from "../zero-shot/embed-items.js";
import {jsonNumber} from "../zero-shot/json-number.js";
import {fitLogisticRegression, predictProbabilities} from "./logistic-regression.js";
import {likeliest, secondColumn} from "./linear-probe.js";
import {
  checkSets,
  findingTask,
  labelsOf,
  modalitiesOf,
  modalityTask,
  placesByClass,
  rowsAt,
  rowsOf,
} from "./probe-task.js";
import type {ProbeTask} from "./probe-task.js";

/** What {@link fewShot} needs. */
export interface FewShotOptions {
  /** Frozen features to draw from. */
  readonly train: EmbeddedPictures;
  /** Frozen features that the figures are of. */
  readonly test: EmbeddedPictures;
  /** Pictures drawn per class; default 1, 5, 10. */
  readonly shots?: readonly number[];
  /** Draws per number of shots; default 10. */
  readonly repeats?: number;
  /** The same seed draws the same pictures. */
  readonly seed: number | string;
  /** Penalty of the fit; default 1. Nothing is chosen on other pictures: that would be more than a few shots. */
  readonly penalty?: number;
}

/** A figure over repeated draws; null is what is not defined. */
export interface RepeatedFigure {
  readonly mean: number | null;
  /** Sample standard deviation over draws; null below two. */
  readonly sd: number | null;
  readonly repeats: number;
}

/** One finding from a few pictures. */
export interface FewShotFinding extends RepeatedFigure {
  readonly label: string;
  readonly trainPositives: number;
  readonly trainNegatives: number;
}

/** Figures for one number of shots. */
export interface FewShotRow {
  readonly shots: number;
  /** Accuracy; null where the pictures are of one modality, or a modality has fewer pictures than shots. */
  readonly modality: (RepeatedFigure & {chance: number; prior: number | null}) | null;
  /** Balanced accuracy per finding; without a figure where there are fewer positives or negatives than shots. */
  readonly findings: readonly FewShotFinding[];
  /** Balanced accuracy over the findings that have a figure, averaged per draw. */
  readonly macro: RepeatedFigure & {labelsUsed: number; labels: number; chance: number; prior: number};
}

/** Figures for every number of shots; JSON-safe. */
export interface FewShotResult {
  readonly seed: string;
  readonly penalty: number;
  readonly rows: readonly FewShotRow[];
}

/**
 * What frozen features tell from a few pictures per class, repeated over draws.
 *
 * Each draw takes the first pictures of one shuffle, so that ten shots hold the five and the one. A finding is drawn
 * half positive, half negative, and decided at a probability of one half.
 *
 * @param options - Embedded pictures, numbers of shots, repeats, seed.
 * @returns Mean and standard deviation over draws, with chance and prior beside.
 * @throws ConfigError for an empty set, a picture in two sets, or a number out of range.
 * @example
 * ```ts
 * const {rows} = fewShot({train, test, shots: [1, 5, 10], repeats: 10, seed: 1});
 * ```
 *
 * Source: Radford et al. 2021, section 3.1.5 (few-shot logistic regression).
 */
export function fewShot(options: FewShotOptions): FewShotResult {
  const {train, test, shots = [1, 5, 10], repeats = 10, seed, penalty = 1} = options;
  const width = checkSets({train, test});
  checkRange(repeats, {min: 1, integer: true}, "repeats");
  if (shots.length === 0) throw new ConfigError("shots: expected at least one number, got none.");
  shots.forEach((count) => checkRange(count, {min: 1, integer: true}, "shots"));
  const random = createRandom(seed).fork("few-shot");
  const draw = (task: ProbeTask, count: number): number[] | undefined =>
    runTask(task, {train, test, count, repeats, penalty, width, random: random.fork(task.id)});
  const modalities = modalitiesOf(train);
  const labels = labelsOf(train);
  const rows = shots.map((count): FewShotRow => {
    const values = labels.map((label) => draw(findingTask(label), count));
    const used = values.filter((own) => own !== undefined);
    const perDraw =
      used.length === 0
        ? []
        : Array.from({length: repeats}, (_, at) => meanOf(used.map((own) => own[at] as number)));
    const findings = labels.map((label, at) => {
      const [negatives = [], positives = []] = placesByClass(train, findingTask(label));
      const counts = {trainPositives: positives.length, trainNegatives: negatives.length};
      return {label, ...repeatedFigure(values[at] ?? []), ...counts};
    });
    const beside = {labelsUsed: used.length, labels: labels.length, chance: 0.5, prior: 0.5};
    return {
      shots: count,
      modality: fewShotModality(modalities, test, draw, count),
      findings,
      macro: {...repeatedFigure(perDraw), ...beside},
    };
  });
  return {seed: String(seed), penalty, rows};
}

function fewShotModality(
  modalities: readonly string[],
  test: EmbeddedPictures,
  draw: (task: ProbeTask, count: number) => number[] | undefined,
  count: number,
): FewShotRow["modality"] {
  if (modalities.length < 2) return null;
  const task = modalityTask(modalities);
  const values = draw(task, count);
  if (values === undefined) return null;
  const most = Math.max(...placesByClass(test, task).map((places) => places.length));
  const prior = jsonNumber(most / test.items.length);
  return {...repeatedFigure(values), chance: 1 / modalities.length, prior};
}

interface TaskRun {
  readonly train: EmbeddedPictures;
  readonly test: EmbeddedPictures;
  readonly count: number;
  readonly repeats: number;
  readonly penalty: number;
  readonly width: number;
  readonly random: Random;
}

/** One figure per draw; undefined where a class has fewer pictures than shots, or the figure is not defined. */
function runTask(
  task: ProbeTask,
  {train, test, count, repeats, penalty, width, random}: TaskRun,
): number[] | undefined {
  const pools = placesByClass(train, task);
  if (pools.some((pool) => pool.length < count)) return undefined;
  const isModality = task.id === "modality";
  // A picture of a modality that was not trained is a wrong answer, not one to leave out.
  const truths = isModality
    ? {features: test.vectors, classes: test.items.map((item) => task.classOf(item) ?? -1)}
    : rowsOf(test, task);
  const values = Array.from({length: repeats}, (_, repeat) => {
    const source = random.fork(repeat);
    const drawn = pools.flatMap((pool, index) => source.fork(index).shuffle(pool).slice(0, count));
    const rows = rowsAt(train, task, drawn);
    const model = fitLogisticRegression({...rows, width, classCount: task.classCount, penalty});
    if (isModality) return accuracy(likeliest(model, truths.features), truths.classes);
    const found = secondColumn(predictProbabilities(model, truths.features)).map((score) =>
      Number(score > 0.5),
    );
    return balancedAccuracy(found, truths.classes);
  });
  return values.some(Number.isNaN) ? undefined : values;
}

function repeatedFigure(values: readonly number[]): RepeatedFigure {
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    mean: jsonNumber(mean),
    sd: values.length < 2 ? null : Math.sqrt(squares / (values.length - 1)),
    repeats: values.length,
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

import {ConfigError} from "@claps/core";
import {classFigure} from "../zero-shot/class-figure.js";
import type {ClassFigure} from "../zero-shot/class-figure.js";
import type {EmbeddedPictures} from "../zero-shot/embed-items.js";
import {modalityOf, stateOf} from "../zero-shot/evaluation-item.js";
import {balancedThreshold} from "../zero-shot/balanced-threshold.js";
import {areaOf, figureOfLabel, macroFigure} from "../zero-shot/finding-scores.js";
import type {FindingFigure, MacroFigure} from "../zero-shot/finding-scores.js";
import {predictProbabilities} from "./logistic-regression.js";
import type {LogisticModel} from "./logistic-regression.js";
import {
  checkSets,
  findingTask,
  fitTask,
  labelsOf,
  modalitiesOf,
  modalityTask,
  placesByClass,
  rowsOf,
} from "./probe-task.js";
import type {TaskRows} from "./probe-task.js";

/** What {@link linearProbe} needs. */
export interface LinearProbeOptions {
  /** Frozen features to fit. */
  readonly train: EmbeddedPictures;
  /** Frozen features on which penalties and thresholds are chosen; left out means the defaults. */
  readonly validation?: EmbeddedPictures;
  /** Frozen features that the figures are of. */
  readonly test: EmbeddedPictures;
  /** Penalties to try on the validation pictures; default powers of ten from 1e-4 to 1e2. */
  readonly penalties?: readonly number[];
  /** Penalty where there are no validation pictures; default 1. */
  readonly penalty?: number;
}

/** How a task was fitted. */
export interface ProbeFit {
  readonly penalty: number;
  readonly penaltyFrom: "validation" | "default";
  /** Whether the gradient vanished. */
  readonly converged: boolean;
  readonly steps: number;
}

/** One finding told from frozen features. */
export interface ProbeFinding extends FindingFigure {
  /** How it was fitted; null where the training pictures do not hold both kinds: there is no figure then. */
  readonly fit: ProbeFit | null;
  readonly trainPositives: number;
  readonly trainNegatives: number;
}

/** What frozen features tell to a linear model; JSON-safe. */
export interface LinearProbeResult {
  readonly pictures: {readonly train: number; readonly validation: number; readonly test: number};
  /** Null where the training pictures are of one modality. */
  readonly modality: (ClassFigure & {readonly fit: ProbeFit}) | null;
  readonly findings: readonly ProbeFinding[];
  readonly macro: MacroFigure;
}

/** Penalties that are tried where none are given. */
export const PROBE_PENALTIES: readonly number[] = [1e2, 1e1, 1, 1e-1, 1e-2, 1e-3, 1e-4];

/**
 * How much a linear model gets out of frozen features: multinomial over modalities, one binary model per finding.
 *
 * Penalties are those under which the validation pictures are likeliest, thresholds those with their best balanced
 * accuracy; without validation pictures the threshold is the share of positives in training.
 *
 * @param options - Embedded pictures, penalties.
 * @returns Figures on the test pictures with chance and prior beside, JSON-safe.
 * @throws ConfigError for an empty set, a picture in two sets, or vectors of two widths.
 * @example
 * ```ts
 * const probe = linearProbe({
 *   train: await embedItems(clip, train),
 *   validation: await embedItems(clip, validation),
 *   test: await embedItems(clip, test),
 * });
 * console.log(probeTable(probe));
 * ```
 *
 * Source: Radford et al. 2021, appendix A.3 (logistic regression by L-BFGS on frozen features).
 * Differs: balanced accuracy and thresholds, since findings are rare; the paper reports accuracy.
 */
export function linearProbe(options: LinearProbeOptions): LinearProbeResult {
  const {train, validation, test, penalties = PROBE_PENALTIES, penalty = 1} = options;
  const width = checkSets({train, validation, test});
  if (penalties.length === 0) throw new ConfigError("penalties: expected at least one, got none.");
  const how = {penalties, fallback: penalty, width};
  const findings = labelsOf(train).map((label): ProbeFinding => {
    const task = findingTask(label);
    const [negatives = [], positives = []] = placesByClass(train, task);
    const counts = {trainPositives: positives.length, trainNegatives: negatives.length};
    const states = test.items.map((item) => stateOf(item, label));
    if (positives.length === 0 || negatives.length === 0) {
      return {...figureOfLabel(label, states, undefined), fit: null, ...counts};
    }
    const known = validation === undefined ? undefined : rowsOf(validation, task);
    const model = fitTask(task, rowsOf(train, task), known, how);
    const scores = secondColumn(predictProbabilities(model, test.vectors));
    const chosen = known === undefined ? NaN : thresholdOn(model, known);
    const isChosen = !Number.isNaN(chosen);
    const threshold = isChosen ? chosen : positives.length / (positives.length + negatives.length);
    const decision = {
      found: scores.map((score) => score > threshold),
      areaUnderRoc: areaOf(scores, states),
      threshold,
      thresholdFrom: isChosen ? ("validation" as const) : ("default" as const),
    };
    return {...figureOfLabel(label, states, decision), fit: fitOf(model, known), ...counts};
  });
  return {
    pictures: {
      train: train.items.length,
      validation: validation?.items.length ?? 0,
      test: test.items.length,
    },
    modality: probeModality(options, how),
    findings,
    macro: macroFigure(findings),
  };
}

function probeModality(
  {train, validation, test}: LinearProbeOptions,
  how: {penalties: readonly number[]; fallback: number; width: number},
): LinearProbeResult["modality"] {
  const modalities = modalitiesOf(train);
  if (modalities.length < 2) return null;
  const task = modalityTask(modalities);
  const known = validation === undefined ? undefined : rowsOf(validation, task);
  const model = fitTask(task, rowsOf(train, task), known, how);
  const predictions = likeliest(model, test.vectors).map((index) => modalities[index] as string);
  const truths = test.items.map(modalityOf);
  const classes = [...new Set([...modalities, ...truths])].sort();
  return {
    ...classFigure(predictions, truths, classes, 1 / modalities.length),
    fit: fitOf(model, known),
  };
}

/** The likeliest class of every row. */
export function likeliest(model: LogisticModel, features: Float32Array): number[] {
  const table = predictProbabilities(model, features);
  return Array.from({length: table.length / model.classCount}, (_, row) => {
    const own = table.subarray(row * model.classCount, (row + 1) * model.classCount);
    return own.indexOf(Math.max(...own));
  });
}

/** Probabilities of the second of two classes. */
export function secondColumn(table: Float64Array): number[] {
  return Array.from({length: table.length / 2}, (_, row) => table[row * 2 + 1] as number);
}

function thresholdOn(model: LogisticModel, {features, classes}: TaskRows): number {
  return balancedThreshold(
    secondColumn(predictProbabilities(model, features)),
    classes.map((own) => own === 1),
  );
}

function fitOf(model: LogisticModel, validation: TaskRows | undefined): ProbeFit {
  const isChosen = validation !== undefined && validation.classes.length > 0;
  return {
    penalty: model.penalty,
    penaltyFrom: isChosen ? "validation" : "default",
    converged: model.converged,
    steps: model.steps,
  };
}

import {areaUnderRoc, macroBalancedAccuracy} from "@claps/metrics";
import type {LabelAccuracy, LabelState} from "@claps/metrics";
import {balancedThreshold} from "./balanced-threshold.js";
import {stateOf} from "./evaluation-item.js";
import type {AnnotatedPicture} from "./evaluation-item.js";
import {jsonNumber} from "./json-number.js";

/**
 * How a picture is scored for a finding of its modality.
 *
 * `similarity`: cosine with the finding's sentences. `contrast`: that, less the mean cosine with the other findings
 * of the modality, so that what all of a picture's cosines share falls out.
 */
export type FindingRule = "similarity" | "contrast";

/** Scores of pictures of one modality. */
export interface ScoredPictures {
  readonly items: readonly AnnotatedPicture[];
  /** Labels of the modality. */
  readonly labels: readonly string[];
  /** Cosines [pictures × labels]. */
  readonly cosines: Float32Array;
}

/** One finding over the pictures in which it is labelled; null is what is not defined. */
export interface FindingFigure {
  readonly label: string;
  readonly balancedAccuracy: number | null;
  readonly sensitivity: number | null;
  readonly specificity: number | null;
  readonly accuracy: number | null;
  readonly areaUnderRoc: number | null;
  readonly positives: number;
  readonly negatives: number;
  readonly unlabelled: number;
  /** A picture has the finding if its score is greater; null where the default is not a threshold on the score. */
  readonly threshold: number | null;
  /** `default`: nearer to the finding's sentences than to the mean of the other findings'. */
  readonly thresholdFrom: "validation" | "default";
  /** What a coin gets. */
  readonly chance: {readonly balancedAccuracy: number};
  /** What the more frequent answer gets, given always. */
  readonly prior: {readonly balancedAccuracy: number; readonly accuracy: number | null};
}

/** Means over the findings that have both positives and negatives. */
export interface MacroFigure {
  readonly balancedAccuracy: number | null;
  readonly areaUnderRoc: number | null;
  /** Findings in the means. */
  readonly labelsUsed: number;
  /** All findings. */
  readonly labels: number;
  readonly chance: {readonly balancedAccuracy: number};
  readonly prior: {readonly balancedAccuracy: number};
}

/** Scores of one label by a rule; a modality with a single label has nothing to contrast with. */
export function scoresOf(
  {cosines, labels, items}: ScoredPictures,
  column: number,
  rule: FindingRule,
): number[] {
  const others = labels.length - 1;
  return items.map((_, row) => {
    const own = cosines[row * labels.length + column] as number;
    if (rule === "similarity" || others === 0) return own;
    let sum = 0;
    for (let at = 0; at < labels.length; at++) {
      if (at !== column) sum += cosines[row * labels.length + at] as number;
    }
    return own - sum / others;
  });
}

/**
 * Figures of every finding of one modality.
 *
 * @param pictures - Scored pictures that the figures are of.
 * @param validation - Scored pictures of the same modality on which thresholds are chosen; never those of the figures.
 * @param rule - How pictures are scored.
 */
export function findingFigures(
  pictures: ScoredPictures,
  validation: ScoredPictures | undefined,
  rule: FindingRule,
): FindingFigure[] {
  const {items, labels} = pictures;
  return labels.map((label, column) => {
    const states = items.map((item) => stateOf(item, label));
    const scores = scoresOf(pictures, column, rule);
    const threshold = validation === undefined ? NaN : validationThreshold(validation, column, rule);
    const isChosen = !Number.isNaN(threshold);
    const decided = isChosen ? scores : scoresOf(pictures, column, "contrast");
    const cut = isChosen ? threshold : 0;
    return figureOfLabel(label, states, {
      found: decided.map((score) => score > cut),
      areaUnderRoc: areaOf(scores, states),
      threshold: isChosen || rule === "contrast" ? cut : null,
      thresholdFrom: isChosen ? "validation" : "default",
    });
  });
}

/** What was decided about a label in every picture. */
export interface LabelDecision {
  readonly found: readonly boolean[];
  readonly areaUnderRoc: number;
  readonly threshold: number | null;
  readonly thresholdFrom: "validation" | "default";
}

/**
 * The figure of one label, with what a coin and the more frequent answer get beside it.
 *
 * @param label - Name.
 * @param states - What is known of it in every picture.
 * @param decision - What was decided; undefined where nothing could be, which gives counts without figures.
 */
export function figureOfLabel(
  label: string,
  states: readonly LabelState[],
  decision: LabelDecision | undefined,
): FindingFigure {
  const [row] = macroBalancedAccuracy({
    labels: [label],
    predictions: states.map((_, at) => [decision?.found[at] === true]),
    truths: states.map((state) => [state]),
  }).labels as [LabelAccuracy];
  const {positives, negatives, unlabelled} = row;
  const known = (value: number): number | null => (decision === undefined ? null : jsonNumber(value));
  return {
    label,
    balancedAccuracy: known(row.balancedAccuracy),
    sensitivity: known(row.sensitivity),
    specificity: known(row.specificity),
    accuracy: known(row.accuracy),
    areaUnderRoc: known(decision?.areaUnderRoc ?? NaN),
    positives,
    negatives,
    unlabelled,
    threshold: decision?.threshold ?? null,
    thresholdFrom: decision?.thresholdFrom ?? "default",
    chance: {balancedAccuracy: 0.5},
    prior: {
      balancedAccuracy: 0.5,
      accuracy: jsonNumber(Math.max(positives, negatives) / (positives + negatives)),
    },
  };
}

/** Area under the curve over the labelled pictures. */
export function areaOf(scores: readonly number[], states: readonly LabelState[]): number {
  const {kept, truths} = labelledOnly(scores, states);
  return areaUnderRoc(kept, truths);
}

function validationThreshold(validation: ScoredPictures, column: number, rule: FindingRule): number {
  const label = validation.labels[column] as string;
  const states = validation.items.map((item) => stateOf(item, label));
  const {kept, truths} = labelledOnly(scoresOf(validation, column, rule), states);
  return balancedThreshold(kept, truths);
}

function labelledOnly(
  scores: readonly number[],
  states: readonly LabelState[],
): {kept: number[]; truths: boolean[]} {
  const rows = states.flatMap((state, row) => (state === "unlabelled" ? [] : [row]));
  return {
    kept: rows.map((row) => scores[row] as number),
    truths: rows.map((row) => states[row] === "positive"),
  };
}

/** Means over the findings where they are defined. */
export function macroFigure(
  figures: readonly Pick<FindingFigure, "balancedAccuracy" | "areaUnderRoc">[],
): MacroFigure {
  const used = figures.filter(({balancedAccuracy}) => balancedAccuracy !== null);
  const mean = (values: readonly (number | null)[]): number | null =>
    jsonNumber(values.reduce<number>((sum, value) => sum + (value ?? NaN), 0) / values.length);
  return {
    balancedAccuracy: mean(used.map(({balancedAccuracy}) => balancedAccuracy)),
    areaUnderRoc: mean(used.map(({areaUnderRoc: area}) => area)),
    labelsUsed: used.length,
    labels: figures.length,
    chance: {balancedAccuracy: 0.5},
    prior: {balancedAccuracy: 0.5},
  };
}

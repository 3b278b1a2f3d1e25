import {ConfigError, ShapeError, unknownNameMessage} from "@claps/core";
import {classFigure} from "./class-figure.js";
import type {ClassFigure} from "./class-figure.js";
import {embedItems} from "./embed-items.js";
import type {EmbeddedPictures} from "./embed-items.js";
import {encodeTextsOnce} from "./encode-texts-once.js";
import {modalityOf, stateOf} from "./evaluation-item.js";
import type {EvaluationItem, AnnotatedPicture} from "./evaluation-item.js";
import {findingFigures, macroFigure} from "./finding-scores.js";
import type {FindingFigure, FindingRule, MacroFigure, ScoredPictures} from "./finding-scores.js";
import type {PictureTextEncoder} from "./picture-text-encoder.js";
import {retrievalFigures} from "./retrieval.js";
import type {RetrievalFigures} from "./retrieval.js";
import {checkVectors, rowProducts} from "./unit-vectors.js";
import {zeroShotClassifier} from "./zero-shot-classifier.js";
import type {ZeroShotClassifier} from "./zero-shot-classifier.js";

/** Sentences by modality and label. */
export type PromptTable = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** What a model sees without training on labels; JSON-safe. */
export interface ZeroShotEvaluation {
  readonly pictures: number;
  /** Pictures on which thresholds were chosen. */
  readonly validationPictures: number;
  readonly rule: FindingRule;
  readonly modality: ClassFigure;
  readonly findings: readonly FindingFigure[];
  readonly macro: MacroFigure;
  /**
   * By modality: pictures with exactly one positive finding, told among the findings that are labelled in them.
   */
  readonly single: Readonly<Record<string, ClassFigure>>;
  readonly retrieval: RetrievalFigures;
  /** Sentences that were longer than the model reads. */
  readonly truncated: number;
}

/** What {@link evaluateEmbedded} needs besides the sentences' tower. */
export interface EvaluateEmbeddedOptions {
  /** Sentences by modality and label; what a modality or a finding looks like is told by them alone. */
  readonly captions: PromptTable;
  /** Sentences of each modality; left out means all sentences of all its labels. */
  readonly modalityPrompts?: Readonly<Record<string, readonly string[]>>;
  /** How findings are scored; default `contrast`. */
  readonly rule?: FindingRule;
}

/** What {@link evaluateClip} needs besides the model. */
export interface EvaluateClipOptions extends EvaluateEmbeddedOptions {
  /** Pictures that the figures are of. */
  readonly items: Iterable<EvaluationItem> | AsyncIterable<EvaluationItem>;
  /** Pictures on which thresholds are chosen; never those of the figures. Left out means the default threshold. */
  readonly validation?: Iterable<EvaluationItem> | AsyncIterable<EvaluationItem>;
  /** Pictures computed at a time; default 16. */
  readonly batch?: number;
}

/**
 * Zero-shot figures of a model: modality, findings, retrieval, confusion, each with chance and prior beside.
 *
 * @param encoder - A model with a picture and a text tower.
 * @param options - Pictures, sentences and rule.
 * @returns A record that JSON can hold.
 * @throws ConfigError for a modality or label that has no sentences, or a picture that is in both sets; DataError
 * if a vector is not finite.
 * @example
 * ```ts
 * const evaluation = await evaluateClip(clip, {items, validation, captions});
 * console.log(zeroShotTable(evaluation));
 * ```
 *
 * Source: Radford et al. 2021, section 3.1; thresholds by balanced accuracy are our reading.
 */
export async function evaluateClip(
  encoder: PictureTextEncoder,
  {items, validation, batch, ...options}: EvaluateClipOptions,
): Promise<ZeroShotEvaluation> {
  const how = batch === undefined ? {} : {batch};
  const chosen = validation === undefined ? undefined : await embedItems(encoder, validation, how);
  return evaluateEmbedded(encoder, await embedItems(encoder, items, how), chosen, options);
}

/**
 * The same as {@link evaluateClip} for pictures that are encoded already.
 *
 * @param encoder - A model with a text tower.
 * @param pictures - Pictures that the figures are of.
 * @param validation - Pictures on which thresholds are chosen.
 * @param options - Sentences and rule.
 */
export async function evaluateEmbedded(
  encoder: Pick<PictureTextEncoder, "encodeText">,
  pictures: EmbeddedPictures,
  validation: EmbeddedPictures | undefined,
  {captions, modalityPrompts, rule = "contrast"}: EvaluateEmbeddedOptions,
): Promise<ZeroShotEvaluation> {
  if (rule !== "similarity" && rule !== "contrast") {
    throw new ConfigError(unknownNameMessage("rule", String(rule), ["similarity", "contrast"]));
  }
  checkItems([...pictures.items, ...(validation?.items ?? [])], captions);
  const once = encodeTextsOnce(encoder);
  const modalities = Object.keys(captions);
  const modalityClasses = await zeroShotClassifier(once, {
    classes: modalities.map((id) => ({
      id,
      prompts: modalityPrompts?.[id] ?? Object.values(captions[id] ?? {}).flat(),
    })),
  });
  for (const {items, width} of [pictures, ...(validation === undefined ? [] : [validation])]) {
    if (items.length > 0 && width !== modalityClasses.width) {
      throw new ShapeError(
        `Picture vectors: expected rows of ${modalityClasses.width} numbers, as the sentences have, got ${width}.`,
      );
    }
  }
  const findings: FindingFigure[] = [];
  const single: Record<string, ClassFigure> = {};
  let truncated = modalityClasses.truncated;
  for (const [modality, sentences] of Object.entries(captions)) {
    const classifier = await zeroShotClassifier(once, {
      classes: Object.entries(sentences).map(([id, prompts]) => ({id: `${modality}/${id}`, prompts})),
    });
    truncated += classifier.truncated;
    const scored = scoredOf(pictures, modality, classifier);
    const chosen = validation === undefined ? undefined : scoredOf(validation, modality, classifier);
    findings.push(...findingFigures(scored, chosen, rule));
    single[modality] = singleFigure(scored);
  }
  const own = await pairsOf(once, pictures);
  return {
    pictures: pictures.items.length,
    validationPictures: validation?.items.length ?? 0,
    rule,
    modality: modalityFigure(pictures, modalityClasses),
    findings,
    macro: macroFigure(findings),
    single,
    retrieval: own.retrieval,
    truncated: truncated + own.truncated,
  };
}

function checkItems(items: readonly AnnotatedPicture[], captions: PromptTable): void {
  const seen = new Set<string>();
  const labels = Object.entries(captions).flatMap(([modality, own]) =>
    Object.keys(own).map((label) => `${modality}/${label}`),
  );
  const known = new Set(labels);
  for (const item of items) {
    const modality = modalityOf(item);
    if (!Object.hasOwn(captions, modality)) {
      throw new ConfigError(
        `Picture "${item.id}": ${unknownNameMessage("modality", modality, Object.keys(captions))}`,
      );
    }
    const own = item.captionLabel === undefined ? [] : [item.captionLabel];
    for (const label of [...item.labels.positive, ...(item.labels.negative ?? []), ...own]) {
      if (!known.has(label)) {
        throw new ConfigError(`Picture "${item.id}": ${unknownNameMessage("label", label, labels)}`);
      }
    }
    const both = item.labels.positive.find((label) => item.labels.negative?.includes(label));
    if (both !== undefined) {
      throw new ConfigError(
        `Picture "${item.id}": expected a label to be positive or negative, got "${both}" as both.`,
      );
    }
    const name = `${modality}/${item.id}`;
    if (seen.has(name)) {
      throw new ConfigError(
        `Picture "${item.id}": expected every picture once over evaluation and validation, got it twice. Name the data set in the id if two have equal names.`,
      );
    }
    seen.add(name);
  }
}

function scoredOf(
  {items, vectors, width}: EmbeddedPictures,
  modality: string,
  classifier: ZeroShotClassifier,
): ScoredPictures {
  const rows = items.flatMap((item, row) => (modalityOf(item) === modality ? [row] : []));
  const table = new Float32Array(rows.length * width);
  rows.forEach((row, at) => table.set(vectors.subarray(row * width, (row + 1) * width), at * width));
  return {
    items: rows.map((row) => items[row]!),
    labels: classifier.ids,
    cosines: classifier.scores(table),
  };
}

function modalityFigure({items, vectors}: EmbeddedPictures, classifier: ZeroShotClassifier): ClassFigure {
  const scores = classifier.scores(vectors);
  const all = classifier.ids.map((_, column) => column);
  const predictions = items.map(
    (_, row) => classifier.ids[highest(scores, row * classifier.ids.length, all)] as string,
  );
  return classFigure(predictions, items.map(modalityOf), classifier.ids, 1 / classifier.ids.length);
}

/** Pictures with one positive finding; what is unlabelled in a picture can be no wrong answer to it. */
function singleFigure({items, labels, cosines}: ScoredPictures): ClassFigure {
  const [predictions, truths, chances]: [string[], string[], number[]] = [[], [], []];
  items.forEach((item, row) => {
    const states = labels.map((label) => stateOf(item, label));
    const candidates = labels.flatMap((_, column) => (states[column] === "unlabelled" ? [] : [column]));
    const positives = states.filter((state) => state === "positive").length;
    if (positives !== 1 || candidates.length < 2) return;
    truths.push(labels[states.indexOf("positive")] as string);
    predictions.push(labels[highest(cosines, row * labels.length, candidates)] as string);
    chances.push(1 / candidates.length);
  });
  const chance = chances.reduce((sum, value) => sum + value, 0) / (chances.length || 1);
  return classFigure(predictions, truths, labels, chance);
}

function highest(scores: Float32Array, start: number, columns: readonly number[]): number {
  return columns.reduce((best, column) =>
    (scores[start + column] as number) > (scores[start + best] as number) ? column : best,
  );
}

/** Pictures that have a sentence of their own, and retrieval among them. */
async function pairsOf(
  encoder: Pick<PictureTextEncoder, "encodeText">,
  {items, vectors, width}: EmbeddedPictures,
): Promise<{retrieval: RetrievalFigures; truncated: number}> {
  const rows = items.flatMap((item, row) => (item.caption === undefined ? [] : [row]));
  const captions = rows.map((row) => items[row]?.caption as string);
  const texts = [...new Set(captions)];
  if (texts.length === 0) {
    const none = retrievalFigures({items: [], sentenceOf: [], cosines: new Float32Array()});
    return {retrieval: none, truncated: 0};
  }
  const encoded = await encoder.encodeText(texts);
  checkVectors(encoded.vectors, texts, "sentence");
  const table = new Float32Array(rows.length * width);
  rows.forEach((row, at) => table.set(vectors.subarray(row * width, (row + 1) * width), at * width));
  const place = new Map(texts.map((text, at) => [text, at]));
  const retrieval = retrievalFigures({
    items: rows.map((row) => items[row]!),
    sentenceOf: captions.map((caption) => place.get(caption) as number),
    cosines: rowProducts(table, encoded.vectors, width),
  });
  return {retrieval, truncated: encoded.truncated ?? 0};
}

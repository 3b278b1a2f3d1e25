import {checkRange, ConfigError, DataError} from "@claps/core";
import {openDataset} from "@claps/data";
import type {CaseReference, Dataset, DatasetDefinition, LoadedCase, SplitName} from "@claps/data";
import {createMask, resizeMask} from "@claps/image";
import type {Mask, Size} from "@claps/image";
import {createMeter} from "@claps/metrics";
import type {EmptyPolicy} from "@claps/metrics";
import type {Target} from "@claps/modalities";
import type {Progress} from "../progress.js";
import {readCases} from "../read-cases.js";
import {composeEvaluation} from "./evaluation-document.js";
import type {Aggregate, EvaluationDocument} from "./evaluation-document.js";
import {findPredictions, readPrediction} from "./read-predictions.js";
import type {PredictionFiles} from "./read-predictions.js";
import {isInShard} from "./shard.js";
import type {Shard} from "./shard.js";

/** Options of {@link evaluatePredictions}. */
export interface EvaluatePredictionsOptions {
  /** Folder of masks: `<target>/<case>.png`, `<case>/<target>.png` or `<case>__<target>.png`. */
  readonly predictions: string;
  readonly dataset: DatasetDefinition;
  /** Where the data lie: `DIR` or `id=DIR`. */
  readonly dataRoots: readonly string[];
  /** Part of the dataset; default `test`. */
  readonly split?: SplitName | "all";
  /** Names, phrases or synonyms of targets; left out means every target that a case labels. */
  readonly targets?: readonly string[];
  /** Part of the cases; left out means all. */
  readonly shard?: Shard;
  /** What a case without truth and prediction counts; default `exclude`. */
  readonly empty?: EmptyPolicy;
  /** Which figures stand in the means over targets; default `image`. */
  readonly aggregate?: Aggregate;
  /** Longest side to which masks are resized before scoring, px; left out means native resolution. */
  readonly longestSide?: number;
  /** Whether only pixels inside the field of view count, where a case has one; default true. */
  readonly fieldOfView?: boolean;
  readonly progress: Progress;
}

/**
 * Scores masks made by anyone against a dataset, without any model.
 *
 * @param options - Masks, dataset, and how to score.
 * @returns Every record with the summaries; plain data.
 * @throws ConfigError for an unknown target or a split without cases; DataError if masks are missing, damaged
 *   or of another size than their picture.
 * @example
 * ```ts
 * const {means} = await evaluatePredictions({predictions: "segmented", dataset: drive, dataRoots: ["data"], progress: silentProgress});
 * ```
 */
export async function evaluatePredictions(options: EvaluatePredictionsOptions): Promise<EvaluationDocument> {
  const {dataset: definition, split = "test", shard, progress} = options;
  if (options.longestSide !== undefined) {
    checkRange(options.longestSide, {min: 1, integer: true}, "--resolution");
  }
  const {modality} = definition;
  const asked = options.targets?.map((text) => modality.target(text).id);
  const targets = modality.targets.filter(({id}) => (asked ?? definition.targets).includes(id));
  const meter = createMeter({empty: options.empty ?? "exclude"});
  const dataset = await openDataset(definition, {root: options.dataRoots});
  const all = labelledCases(dataset, {split, targets});
  const references = shard === undefined ? all : all.filter(({id}) => isInShard(id, shard));
  const files = await findPredictions(
    options.predictions,
    references.flatMap((reference) =>
      labelledTargets(reference, targets).map(({id}) => ({caseId: reference.id, targetId: id})),
    ),
  );
  const unreadable: {id: string; reason: string}[] = [];
  progress.stage(`scoring ${definition.title}`, references.length);
  let done = 0;
  const reader = readCases({dataset, references}, (id, reason) => {
    unreadable.push({id, reason});
    progress.line(`skipped ${id}: ${reason}`);
  });
  const byId = new Map(references.map((reference) => [reference.id, reference]));
  for await (const item of reader) {
    const labelled = labelledTargets(byId.get(item.id) as CaseReference, targets);
    for (const {id: group} of labelled) {
      meter.update({group, id: item.id, ...(await masksOf(item, group, files, options))});
    }
    progress.step(++done + unreadable.length);
  }
  progress.end();
  return composeEvaluation({
    dataset: {id: definition.id, title: definition.title},
    predictions: options.predictions,
    settings: {
      split,
      empty: options.empty ?? "exclude",
      aggregate: options.aggregate ?? "image",
      longestSide: options.longestSide ?? null,
      fieldOfView: options.fieldOfView ?? true,
    },
    shard: shard ?? null,
    cases: references.map(({id, patient}) => ({id, patient: patient ?? null})),
    allCases: all.length,
    unreadable,
    targets: targets.map(({id, code, name, colour}) => ({id, code, name, colour})),
    records: meter.records,
  });
}

/** Targets of which a case says whether they are there. */
function labelledTargets({truth}: CaseReference, targets: readonly Target[]): Target[] {
  return targets.filter(({id}) => truth[id] !== undefined);
}

function labelledCases(
  {cases, definition, folder}: Dataset,
  {split, targets}: {split: SplitName | "all"; targets: readonly Target[]},
): CaseReference[] {
  const inSplit = cases.filter((reference) => split === "all" || reference.split === split);
  if (inSplit.length === 0) {
    const there = [...new Set(cases.map((reference) => reference.split ?? "none"))].join(", ");
    throw new ConfigError(
      `--split ${split}: expected cases of this part in ${folder}, got none. There are: ${there}; "all" takes every case.`,
      {code: "empty-split"},
    );
  }
  const labelled = inSplit.filter((reference) => labelledTargets(reference, targets).length > 0);
  if (labelled.length === 0) {
    const names = targets.map(({name}) => name).join(", ");
    throw new DataError(
      `${definition.title} in ${folder}: expected cases with a truth of ${names} (split ${split}), got none.`,
      {code: "no-truth"},
    );
  }
  return labelled;
}

async function masksOf(
  item: LoadedCase,
  target: string,
  files: PredictionFiles,
  {longestSide, fieldOfView = true}: EvaluatePredictionsOptions,
): Promise<{prediction: Mask; truth: Mask; within?: Mask}> {
  const prediction = await readPrediction(files.pathOf({caseId: item.id, targetId: target}), item.image);
  const truth =
    item.labels.get(target)?.mask ?? createMask({height: item.image.height, width: item.image.width});
  const within = fieldOfView ? item.fieldOfView : undefined;
  const size = longestSide === undefined ? undefined : scaledSize(item.image, longestSide);
  const scaled = (mask: Mask): Mask => (size === undefined ? mask : resizeMask(mask, size));
  return {
    prediction: scaled(prediction),
    truth: scaled(truth),
    ...(within === undefined ? {} : {within: scaled(within)}),
  };
}

function scaledSize({height, width}: Size, longestSide: number): Size {
  const scale = longestSide / Math.max(height, width);
  return {height: Math.max(1, Math.round(height * scale)), width: Math.max(1, Math.round(width * scale))};
}

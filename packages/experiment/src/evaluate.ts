import {createMask} from "@claps/image";
import type {Random} from "@claps/core";
import type {Dataset, LoadedCase} from "@claps/data";
import {segment} from "@claps/method";
import type {Claps} from "@claps/method";
import {createMeter} from "@claps/metrics";
import type {CaseRecord, GroupSummary, Meter} from "@claps/metrics";
import type {Target} from "@claps/modalities";
import type {Control, PredictedMasks, Predictor} from "./control.js";
import {readCases} from "./read-cases.js";
import type {CaseReader} from "./read-cases.js";

/** One dataset to be scored. */
export interface EvaluationSet {
  readonly dataset: Dataset;
  /** The unseen cases. */
  readonly cases: CaseReader;
  /** The training cases, for controls that are fitted. */
  readonly training: CaseReader;
}

/** What {@link evaluate} needs. */
export interface EvaluationRequest {
  readonly claps: Claps;
  readonly sets: readonly EvaluationSet[];
  readonly controls: readonly Control[];
  readonly random: Random;
  /** Ends the evaluation before the next case. */
  readonly signal?: AbortSignal;
  /** Called after each case with the model's masks. */
  readonly onCase?: (item: LoadedCase, predicted: PredictedMasks, records: readonly CaseRecord[]) => void;
}

/** Scores of one target of one dataset, with every control beside them. */
export interface TargetScores {
  readonly dataset: string;
  readonly target: Target;
  readonly model: GroupSummary;
  /** By control id. */
  readonly controls: Readonly<Record<string, GroupSummary>>;
  /** Ids of the controls, of those that do not use the truth, that the model does not beat. */
  readonly notAbove: readonly string[];
}

/** One line of `metrics.jsonl`. */
export interface ScoredRecord extends CaseRecord {
  readonly dataset: string;
  /** `model`, or a control's id. */
  readonly by: string;
}

/** Everything that was measured. */
export interface Evaluation {
  readonly targets: readonly TargetScores[];
  /** Mean over targets of the per-image mean Dice; `model` and every control's id. */
  readonly means: Readonly<Record<string, {dice: number | null; iou: number | null; targets: number}>>;
  readonly records: readonly ScoredRecord[];
  /** Cases that could not be read, with the reason. */
  readonly skipped: readonly {readonly dataset: string; readonly id: string; readonly reason: string}[];
  /** Whether the signal ended it early. */
  readonly stopped: boolean;
}

/**
 * Scores the model and every control on the same unseen cases, each dataset by itself.
 *
 * Only targets that a case labels are asked; scores count pixels inside the field of view where there is one.
 *
 * @returns Scores per dataset and target, means, and every single record.
 */
export async function evaluate(request: EvaluationRequest): Promise<Evaluation> {
  const targets: TargetScores[] = [];
  const records: ScoredRecord[] = [];
  const skipped: {dataset: string; id: string; reason: string}[] = [];
  for (const set of request.sets) {
    const dataset = set.dataset.definition.id;
    const predictors = await preparePredictors(request, set);
    const meters = new Map([...predictors.keys()].map((by) => [by, createMeter()]));
    for await (const item of readCases(set.cases, (id, reason) => skipped.push({dataset, id, reason}))) {
      if (request.signal?.aborted === true)
        return {...finish(targets, records, skipped, request), stopped: true};
      const asked = labelledTargets(item);
      if (asked.length === 0) {
        skipped.push({dataset, id: item.id, reason: "no target of it is labelled"});
        continue;
      }
      for (const [by, predict] of predictors) {
        const predicted = await predict(item, asked);
        const scored = scoreCase(meters.get(by) as Meter, item, asked, predicted);
        records.push(...scored.map((record) => ({...record, dataset, by})));
        if (by === "model") request.onCase?.(item, predicted, scored);
      }
    }
    targets.push(...summarizeTargets(set, meters, request.controls));
  }
  return finish(targets, records, skipped, request);
}

function finish(
  targets: Evaluation["targets"],
  records: Evaluation["records"],
  skipped: Evaluation["skipped"],
  {controls}: EvaluationRequest,
): Evaluation {
  return {targets, means: meanOverTargets(targets, controls), records, skipped, stopped: false};
}

async function preparePredictors(
  {claps, controls, random, sets}: EvaluationRequest,
  set: EvaluationSet,
): Promise<Map<string, Predictor>> {
  const model: Predictor = async ({image, modality}, targets) => {
    const result = await segment(claps, image, {modality, targets});
    return new Map(result.targets.map(({target, mask}) => [target, mask]));
  };
  const predictors = new Map([["model", model]]);
  const {modality} = set.dataset.definition;
  const ids = new Set(
    sets
      .map(({dataset: {definition}}) => definition)
      .filter((definition) => definition.modality.id === modality.id)
      .flatMap((definition) => definition.targets),
  );
  const asked = modality.targets.filter(({id}) => ids.has(id));
  for (const control of controls) {
    const source = random.fork(set.dataset.definition.id).fork(control.id);
    const training = (): AsyncIterable<LoadedCase> => readCases(set.training, () => undefined);
    predictors.set(control.id, await control.prepare({claps, training, asked, random: source}));
  }
  return predictors;
}

/** Targets that this case labels, present or not, in the modality's order. */
function labelledTargets({labels, modality}: LoadedCase): Target[] {
  return modality.targets.filter(({id}) => (labels.get(id)?.state ?? "unlabelled") !== "unlabelled");
}

function scoreCase(
  meter: Meter,
  item: LoadedCase,
  targets: readonly Target[],
  predicted: PredictedMasks,
): CaseRecord[] {
  const {height, width} = item.image;
  const empty = createMask({height, width});
  return targets.flatMap(({id: group}) => {
    const prediction = predicted.get(group);
    if (prediction === undefined) return [];
    const record = meter.update({
      group,
      id: item.id,
      prediction,
      truth: item.labels.get(group)?.mask ?? empty,
      ...(item.fieldOfView === undefined ? {} : {within: item.fieldOfView}),
    });
    return [record];
  });
}

function summarizeTargets(
  {dataset}: EvaluationSet,
  meters: ReadonlyMap<string, Meter>,
  controls: readonly Control[],
): TargetScores[] {
  const summaries = new Map([...meters].map(([by, meter]) => [by, meter.summarize()]));
  const {id, modality} = dataset.definition;
  return modality.targets.flatMap((target) => {
    const model = summaries.get("model")?.get(target.id);
    if (model === undefined) return [];
    const beside = controls.flatMap((control) => {
      const summary = summaries.get(control.id)?.get(target.id);
      return summary === undefined ? [] : [[control, summary] as const];
    });
    const notAbove = beside
      .filter(([control, summary]) => !control.usesTruth && !isAbove(model, summary))
      .map(([control]) => control.id);
    const byId = Object.fromEntries(beside.map(([control, summary]) => [control.id, summary]));
    return [{dataset: id, target, model, controls: byId, notAbove}];
  });
}

function isAbove(model: GroupSummary, control: GroupSummary): boolean {
  if (control.dice.mean === null) return true;
  return model.dice.mean !== null && model.dice.mean > control.dice.mean;
}

function meanOverTargets(
  targets: readonly TargetScores[],
  controls: readonly Control[],
): Evaluation["means"] {
  const meansOf = (pick: (scores: TargetScores) => GroupSummary | undefined): Evaluation["means"][string] => {
    const found = targets.map(pick).filter((summary) => summary !== undefined && summary.dice.mean !== null);
    const mean = (value: (summary: GroupSummary) => number | null): number | null =>
      found.length === 0
        ? null
        : found.reduce((sum, summary) => sum + (value(summary as GroupSummary) ?? 0), 0) / found.length;
    return {dice: mean(({dice}) => dice.mean), iou: mean(({iou}) => iou.mean), targets: found.length};
  };
  return {
    model: meansOf(({model}) => model),
    ...Object.fromEntries(controls.map(({id}) => [id, meansOf((scores) => scores.controls[id])])),
  };
}

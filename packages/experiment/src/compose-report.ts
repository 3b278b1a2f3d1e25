import {GENERATOR_VERSION} from "@claps/data";
import type {Claps} from "@claps/method";
import type {Curve} from "@claps/report";
import type {FitResult, StepRecord} from "@claps/train";
import type {ExperimentDefinition} from "./define-experiment.js";
import type {Evaluation} from "./evaluate.js";
import type {OpenedData} from "./open-data.js";
import type {RunRecord} from "./run-record.js";
import type {TrainingSet} from "./training-set.js";

/** What a finished run knows about itself. */
export interface FinishedRun {
  readonly definition: ExperimentDefinition;
  readonly opened: readonly OpenedData[];
  readonly evaluation: Evaluation;
  readonly fitted: FitResult;
  readonly claps: Claps;
  readonly training: TrainingSet;
  readonly record: RunRecord;
  readonly isFinal: boolean;
}

/**
 * Everything that the same seed reproduces, and nothing else: no times, no machine, so that two runs can be
 * compared byte by byte.
 */
export function summaryOf(run: FinishedRun): unknown {
  const {definition, evaluation, fitted, claps, opened, record, isFinal} = run;
  return {
    notice: record.notice,
    experiment: definition.name,
    seed: record.seed,
    generatorVersion: opened.some(({isSynthetic}) => isSynthetic) ? GENERATOR_VERSION : null,
    scored: opened.map((data) => ({
      dataset: data.dataset.definition.id,
      synthetic: data.isSynthetic,
      split: data.isSynthetic || isFinal ? "test" : "held out",
    })),
    model: {parameters: claps.countParameters(), threshold: claps.threshold},
    training: {
      steps: fitted.steps,
      skippedSteps: fitted.skipped,
      lastLoss: fitted.history.at(-1)?.loss ?? null,
    },
    means: evaluation.means,
    targets: evaluation.targets.map(({dataset, target, model, controls, notAbove}) => ({
      dataset,
      target: target.id,
      model,
      controls,
      notAbove,
    })),
    unreadable: evaluation.skipped.map(({dataset, id}) => ({dataset, id})),
  };
}

/** Sentences that say what the page shows. */
export function leadOf({opened, isFinal, evaluation}: FinishedRun): string[] {
  const parts = opened.map(({dataset, isSynthetic, training, test, heldOut}) => {
    const {title} = dataset.definition;
    if (isSynthetic) {
      return `${title}: trained on ${training.length} made-up cases, scored on ${test.length} unseen ones.`;
    }
    const scored = isFinal
      ? `the ${test.length} test cases`
      : `${heldOut.length} held-out training cases, which also chose weights and threshold where the plan says so`;
    return `${title}: trained on ${training.length} cases, scored on ${scored}.`;
  });
  const behind = evaluation.targets.filter(({notAbove}) => notAbove.length > 0);
  const verdict =
    evaluation.targets.length === 0
      ? "Nothing was scored."
      : behind.length === 0
        ? "Every target is above every control that does not use the truth."
        : `Not above a control: ${behind.map(({dataset, target}) => `${target.name} (${dataset})`).join(", ")}.`;
  return [...parts, verdict];
}

/** Facts for the foot of the page. */
export function factsOf({record, fitted, claps, training}: FinishedRun): (readonly [string, string])[] {
  const seconds = fitted.history.reduce((sum, step) => sum + step.seconds, 0);
  return [
    ["engine", `${record.engine.name}, ${record.engine.threads} threads`],
    ...(record.engine.fallback === null ? [] : [["fallback", record.engine.fallback] as const]),
    ["processor", `${record.machine.cpu}, ${record.machine.cores} cores`],
    ["seed", record.seed],
    ["commit", record.commit ?? "unknown"],
    [
      "versions",
      Object.entries(record.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", "),
    ],
    ["model", `${claps.countParameters()} parameters`],
    ["training", `${fitted.steps} steps on ${training.size} pictures, ${(seconds / 60).toFixed(1)} minutes`],
    ["graphs traced", String(fitted.traces)],
  ];
}

/** The loss over the steps, as means of windows so that the curve can be read. */
export function lossCurve(history: readonly StepRecord[]): Curve {
  const window = Math.max(1, Math.floor(history.length / 100));
  const points: [number, number][] = [];
  for (let start = 0; start < history.length; start += window) {
    const some = history.slice(start, start + window);
    const mean = some.reduce((sum, {loss}) => sum + loss, 0) / some.length;
    points.push([(some.at(-1)?.step ?? 0) + 1, mean]);
  }
  return {title: "Training loss", xLabel: "step", yLabel: "loss", series: [{name: "loss", points}]};
}

/** Whatever a reader has to know to trust the table. */
export function notesOf({evaluation, fitted}: FinishedRun, skippedInTraining: readonly string[]): string[] {
  const notes = [
    "Dice and IoU are means over pictures in which the target is there or was found; n counts them. A target that is absent and not found is not counted; one that is absent but found scores 0.",
    "Controls marked as using the truth show how hard the data are; the model is not compared with them.",
  ];
  if (fitted.skipped > 0)
    notes.push(`${fitted.skipped} training steps had a non-finite loss and were skipped.`);
  for (const text of skippedInTraining) notes.push(`Not read for training: ${text}`);
  for (const {dataset, id, reason} of evaluation.skipped)
    notes.push(`Not read for scoring: ${dataset} ${id}: ${reason}`);
  return notes;
}

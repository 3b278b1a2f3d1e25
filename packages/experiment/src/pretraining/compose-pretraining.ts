import {GENERATOR_VERSION} from "@claps/data";
import type {Curve} from "@claps/report";
import type {FitResult} from "@claps/train";
import {lossCurve} from "../compose-report.js";
import type {RunRecord} from "../run-record.js";
import type {ZeroShotEvaluation} from "../zero-shot/evaluate-clip.js";
import {textTable} from "../zero-shot/text-table.js";
import {zeroShotTable} from "../zero-shot/zero-shot-table.js";
import type {PretrainingDefinition} from "./define-pretraining.js";
import type {PretrainingPictures} from "./open-sources.js";

/** What was measured after training, and what stands beside it. */
export interface PretrainingEvaluations {
  /** The trained model. */
  readonly model: ZeroShotEvaluation;
  /** The same model on pictures whose colour was taken away, or that were tinted where they have none. */
  readonly disguised: ZeroShotEvaluation;
  /** The model before the first step. */
  readonly untrained: ZeroShotEvaluation;
}

/** What a finished pre-training knows about itself. */
export interface FinishedPretraining {
  readonly definition: PretrainingDefinition;
  readonly pictures: PretrainingPictures;
  readonly evaluations: PretrainingEvaluations;
  readonly fitted: FitResult;
  readonly record: RunRecord;
  readonly parameters: number;
  readonly trainedParameters: number;
}

/**
 * Everything that the same seed reproduces, and nothing else: no times, no machine.
 *
 * @param run - The finished run.
 */
export function pretrainingSummary(run: FinishedPretraining): unknown {
  const {definition, pictures, evaluations, fitted, record, parameters, trainedParameters} = run;
  return {
    notice: record.notice,
    experiment: definition.name,
    seed: record.seed,
    generatorVersion: pictures.sources.some(({isSynthetic}) => isSynthetic) ? GENERATOR_VERSION : null,
    sources: pictures.sources,
    model: {parameters, trainedParameters},
    training: {
      steps: fitted.steps,
      skippedSteps: fitted.skipped,
      lastLoss: fitted.history.at(-1)?.loss ?? null,
      best: fitted.best === undefined ? null : {step: fitted.best.step, value: fitted.best.value},
    },
    evaluation: evaluations,
    leftOut: pictures.skipped.length,
  };
}

/** Sentences that say what was done. */
export function pretrainingLead({definition, pictures, fitted}: FinishedPretraining): string[] {
  const {targets = "labels", order = "balanced"} = definition.train;
  const sources = pictures.sources.map(({id, isSynthetic, training, validation, test, scored}) => {
    const kind = isSynthetic ? "made-up pictures" : "pictures";
    const which = scored === "test" ? "unseen ones" : "held-out training pictures";
    return `${id}: trained on ${training} ${kind}, chosen on ${validation}, scored on ${test} ${which}.`;
  });
  const best =
    fitted.best === undefined
      ? "The weights are those of the last step."
      : `The weights are those after ${fitted.best.step} of ${fitted.steps} steps, the best on the validation pictures.`;
  return [
    ...sources,
    `Contrastive, ${targets === "labels" ? "every sentence whose label a picture has is right" : "only a picture's own sentence is right"}, ${order} order. ${best}`,
  ];
}

/** The model beside its controls, one line each, and the model's figures in full. */
export function pretrainingTable({evaluations}: Pick<FinishedPretraining, "evaluations">): string {
  const {model, disguised, untrained} = evaluations;
  const format = (value: number | null): string => (value === null ? "–" : value.toFixed(3));
  const rowOf = (name: string, {modality, macro, retrieval}: ZeroShotEvaluation): string[] => [
    name,
    format(modality.accuracy),
    format(macro.balancedAccuracy),
    format(macro.areaUnderRoc),
    format(retrieval.pictureToCaption.recall.at1),
    format(retrieval.captionToPicture.recall.at1),
  ];
  const {modality, macro, retrieval} = model;
  const beside = textTable(
    ["", "modality", "findings BA", "findings AUC", "picture R@1", "caption R@1"],
    [
      rowOf("model", model),
      rowOf("model, fundus grey, OCT tinted", disguised),
      rowOf("before training", untrained),
      [
        "chance",
        format(modality.chance.accuracy),
        format(macro.chance.balancedAccuracy),
        format(0.5),
        format(retrieval.pictureToCaption.chance.at1),
        format(retrieval.captionToPicture.chance.at1),
      ],
      [
        "most frequent answer",
        format(modality.prior.accuracy),
        format(macro.prior.balancedAccuracy),
        format(0.5),
        "–",
        "–",
      ],
    ],
  );
  return [beside, "", zeroShotTable(model)].join("\n");
}

/** Loss, and what the validation pictures said on the way. */
export function pretrainingCurves({fitted}: Pick<FinishedPretraining, "fitted">): Curve[] {
  const {validations} = fitted;
  const names = Object.keys(validations[0]?.figures ?? {});
  const series = names.map((name) => ({
    name,
    points: validations.map(({step, figures}): [number, number] => [step, figures[name] ?? NaN]),
  }));
  const loss = lossCurve(fitted.history);
  if (series.length === 0) return [loss];
  return [loss, {title: "On validation pictures", xLabel: "step", yLabel: "share", series}];
}

/** Facts for the foot of the page. */
export function pretrainingFacts(run: FinishedPretraining): (readonly [string, string])[] {
  const {record, fitted, parameters, trainedParameters, pictures} = run;
  const seconds = fitted.history.reduce((sum, step) => sum + step.seconds, 0);
  const versions = Object.entries(record.versions).map(([name, version]) => `${name} ${version}`);
  return [
    ["engine", `${record.engine.name}, ${record.engine.threads} threads`],
    ...(record.engine.fallback === null ? [] : [["fallback", record.engine.fallback] as const]),
    ["processor", `${record.machine.cpu}, ${record.machine.cores} cores`],
    ["seed", record.seed],
    ["commit", record.commit ?? "unknown"],
    ["versions", versions.join(", ")],
    ["model", `${parameters} parameters, ${trainedParameters} of them trained`],
    [
      "training",
      `${fitted.steps} steps on ${pictures.training.length} pictures, ${(seconds / 60).toFixed(1)} minutes`,
    ],
    ["graphs traced", String(fitted.traces)],
  ];
}

/** Whatever a reader has to know to trust the figures. */
export function pretrainingNotes({fitted, pictures}: FinishedPretraining): string[] {
  const shown = 20;
  const {skipped} = pictures;
  return [
    "A finding counts in the pictures in which it is labelled, present or absent; unlabelled is neither.",
    ...(fitted.skipped === 0
      ? []
      : [`${fitted.skipped} training steps had a non-finite loss and were skipped.`]),
    ...skipped.slice(0, shown).map((text) => `Left out: ${text}`),
    ...(skipped.length > shown ? [`And ${skipped.length - shown} more were left out.`] : []),
  ];
}

export {bestDiceThreshold} from "./controls/best-dice-threshold.js";
export {blind} from "./controls/blind.js";
export {greenThreshold} from "./controls/green-threshold.js";
export {grey} from "./controls/grey.js";
export {pixelRegression} from "./controls/pixel-regression.js";
export {secondObserver} from "./controls/second-observer.js";
export {ellipse, fullBox, truthEllipse} from "./controls/shape-only.js";
export type {Control, ControlContext, PredictedMasks, Predictor} from "./control.js";
export {defineExperiment} from "./define-experiment.js";
export type {
  EvaluationPlan,
  ExperimentData,
  ExperimentDefinition,
  TrainingPlan,
} from "./define-experiment.js";
export {evaluate} from "./evaluate.js";
export type {Evaluation, EvaluationRequest, EvaluationSet, ScoredRecord, TargetScores} from "./evaluate.js";
export {checkPack} from "./parity/check-pack.js";
export type {ParityCase, ParityEntry, ParityReport, RefusedCase} from "./parity/report.js";
export {createProgress} from "./progress-bar.js";
export type {ProgressOptions} from "./progress-bar.js";
export {silentProgress} from "./progress.js";
export type {Progress} from "./progress.js";
export {runExperiment} from "./run-experiment.js";
export type {RunOptions, RunResult} from "./run-experiment.js";
export {compareEvaluations} from "./verbs/compare-evaluations.js";
export type {CompareOptions, EvaluationComparison, TargetComparison} from "./verbs/compare-evaluations.js";
export {evaluatePredictions} from "./verbs/evaluate-predictions.js";
export type {EvaluatePredictionsOptions} from "./verbs/evaluate-predictions.js";
export {evaluationTable, readEvaluation} from "./verbs/evaluation-document.js";
export type {
  Aggregate,
  EvaluationDocument,
  EvaluationSettings,
  TargetWords,
} from "./verbs/evaluation-document.js";
export {mergeEvaluations} from "./verbs/merge-evaluations.js";
export {parseShard} from "./verbs/shard.js";
export type {Shard} from "./verbs/shard.js";
export {writeDocument} from "./verbs/write-document.js";
export {findAdapter, loadAdapters} from "./verbs/load-adapters.js";
export {segmentFiles} from "./verbs/segment-files.js";
export type {SegmentFilesOptions, SegmentFilesResult, SegmentRecord} from "./verbs/segment-files.js";

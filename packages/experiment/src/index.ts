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
export type {DataRoots} from "./open-data.js";
export {silentProgress} from "./progress.js";
export type {Progress} from "./progress.js";
export {runExperiment} from "./run-experiment.js";
export type {RunOptions, RunResult} from "./run-experiment.js";

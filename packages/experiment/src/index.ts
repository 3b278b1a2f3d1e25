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
export {cacheFolder} from "./embedding-cache/cache-folder.js";
export {cachedEncoder} from "./embedding-cache/cached-encoder.js";
export type {
  CachedEncodeOptions,
  CachedEncoder,
  CachedImages,
  FrozenEncoder,
} from "./embedding-cache/cached-encoder.js";
export {EmbeddingCache} from "./embedding-cache/embedding-cache.js";
export type {CacheCounts, CacheStats, EmbeddingCacheOptions} from "./embedding-cache/embedding-cache.js";
export type {Embedding} from "./embedding-cache/embedding-entry.js";
export {embeddingKey, hashWeights} from "./embedding-cache/embedding-key.js";
export type {EmbeddingOrigin} from "./embedding-cache/embedding-key.js";
export {evaluate} from "./evaluate.js";
export type {Evaluation, EvaluationRequest, EvaluationSet, ScoredRecord, TargetScores} from "./evaluate.js";
export {checkPack} from "./parity/check-pack.js";
export type {CheckPackOptions} from "./parity/check-pack.js";
export type {ParityCase, ParityEntry, ParityReport, RefusedCase} from "./parity/report.js";
export {definePretraining, isPretraining} from "./pretraining/define-pretraining.js";
export type {
  DatasetSource,
  LoraPlan,
  PicturesSource,
  PretrainingDefinition,
  PretrainingEvaluation,
  PretrainingPlan,
  PretrainingSource,
  StartingWeights,
  SyntheticSource,
} from "./pretraining/define-pretraining.js";
export type {PretrainingEvaluations} from "./pretraining/compose-pretraining.js";
export {runPretraining} from "./pretraining/run-pretraining.js";
export type {PretrainingResult} from "./pretraining/run-pretraining.js";
export {fewShot} from "./probe/few-shot.js";
export type {
  FewShotFinding,
  FewShotOptions,
  FewShotResult,
  FewShotRow,
  RepeatedFigure,
} from "./probe/few-shot.js";
export {linearProbe, PROBE_PENALTIES} from "./probe/linear-probe.js";
export type {LinearProbeOptions, LinearProbeResult, ProbeFinding, ProbeFit} from "./probe/linear-probe.js";
export {fitLogisticRegression, predictProbabilities} from "./probe/logistic-regression.js";
export type {LogisticModel, LogisticProblem} from "./probe/logistic-regression.js";
export {fewShotTable, probeTable} from "./probe/probe-table.js";
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
export type {ClassFigure} from "./zero-shot/class-figure.js";
export {embedItems} from "./zero-shot/embed-items.js";
export type {EmbeddedPictures, EmbedOptions} from "./zero-shot/embed-items.js";
export {evaluateClip, evaluateEmbedded} from "./zero-shot/evaluate-clip.js";
export type {
  EvaluateClipOptions,
  EvaluateEmbeddedOptions,
  PromptTable,
  ZeroShotEvaluation,
} from "./zero-shot/evaluate-clip.js";
export type {AnnotatedPicture, EvaluationItem} from "./zero-shot/evaluation-item.js";
export type {FindingFigure, FindingRule, MacroFigure} from "./zero-shot/finding-scores.js";
export {nearestNeighbours} from "./zero-shot/nearest-neighbours.js";
export type {NeighbourOptions} from "./zero-shot/nearest-neighbours.js";
export type {PictureTextEncoder} from "./zero-shot/picture-text-encoder.js";
export type {RecallFigures, RetrievalFigure, RetrievalFigures} from "./zero-shot/retrieval.js";
export {zeroShotClassifier} from "./zero-shot/zero-shot-classifier.js";
export type {PromptedClass, ZeroShotClassifier} from "./zero-shot/zero-shot-classifier.js";
export {zeroShotTable} from "./zero-shot/zero-shot-table.js";

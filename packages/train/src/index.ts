export {batchGradients} from "./batch-gradients.js";
export type {BatchGradients, BatchGradientsOptions} from "./batch-gradients.js";
export {restoreCheckpoint, takeCheckpoint} from "./checkpoint.js";
export type {Checkpoint, CheckpointParts} from "./checkpoint.js";
export {
  listCheckpoints,
  newestCheckpoint,
  readCheckpoint,
  verifyCheckpoint,
  writeCheckpoint,
} from "./checkpoint.node.js";
export type {SavedCheckpoint} from "./checkpoint.node.js";
export type {ChunkedForm, ChunkedTower} from "./chunked-form.js";
export type {BatchCall} from "./chunked-gradients.js";
export {compileChunkedStep} from "./chunked-step.js";
export type {BatchStep, BatchStepCall, ChunkedStepOptions} from "./chunked-step.js";
export {contrastiveObjective} from "./contrastive-objective.js";
export type {ClipItem, ContrastiveModel, ContrastiveObjectiveOptions} from "./contrastive-objective.js";
export type {FollowingAverage} from "./apply-update.js";
export {fit} from "./fit.js";
export type {
  AverageOptions,
  FitOptions,
  FitResult,
  StepRecord,
  ValidateOptions,
  ValidationRecord,
} from "./fit.js";
export {labelRelation} from "./label-relation.js";
export type {LabelledPair, PictureLabels} from "./label-relation.js";
export {lockFolder} from "./folder-lock.node.js";
export type {FolderLock} from "./folder-lock.node.js";
export {binaryCrossEntropy} from "./losses/binary-cross-entropy.js";
export {boxL1} from "./losses/box-l1.js";
export {contrastiveLogits} from "./losses/contrastive-logits.js";
export {contrastiveLoss, similarityTargets} from "./losses/contrastive-loss.js";
export type {ContrastiveLoss, SimilarityTargets} from "./losses/contrastive-loss.js";
export {cornersFromCentres} from "./losses/corners-from-centres.js";
export {diceLoss} from "./losses/dice-loss.js";
export {boxIou, generalizedIou, giouLoss} from "./losses/generalized-iou.js";
export {infoNce} from "./losses/info-nce.js";
export {maskIou} from "./losses/mask-iou.js";
export {MASK_LOSS_WEIGHTS, maskLoss} from "./losses/mask-loss.js";
export type {MaskLoss, MaskLossInputs, MaskLossWeights} from "./losses/mask-loss.js";
export {sigmoidFocal} from "./losses/sigmoid-focal.js";
export type {SigmoidFocalOptions} from "./losses/sigmoid-focal.js";
export {softTargetCrossEntropy} from "./losses/soft-target-cross-entropy.js";
export {assignedRows, targetsOfQueries} from "./matching/assigned-rows.js";
export {hungarian} from "./matching/hungarian.js";
export type {Assignment, CostMatrix} from "./matching/hungarian.js";
export {matchBoxes} from "./matching/match-boxes.js";
export type {BoxMatch, BoxPredictions, BoxTruths, MatchBoxesOptions} from "./matching/match-boxes.js";
export {padAssignments, padTruths, truthBucket, truthMask} from "./matching/pad-truths.js";
export type {Objective} from "./objective.js";
export {AdamW} from "./optimizer/adamw.js";
export type {AdamWOptions, UpdateOptions} from "./optimizer/adamw.js";
export {clipByGlobalNorm, clipFactor, globalNorm} from "./optimizer/clip-by-global-norm.js";
export {decaysAsOpenClip, decaysByDefault} from "./optimizer/decays-by-default.js";
export {ExponentialMovingAverage} from "./optimizer/exponential-moving-average.js";
export type {AverageUpdateOptions} from "./optimizer/exponential-moving-average.js";
export {layerwiseDecay} from "./optimizer/layerwise-decay.js";
export type {LayerwiseDecayOptions} from "./optimizer/layerwise-decay.js";
export {constantRate, warmupCosine} from "./optimizer/schedules.js";
export type {Schedule, WarmupCosineOptions} from "./optimizer/schedules.js";
export {compileTrainStep} from "./train-step.js";
export type {TrainStep, TrainStepOptions, TrainStepResult} from "./train-step.js";
export type {BestValidation, TrainingState} from "./training-state.js";
export {maskObjective} from "./mask-objective.js";
export type {
  MaskExample,
  MaskModel,
  MaskObjective,
  MaskObjectiveOptions,
  MaskPrompt,
} from "./mask-objective.js";
export type {Prediction, TwoPhaseObjective} from "./two-phase-objective.js";
export {compileTwoPhaseStep} from "./two-phase-step.js";
export type {TwoPhaseCall, TwoPhaseResult, TwoPhaseStep, TwoPhaseStepOptions} from "./two-phase-step.js";

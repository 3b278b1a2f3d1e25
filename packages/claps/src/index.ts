/**
 * Everything that a user of the library needs, by name; what only builders of new parts need stays in the packages.
 */

// The method: phrases and boxes become masks.
export {
  Claps,
  clapsTiny,
  createClaps,
  loadClaps,
  predictLogits,
  RESEARCH_NOTICE,
  saveClaps,
  segment,
} from "@claps/method";
export type {
  ClapsConfig,
  CreateClapsOptions,
  GuidanceConfig,
  MaskInputs,
  MaskOutputs,
  PhrasePrompt,
  PromptLogits,
  Segmentation,
  SegmentRequest,
  TargetRequest,
  TargetSegmentation,
  Verdict,
  View,
} from "@claps/method";

// Segment Anything.
export {
  createSam,
  huggingFaceRules,
  loadSam,
  originalRules,
  preprocess,
  Sam,
  samBase,
  samConfigFromHuggingFace,
  samConfigFromOriginal,
  samHuge,
  samLarge,
  samMicro,
  samTiny,
  saveSam,
} from "@claps/sam";
export type {
  LoadSamOptions,
  MaskCandidate,
  MaskPrediction,
  PreparedImage,
  PromptTensors,
  SamConfig,
  SamDecoderConfig,
  SamEmbedding,
  SamPoint,
  SamPrompts,
} from "@claps/sam";

// CLIP's text tower and tokenizer.
export {
  createTextTower,
  createTokenizer,
  defaultTokenizer,
  huggingFaceTextRules,
  loadTokenizer,
  saveTokenizer,
  textBase,
  textConfigFromHuggingFace,
  textTiny,
  TextTower,
  tokenizerFromFiles,
  trainByteLevelBpe,
} from "@claps/clip";
export type {
  EncodedBatch,
  EncodeOptions,
  Encoding,
  TextConfig,
  TextFeatures,
  Tokenizer,
  TrainBpeOptions,
} from "@claps/clip";

// Image encoders.
export {defineBackbone, vitDet, vitDetSizes} from "@claps/backbones";
export type {Backbone, BackboneBlock, PixelNormalization, VitDetConfig} from "@claps/backbones";

// What a fundus photograph or an OCT scan is.
export {cfp, defineModality, findModality, foreignTargets, modalities, oct} from "@claps/modalities";
export type {Augmentations, Modality, ModalityDefinition, Target} from "@claps/modalities";

// Blocks to build models from.
export {
  asLayersModel,
  Block,
  constant,
  Conv2d,
  ConvTranspose2d,
  Embedding,
  fanInUniform,
  LayerNorm,
  Linear,
  Mlp,
  MultiHeadAttention,
  normal,
  ones,
  PatchEmbedding,
  truncatedNormal,
  xavierUniform,
  zeros,
} from "@claps/layers";
export type {Initializer} from "@claps/layers";

// Pixels, masks, boxes, frames and picture files.
export {
  blendMask,
  boxOfMask,
  connectedComponents,
  createImage,
  createMask,
  crop,
  cropMask,
  decodeImage,
  decodeMask,
  encodeGif,
  encodeJpeg,
  encodePng,
  encodeTiff,
  fieldOfView,
  fitExact,
  fitLongest,
  Frame,
  fromTensor,
  gaussianBlur,
  IGNORE,
  letterbox,
  maskOf,
  planTiles,
  readImage,
  readMask,
  resize,
  resizeField,
  resizeMask,
  toTensor,
  writeImage,
} from "@claps/image";
export type {
  BlendOptions,
  Box,
  Channels,
  Components,
  Filter,
  Image,
  ImageOptions,
  Mask,
  MaskOptions,
  MaskRule,
  Point,
  ReadImageOptions,
  ResizeOptions,
  Samples,
  Size,
} from "@claps/image";

// Weight files.
export {
  assignWeights,
  collectWeights,
  defineRules,
  encodeSafetensors,
  exportWeights,
  inspectSafetensors,
  parseSafetensors,
  readSafetensors,
  readWeights,
  restoreWeights,
  toFloat32,
  writeSafetensors,
} from "@claps/weights";
export type {
  AssignOptions,
  Layout,
  Rule,
  Rules,
  Safetensors,
  StoredDtype,
  StoredTensor,
  WeightHolder,
  WeightReport,
  WeightRow,
} from "@claps/weights";

// Scores of masks.
export {
  bootstrapMean,
  countPixels,
  createMeter,
  dice,
  diceOfCounts,
  iou,
  iouOfCounts,
  precision,
  precisionOfCounts,
  sensitivity,
  sensitivityOfCounts,
  specificity,
  specificityOfCounts,
} from "@claps/metrics";
export type {
  BootstrapInterval,
  BootstrapOptions,
  CaseRecord,
  CaseState,
  CountOptions,
  EmptyPolicy,
  GroupSummary,
  MaskLike,
  MaskSize,
  Measure,
  MeasureSummary,
  Meter,
  MeterCase,
  MeterOptions,
  PixelCounts,
} from "@claps/metrics";

// Datasets, and made-up retinas.
export {
  augment,
  batches,
  checkBlackAndWhite,
  checkOneColour,
  checkPureColours,
  defineDataset,
  epochOrder,
  GENERATOR_VERSION,
  halfOf,
  openDataset,
  split,
  synthesizeBscan,
  synthesizeFundus,
  verifyDataset,
} from "@claps/data";
export type {
  AugmentOptions,
  Batch,
  BatchOptions,
  CaseReference,
  Dataset,
  DatasetDefinition,
  DatasetFiles,
  DatasetOptions,
  DatasetProblem,
  Label,
  LabelState,
  LoadedCase,
  OpenOptions,
  Position,
  SkippedCase,
  SplitName,
  SplitOptions,
  SyntheticCase,
  SyntheticFundus,
  SyntheticOptions,
  TruthFile,
  VerifyOptions,
  VerifyReport,
  VerifyRow,
} from "@claps/data";

// Objectives, optimizer, loop and checkpoints.
export {
  AdamW,
  binaryCrossEntropy,
  clipByGlobalNorm,
  constantRate,
  diceLoss,
  ExponentialMovingAverage,
  fit,
  listCheckpoints,
  maskIou,
  maskLoss,
  maskObjective,
  newestCheckpoint,
  readCheckpoint,
  sigmoidFocal,
  verifyCheckpoint,
  warmupCosine,
} from "@claps/train";
export type {
  AdamWOptions,
  FitOptions,
  FitResult,
  MaskExample,
  MaskLoss,
  MaskLossInputs,
  MaskLossWeights,
  MaskModel,
  MaskObjectiveOptions,
  MaskPrompt,
  Objective,
  SavedCheckpoint,
  Schedule,
  SigmoidFocalOptions,
  StepRecord,
  UpdateOptions,
  ValidateOptions,
  ValidationRecord,
  WarmupCosineOptions,
} from "@claps/train";

// Tables, overlays, curves and pages.
export {
  caseStrip,
  comparison,
  COMPARISON_COLOURS,
  overlay,
  plotCurve,
  scoreTable,
  writeJson,
  writeJsonLines,
  writeReport,
} from "@claps/report";
export type {
  CaseFigure,
  ControlColumn,
  Curve,
  FigureTarget,
  OverlayLayer,
  Report,
  ScoreRow,
  ScoreTable,
  ScoreTableOptions,
  Series,
  WrittenReport,
} from "@claps/report";

// Experiments, controls and the verbs of the command.
export {
  bestDiceThreshold,
  blind,
  checkPack,
  compareEvaluations,
  createProgress,
  defineExperiment,
  ellipse,
  evaluate,
  evaluatePredictions,
  evaluationTable,
  findAdapter,
  fullBox,
  greenThreshold,
  grey,
  loadAdapters,
  mergeEvaluations,
  parseShard,
  pixelRegression,
  readEvaluation,
  runExperiment,
  secondObserver,
  segmentFiles,
  silentProgress,
  truthEllipse,
  writeDocument,
} from "@claps/experiment";
export type {
  Aggregate,
  CompareOptions,
  Control,
  ControlContext,
  EvaluatePredictionsOptions,
  Evaluation,
  EvaluationComparison,
  EvaluationDocument,
  EvaluationPlan,
  EvaluationRequest,
  EvaluationSet,
  EvaluationSettings,
  ExperimentData,
  ExperimentDefinition,
  ParityCase,
  ParityEntry,
  ParityReport,
  PredictedMasks,
  Predictor,
  Progress,
  ProgressOptions,
  RefusedCase,
  RunOptions,
  RunResult,
  ScoredRecord,
  SegmentFilesOptions,
  SegmentFilesResult,
  SegmentRecord,
  Shard,
  TargetComparison,
  TargetScores,
  TargetWords,
  TrainingPlan,
} from "@claps/experiment";

// Engine, seeded randomness and errors.
export {
  ClapsError,
  ConfigError,
  countTensors,
  createRandom,
  currentEngine,
  DataError,
  ShapeError,
  startEngine,
  WeightError,
} from "@claps/core";
export type {
  CompiledFunction,
  Engine,
  EngineCompileOptions,
  EngineName,
  EngineOptions,
  Random,
} from "@claps/core";

// TensorFlow.js at ONNX Runtime's speed.
export {compile, engineMemory, OnnxEngineError, registerOnnxBackend} from "@claps/tfjs-onnx";
export type {Compiled, CompileOptions, EngineMemory} from "@claps/tfjs-onnx";

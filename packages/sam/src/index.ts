export {
  checkSamConfig,
  encoderConfig,
  gridSize,
  maskStride,
  samBase,
  samHuge,
  samLarge,
  samMicro,
  samTiny,
} from "./config.js";
export type {SamConfig, SamDecoderConfig, SamDetailConfig} from "./config.js";
export type {MaskCandidate, SamPoint, SamPrompts} from "./decode-prompts.js";
export {DetailEncoder} from "./detail-encoder.js";
export {loadSam, parseSamConfig} from "./load-sam.js";
export type {LoadSamOptions} from "./load-sam.js";
export {MaskDecoder} from "./mask-decoder.js";
export type {MaskDecoderInput, MaskPrediction} from "./mask-decoder.js";
export {createSam, Sam} from "./model.js";
export type {DecodeTensorsInput, SamEmbedding} from "./model.js";
export {normalizePixels, preprocess} from "./preprocess.js";
export type {PreparedImage, SamPreprocess} from "./preprocess.js";
export {PromptEncoder} from "./prompt-encoder.js";
export type {PromptEmbedding, PromptTensors} from "./prompt-encoder.js";
export {samConfigFromHuggingFace, samConfigFromOriginal} from "./published-config.js";
export {saveSam} from "./save-sam.js";
export type {SavedSamConfig, SaveSamOptions} from "./save-sam.js";
export {huggingFaceRules, originalRules, rulesFor, untiePositions, untieStoredPositions} from "./weights.js";

export {defaultTokenizer} from "./default-tokenizer.js";
export {checkTextConfig, textBase, textConfigFromHuggingFace, textTiny} from "./text-config.js";
export type {TextConfig} from "./text-config.js";
export {huggingFaceTextRules} from "./text-rules.js";
export {TextTower, createTextTower} from "./text-tower.js";
export type {TextFeatures} from "./text-tower.js";
export {
  createTokenizer,
  loadTokenizer,
  saveTokenizer,
  tokenizerFiles,
  tokenizerFromFiles,
  trainByteLevelBpe,
  vocabularyOfMerges,
} from "@claps/text";
export type {
  BpeTables,
  EncodeBatchOptions,
  EncodedBatch,
  EncodeOptions,
  Encoding,
  Offset,
  Tokenizer,
  TrainBpeOptions,
} from "@claps/text";

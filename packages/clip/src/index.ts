export {defaultTokenizer} from "./default-tokenizer.js";
export {checkTextConfig, textBase, textConfigFromHuggingFace, textTiny} from "./text-config.js";
export type {TextConfig} from "./text-config.js";
export {huggingFaceTextRules} from "./text-rules.js";
export {TextTower, createTextTower} from "./text-tower.js";
export type {TextFeatures} from "./text-tower.js";
export {createTokenizer} from "./tokenizer.js";
export type {
  EncodeBatchOptions,
  EncodedBatch,
  EncodeOptions,
  Encoding,
  Offset,
  Tokenizer,
} from "./tokenizer.js";
export {loadTokenizer, saveTokenizer, tokenizerFiles, tokenizerFromFiles} from "./tokenizer-files.js";
export {trainByteLevelBpe, vocabularyOfMerges} from "./train-byte-level-bpe.js";
export type {BpeTables, TrainBpeOptions} from "./train-byte-level-bpe.js";

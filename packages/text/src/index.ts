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

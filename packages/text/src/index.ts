export {
  bertBase,
  bertConfigFromHuggingFace,
  bertConfigToHuggingFace,
  bertTiny,
  checkBertConfig,
} from "./bert-config.js";
export type {BertConfig} from "./bert-config.js";
export {BertEncoder} from "./bert-encoder.js";
export type {BertFeatures, BertInputs} from "./bert-encoder.js";
export {bertRuleList, bertRules} from "./bert-rules.js";
export {createTokenizer} from "./byte-level-tokenizer.js";
export type {TokenizerOptions} from "./byte-level-tokenizer.js";
export {checkVocabulary} from "./check-vocabulary.js";
export {cleanText, looksWronglyDecoded} from "./clean-text.js";
export type {Cleaning} from "./clean-text.js";
export type {Cut, EncodeBatchOptions, EncodedBatch, EncodeOptions, Encoding, Offset} from "./encoding.js";
export {captionOfLabels, phraseBlocks, phraseOptions, phraseTexts} from "./phrase-blocks.js";
export type {PhraseBlocks, PhraseOptions} from "./phrase-blocks.js";
export type {BertTextRules, DecodeOptions, Tokenizer} from "./tokenizer.js";
export {
  bertTokenizerFromFile,
  loadTokenizer,
  saveTokenizer,
  tokenizerFiles,
  tokenizerFromFiles,
} from "./tokenizer-files.js";
export {trainByteLevelBpe, vocabularyOfMerges} from "./train-byte-level-bpe.js";
export type {BpeTables, TrainBpeOptions} from "./train-byte-level-bpe.js";
export {createBertTokenizer, uncasedRules} from "./word-piece-tokenizer.js";

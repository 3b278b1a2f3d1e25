export {checkBertTextConfig, textBiomedBert} from "./bert-text-config.js";
export type {BertTextConfig} from "./bert-text-config.js";
export {BertTextTower} from "./bert-text-tower.js";
export {
  checkClipConfig,
  clipSmall,
  clipTiny,
  clipUniMedB16,
  clipVitB16,
  clipVitB32,
  clipVitL14,
  clipVitL14At336,
  countClipParameters,
} from "./config.js";
export type {ClipConfig} from "./config.js";
export {defaultTokenizer} from "./default-tokenizer.js";
export {clipConfigFromHuggingFace, clipConfigToHuggingFace} from "./hugging-face-config.js";
export {clipTensors, loadClip, parseClipConfig, readClipConfig} from "./load-clip.js";
export type {ClipConfigSources, LoadClipOptions} from "./load-clip.js";
export {Clip, createClip} from "./model.js";
export type {
  ClipOptions,
  EncodedImages,
  EncodedTexts,
  EncodeImageOptions,
  EncodeTextOptions,
} from "./model.js";
export {clipConfigFromOpenClip, clipConfigToOpenClip, openClipTextModel} from "./open-clip-config.js";
export type {OpenClipSources, ToOpenClipOptions} from "./open-clip-config.js";
export {prepareTexts} from "./prepare-texts.js";
export type {PreparedTexts, PrepareTextsOptions} from "./prepare-texts.js";
export {
  preprocessFromHuggingFace,
  preprocessFromOpenClip,
  preprocessToHuggingFace,
  preprocessToOpenClip,
} from "./preprocess-config.js";
export {clipPreprocess, prepareImage, preparePixels} from "./preprocess.js";
export type {ClipPreprocess, PreparedPicture} from "./preprocess.js";
export {saveClip} from "./save-clip.js";
export type {SaveClipOptions, SavedClipConfig} from "./save-clip.js";
export {similarity} from "./similarity.js";
export {checkTextConfig, textBase, textConfigFromHuggingFace, textTiny} from "./text-config.js";
export type {TextConfig} from "./text-config.js";
export {huggingFaceTextRules} from "./text-rules.js";
export {TextTower, createTextTower} from "./text-tower.js";
export type {TextFeatures} from "./text-tower.js";
export {VisionTower} from "./vision-tower.js";
export type {ImageFeatures} from "./vision-tower.js";
export {
  clipRulesFor,
  huggingFaceClipRules,
  openClipBertRules,
  openClipCustomTextRules,
  openClipRules,
} from "./weights.js";
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

import {checkVitConfig, countVitParameters, vitSizes} from "@claps/backbones";
import type {VitConfig} from "@claps/backbones";
import {ConfigError, checkRange} from "@claps/core";
import {checkBertTextConfig, textBiomedBert} from "./bert-text-config.js";
import type {BertTextConfig} from "./bert-text-config.js";
import {clipPreprocess} from "./preprocess.js";
import type {ClipPreprocess} from "./preprocess.js";
import {checkClipPreprocess} from "./preprocess-check.js";
import {checkTextConfig, textBase, textTiny} from "./text-config.js";
import type {TextConfig} from "./text-config.js";

/** Plain data that describes a {@link Clip}; safe as JSON. */
export interface ClipConfig {
  /** The picture tower. */
  readonly vision: Readonly<VitConfig>;
  /** The text tower: CLIP's own, or a BERT with a projection. */
  readonly text: Readonly<TextConfig> | Readonly<BertTextConfig>;
  /** Numbers of a vector of the shared space. */
  readonly projectionWidth: number;
  /** First value of the natural logarithm of the scale of similarities. */
  readonly initialLogitScale: number;
  /** How pictures become pixels. */
  readonly preprocess: Readonly<ClipPreprocess>;
}

/** What a preset says of itself; pixels are OpenAI's, at the model's size. */
function preset(
  vision: VitConfig,
  text: Readonly<TextConfig> | Readonly<BertTextConfig>,
  preprocess: Partial<ClipPreprocess> = {},
): ClipConfig {
  return Object.freeze({
    vision: Object.freeze({...vision}),
    text: Object.freeze({...text}),
    projectionWidth: text.projectionWidth,
    initialLogitScale: 2.6592,
    preprocess: Object.freeze({...clipPreprocess, imageSize: vision.imageSize, ...preprocess}),
  });
}

const textLarge: TextConfig = {...textBase, width: 768, heads: 12, mlpWidth: 3072, projectionWidth: 768};

/** ViT-B/32 as published: 151 277 313 parameters. */
export const clipVitB32: ClipConfig = preset(vitSizes.base32, textBase);

/** ViT-B/16 as published: 149 620 737 parameters. */
export const clipVitB16: ClipConfig = preset(vitSizes.base16, textBase);

/** ViT-L/14 as published: 427 616 513 parameters. */
export const clipVitL14: ClipConfig = preset(vitSizes.large14, textLarge);

/** ViT-L/14 for pictures of 336 px as published: 427 944 193 parameters. */
export const clipVitL14At336: ClipConfig = preset(vitSizes.large14At336, textLarge);

/** ViT-B/16 with BiomedBERT, the shape of UniMed-CLIP: 195 903 489 parameters, 256 tokens. */
export const clipUniMedB16: ClipConfig = preset(vitSizes.base16, textBiomedBert, {cropRounding: "halfEven"});

/** Trains from nothing in hours: 128 px, patch 16, eight blocks of width 256; fits the library's vocabulary. */
export const clipSmall: ClipConfig = preset(
  {...vitSizes.base16, imageSize: 128, width: 256, depth: 8, heads: 8, mlpWidth: 1024},
  {...textTiny, width: 256, depth: 6, heads: 8, mlpWidth: 1024, projectionWidth: 256},
);

/** Trains from nothing on two cores: 96 px, patch 8, four blocks of width 96; fits the library's vocabulary. */
export const clipTiny: ClipConfig = preset(
  {...vitSizes.base16, imageSize: 96, patchSize: 8, width: 96, depth: 4, heads: 4, mlpWidth: 384},
  textTiny,
);

/**
 * Throws unless a configuration makes sense.
 *
 * @param config - The configuration.
 * @throws ConfigError naming the first setting that does not fit.
 */
export function checkClipConfig(config: ClipConfig): void {
  const {vision, text, projectionWidth, initialLogitScale, preprocess} = config;
  checkVitConfig(vision);
  if (text.kind === "bert") checkBertTextConfig(text);
  else checkTextConfig(text);
  checkRange(projectionWidth, {min: 1, integer: true}, "ClipConfig.projectionWidth");
  checkRange(initialLogitScale, {min: -100, max: 100}, "ClipConfig.initialLogitScale");
  checkClipPreprocess(preprocess);
  if (text.projectionWidth !== projectionWidth) {
    throw new ConfigError(
      `ClipConfig.text.projectionWidth: expected the width ${projectionWidth} of the shared space, got ${text.projectionWidth}.`,
    );
  }
  const {height, width} = preprocess.canvas ?? {height: preprocess.imageSize, width: preprocess.imageSize};
  const sides = [height, width];
  if (sides.some((side) => side % vision.patchSize !== 0)) {
    throw new ConfigError(
      `ClipConfig.preprocess: expected pictures whose sides are multiples of the patch size ${vision.patchSize}, got ${sides.join(" x ")}.`,
    );
  }
}

/** Weights and biases of a linear layer. */
function dense(inputs: number, outputs: number): number {
  return inputs * outputs + outputs;
}

/** Numbers of `depth` transformer blocks: attention, perceptron and two normalisations. */
function blocks(config: {width: number; mlpWidth: number; depth: number}): number {
  const {width, mlpWidth, depth} = config;
  return depth * (4 * dense(width, width) + dense(width, mlpWidth) + dense(mlpWidth, width) + 4 * width);
}

function countText(text: ClipConfig["text"]): number {
  if (text.kind !== "bert") {
    const tables = (text.vocabularySize + text.contextLength) * text.width;
    return tables + blocks(text) + 2 * text.width + text.width * text.projectionWidth;
  }
  const {encoder, projection, projectionWidth} = text;
  const {width, vocabularySize, contextLength, typeCount, hasPooler} = encoder;
  const tables = (vocabularySize + contextLength + typeCount) * width;
  const inner = Math.floor((width + projectionWidth) / 2);
  const projections = {mlp: inner * (width + projectionWidth), linear: width * projectionWidth, none: 0};
  const pooler = hasPooler ? dense(width, width) : 0;
  return tables + 2 * width + blocks(encoder) + pooler + projections[projection];
}

/**
 * How many numbers the weights of a model hold, from its configuration alone: nothing is allocated.
 *
 * @param config - The configuration.
 * @returns The same as `createClip(config, …).countParameters()`.
 * @throws ConfigError if the configuration makes no sense.
 * @example
 * ```ts
 * countClipParameters(clipVitB32); // 151277313
 * ```
 */
export function countClipParameters(config: ClipConfig): number {
  checkClipConfig(config);
  const {vision, text, projectionWidth} = config;
  return countVitParameters(vision) + vision.width * projectionWidth + countText(text) + 1;
}

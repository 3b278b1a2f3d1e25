import {checkRange, ConfigError} from "@claps/core";
import {vitDet, vitDetSizes} from "@claps/backbones";
import type {VitDetConfig} from "@claps/backbones";

/** Plain data that describes a {@link Sam}; safe as JSON. */
export interface SamConfig {
  /** Height and width of the picture that the model sees, px. */
  readonly imageSize: number;
  /** Width of prompts and of the image embedding. */
  readonly promptWidth: number;
  /** Channels inside the embedding of a mask prompt. */
  readonly maskChannels: number;
  /** Mean per channel of RGB in 0..255, subtracted from the pixels. */
  readonly pixelMean: readonly [number, number, number];
  /** Standard deviation per channel of RGB in 0..255, by which pixels are divided. */
  readonly pixelDeviation: readonly [number, number, number];
  /** The image encoder. */
  readonly encoder: Readonly<Omit<VitDetConfig, "imageSize" | "outputChannels">>;
  /** The mask decoder. */
  readonly decoder: SamDecoderConfig;
  /** A path for fine detail beside the encoder (our reading); left out means none, as in published models. */
  readonly detail?: SamDetailConfig;
}

/** Plain data that describes the path for what is thinner than a patch. */
export interface SamDetailConfig {
  /** Channels of its features. */
  readonly width: number;
  /** Model px per feature, and so per logit of the masks; divides a quarter of the patch size. */
  readonly stride: number;
  /** Convolutions of 3 px after the first one. */
  readonly depth: number;
}

/** Plain data that describes the mask decoder. */
export interface SamDecoderConfig {
  /** Number of two-way blocks. */
  readonly depth: number;
  /** Attention heads. */
  readonly heads: number;
  /** Hidden width of the perceptrons. */
  readonly mlpWidth: number;
  /** Factor by which attention between tokens and picture is narrower than the prompts. */
  readonly downsampling: number;
  /** Masks that are proposed when the prompt is ambiguous. */
  readonly proposals: number;
  /** Layers of the head that predicts IoU. */
  readonly iouDepth: number;
  /** Hidden width of that head. */
  readonly iouWidth: number;
  /**
   * Epsilon of the normalisations inside the two-way blocks: 1e-6 in Hugging Face's code, 1e-5 in the
   * original's.
   */
  readonly blockEpsilon: number;
}

const {mean, deviation} = vitDet.normalization;
const scaled = (values: readonly [number, number, number]): [number, number, number] => [
  values[0] * 255,
  values[1] * 255,
  values[2] * 255,
];

/** Pixel statistics that all published models use. */
const pixels = {pixelMean: scaled(mean), pixelDeviation: scaled(deviation)};

function freeze(config: SamConfig): SamConfig {
  Object.freeze(config.encoder);
  Object.freeze(config.decoder);
  return Object.freeze(config);
}

function published(size: "base" | "large" | "huge"): SamConfig {
  const {imageSize, outputChannels, ...encoder} = vitDetSizes[size];
  return freeze({
    imageSize,
    promptWidth: outputChannels,
    maskChannels: 16,
    ...pixels,
    encoder,
    decoder: {
      depth: 2,
      heads: 8,
      mlpWidth: 2048,
      downsampling: 2,
      proposals: 3,
      iouDepth: 3,
      iouWidth: 256,
      blockEpsilon: 1e-6,
    },
  });
}

function small(
  sizes: {imageSize: number; promptWidth: number; maskChannels: number},
  encoder: Pick<
    SamConfig["encoder"],
    "width" | "depth" | "heads" | "mlpWidth" | "windowSize" | "globalBlocks"
  >,
  decoder: Pick<SamDecoderConfig, "heads" | "mlpWidth" | "iouWidth">,
): SamConfig {
  return freeze({
    ...sizes,
    ...pixels,
    encoder: {...encoder, patchSize: 8, epsilon: 1e-6, qkvBias: true, relativePositions: true},
    decoder: {...decoder, depth: 2, downsampling: 2, proposals: 3, iouDepth: 3, blockEpsilon: 1e-6},
  });
}

/** Trains from nothing on two cores: 256 px, patch 8, four blocks of width 96. */
export const samTiny: SamConfig = small(
  {imageSize: 256, promptWidth: 64, maskChannels: 16},
  {width: 96, depth: 4, heads: 4, mlpWidth: 384, windowSize: 8, globalBlocks: [1, 3]},
  {heads: 4, mlpWidth: 256, iouWidth: 64},
);

/** The smallest that has every part: 64 px, for tests on any engine. */
export const samMicro: SamConfig = small(
  {imageSize: 64, promptWidth: 16, maskChannels: 8},
  {width: 16, depth: 2, heads: 2, mlpWidth: 32, windowSize: 3, globalBlocks: [1]},
  {heads: 2, mlpWidth: 24, iouWidth: 12},
);

/** ViT-B as published: 93 735 472 parameters and 256 fixed frequencies. */
export const samBase: SamConfig = published("base");

/** ViT-L as published: 312 342 832 parameters and 256 fixed frequencies. */
export const samLarge: SamConfig = published("large");

/** ViT-H as published: 641 090 608 parameters and 256 fixed frequencies. */
export const samHuge: SamConfig = published("huge");

/**
 * The configuration of the image encoder alone.
 *
 * @param config - The whole model's.
 * @returns What {@link vitDet} takes.
 */
export function encoderConfig(config: SamConfig): VitDetConfig {
  return {...config.encoder, imageSize: config.imageSize, outputChannels: config.promptWidth};
}

/**
 * Height and width of the image embedding, cells.
 *
 * @param config - The whole model's.
 */
export function gridSize(config: SamConfig): number {
  return config.imageSize / config.encoder.patchSize;
}

/**
 * Model px per logit of the masks: a quarter of a patch, or finer with a path for detail.
 *
 * @param config - The whole model's.
 */
export function maskStride({detail, encoder}: SamConfig): number {
  return detail?.stride ?? encoder.patchSize / 4;
}

/**
 * Throws unless the numbers of the prompt encoder and the decoder fit together.
 *
 * @param config - The whole model's configuration; the encoder checks its own part.
 * @throws ConfigError naming the first number that does not fit.
 */
export function checkSamConfig(config: SamConfig): void {
  const {promptWidth, maskChannels, decoder, detail} = config;
  const whole = {min: 1, integer: true};
  checkRange(promptWidth, whole, "SamConfig.promptWidth");
  checkRange(maskChannels, whole, "SamConfig.maskChannels");
  for (const key of ["depth", "heads", "mlpWidth", "downsampling", "proposals", "iouWidth"] as const) {
    checkRange(decoder[key], whole, `SamConfig.decoder.${key}`);
  }
  checkRange(decoder.iouDepth, {min: 2, integer: true}, "SamConfig.decoder.iouDepth");
  if (detail !== undefined) {
    checkRange(detail.width, whole, "SamConfig.detail.width");
    checkRange(detail.stride, whole, "SamConfig.detail.stride");
    checkRange(detail.depth, {min: 0, integer: true}, "SamConfig.detail.depth");
  }
  const multiples: (readonly [string, number, number])[] = [
    ["promptWidth (the two upscaling steps)", promptWidth, 8],
    [
      "promptWidth (decoder.heads times decoder.downsampling)",
      promptWidth,
      decoder.heads * decoder.downsampling,
    ],
    ["maskChannels", maskChannels, 4],
    ...(detail === undefined
      ? []
      : ([
          ["encoder.patchSize (four times detail.stride)", config.encoder.patchSize, 4 * detail.stride],
        ] as const)),
  ];
  for (const [name, value, divisor] of multiples) {
    if (value % divisor !== 0) {
      throw new ConfigError(`SamConfig.${name}: expected a multiple of ${divisor}, got ${value}.`);
    }
  }
}

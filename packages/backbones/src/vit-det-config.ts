import {checkRange, ConfigError} from "@claps/core";

/** Plain data that describes a {@link VitDet}. */
export interface VitDetConfig {
  /** Height and width of the picture, px. */
  imageSize: number;
  /** Edge of a patch, px. */
  patchSize: number;
  /** Width of a token. */
  width: number;
  /** Number of blocks. */
  depth: number;
  /** Attention heads per block. */
  heads: number;
  /** Hidden width of the perceptrons. */
  mlpWidth: number;
  /** Edge of the attention windows, cells. */
  windowSize: number;
  /** Blocks, counted from 0, whose attention sees the whole picture. */
  globalBlocks: readonly number[];
  /** Channels of the grid that comes out. */
  outputChannels: number;
  /** Epsilon of all layer normalisations. */
  epsilon: number;
  /** Whether the projection to queries, keys and values has a bias. */
  qkvBias: boolean;
  /** Whether attention knows relative positions. */
  relativePositions: boolean;
}

/**
 * Throws unless the numbers of a configuration fit together.
 *
 * @param config - The configuration.
 * @throws ConfigError naming the first that does not.
 */
export function checkVitDetConfig(config: VitDetConfig): void {
  const {imageSize, patchSize, width, heads, depth, globalBlocks} = config;
  const whole = {min: 1, integer: true};
  for (const key of [
    "imageSize",
    "patchSize",
    "width",
    "depth",
    "heads",
    "mlpWidth",
    "windowSize",
    "outputChannels",
  ] as const) {
    checkRange(config[key], whole, `VitDetConfig.${key}`);
  }
  for (const block of globalBlocks) {
    checkRange(block, {min: 0, max: depth - 1, integer: true}, "VitDetConfig.globalBlocks");
  }
  if (imageSize % patchSize !== 0) {
    throw new ConfigError(
      `VitDetConfig: expected an imageSize that is a multiple of patchSize ${patchSize}, got ${imageSize}.`,
    );
  }
  if (width % heads !== 0) {
    throw new ConfigError(`VitDetConfig: expected heads that divide the width ${width}, got ${heads}.`);
  }
}

const published = {
  imageSize: 1024,
  patchSize: 16,
  windowSize: 14,
  outputChannels: 256,
  epsilon: 1e-6,
  qkvBias: true,
  relativePositions: true,
} as const;

/**
 * Named sizes: `tiny` for tests, the others as published with Segment Anything.
 *
 * Source: the model registry of the original code (ViT-B, ViT-L, ViT-H).
 */
export const vitDetSizes = {
  tiny: {
    imageSize: 40,
    patchSize: 8,
    width: 16,
    depth: 2,
    heads: 2,
    mlpWidth: 24,
    windowSize: 3,
    globalBlocks: [1],
    outputChannels: 8,
    epsilon: 1e-6,
    qkvBias: true,
    relativePositions: true,
  },
  base: {...published, width: 768, depth: 12, heads: 12, mlpWidth: 3072, globalBlocks: [2, 5, 8, 11]},
  large: {...published, width: 1024, depth: 24, heads: 16, mlpWidth: 4096, globalBlocks: [5, 11, 17, 23]},
  huge: {...published, width: 1280, depth: 32, heads: 16, mlpWidth: 5120, globalBlocks: [7, 15, 23, 31]},
} as const satisfies Record<string, VitDetConfig>;

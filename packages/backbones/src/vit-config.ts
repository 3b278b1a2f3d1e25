import {checkRange, ConfigError} from "@claps/core";
import {countStemParameters} from "./residual-stem.js";

/** Plain data that describes a {@link Vit}. */
export interface VitConfig {
  /** Height and width of the picture that the positions are learned for, px. */
  readonly imageSize: number;
  /** Edge of a patch, px. */
  readonly patchSize: number;
  /** Width of a token. */
  readonly width: number;
  /** Number of blocks. */
  readonly depth: number;
  /** Attention heads per block; divides the width. */
  readonly heads: number;
  /** Width inside the perceptrons. */
  readonly mlpWidth: number;
  /** Function inside the perceptrons. */
  readonly activation: "quickGelu" | "gelu";
  /** Epsilon of all layer normalisations. */
  readonly epsilon: number;
  /**
   * How patches become tokens. `linear`: one matrix, as published. `residual`: residual convolutions of stride 2
   * down to the patch, from which a small model learns local signs in minutes (our reading). Left out means
   * `linear`.
   */
  readonly stem?: "linear" | "residual";
  /** Standard deviation of the first positions; left out means width ** -0.5, as CLIP's. */
  readonly positionDeviation?: number;
}

/**
 * Throws unless the numbers of a configuration fit together.
 *
 * @param config - The configuration.
 * @throws ConfigError naming the first that does not.
 */
export function checkVitConfig(config: Readonly<VitConfig>): void {
  const {imageSize, patchSize, width, heads, activation, epsilon, stem, positionDeviation} = config;
  for (const key of ["imageSize", "patchSize", "width", "depth", "heads", "mlpWidth"] as const) {
    checkRange(config[key], {min: 1, integer: true}, `VitConfig.${key}`);
  }
  checkRange(epsilon, {min: 0}, "VitConfig.epsilon");
  if (positionDeviation !== undefined) checkRange(positionDeviation, {min: 0}, "VitConfig.positionDeviation");
  if (imageSize % patchSize !== 0) {
    throw new ConfigError(
      `VitConfig.imageSize: expected a multiple of the patch size ${patchSize}, got ${imageSize}.`,
    );
  }
  if (width % heads !== 0) {
    throw new ConfigError(`VitConfig.heads: expected a divisor of the width ${width}, got ${heads}.`);
  }
  const oneOf = (name: string, value: string, known: readonly string[]): void => {
    if (!known.includes(value)) {
      throw new ConfigError(
        `VitConfig.${name}: expected ${known.join(" or ")}, got ${JSON.stringify(value)}.`,
      );
    }
  };
  oneOf("activation", activation, ["quickGelu", "gelu"]);
  oneOf("stem", stem ?? "linear", ["linear", "residual"]);
  if (stem === "residual" && (patchSize < 2 || !Number.isInteger(Math.log2(patchSize)))) {
    throw new ConfigError(
      `VitConfig.patchSize: expected a power of two with the residual stem, got ${patchSize}.`,
    );
  }
}

/**
 * How many numbers the weights of a {@link Vit} hold, from its configuration alone: nothing is allocated.
 *
 * @param config - The configuration.
 * @returns The same as `countParameters` of the Block.
 * @throws ConfigError if the numbers do not fit together.
 */
export function countVitParameters(config: Readonly<VitConfig>): number {
  checkVitConfig(config);
  const {imageSize, patchSize, width, depth, mlpWidth, stem} = config;
  const patches = stem === "residual" ? countStemParameters(config) : patchSize * patchSize * 3 * width;
  const places = 1 + (imageSize / patchSize) ** 2;
  const attention = 4 * (width * width + width);
  const perceptron = 2 * width * mlpWidth + mlpWidth + width;
  // Two normalisations per block, one before the first and one after the last.
  return width + places * width + patches + depth * (attention + perceptron + 4 * width) + 4 * width;
}

const published = {imageSize: 224, activation: "quickGelu", epsilon: 1e-5} as const;
const base = {...published, width: 768, depth: 12, heads: 12, mlpWidth: 3072} as const;
const large = {...published, patchSize: 14, width: 1024, depth: 24, heads: 16, mlpWidth: 4096} as const;

/**
 * Named sizes: `tiny` for tests, the others as published with CLIP.
 *
 * Source: Radford et al. 2021, table 20; 85 799 424 parameters for `base16`.
 */
export const vitSizes = {
  tiny: {...published, imageSize: 24, patchSize: 8, width: 16, depth: 2, heads: 2, mlpWidth: 24},
  base32: {...base, patchSize: 32},
  base16: {...base, patchSize: 16},
  large14: large,
  large14At336: {...large, imageSize: 336},
} as const satisfies Record<string, VitConfig>;

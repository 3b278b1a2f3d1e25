import type {Random} from "@claps/core";
import type {Block} from "@claps/layers";
import type * as tf from "@tensorflow/tfjs-core";

/** An image encoder: pictures in, one or more grids out, finest first. */
export interface BackboneBlock extends Block {
  /**
   * Shapes: pixels [N, H, W, 3], normalised; returns grids [N, h, w, C].
   */
  forward(pixels: tf.Tensor): tf.Tensor4D[];
}

/** Mean and standard deviation per channel, for pixels in 0..1. */
export interface PixelNormalization {
  /** Subtracted, per channel of RGB. */
  readonly mean: readonly [number, number, number];
  /** Divided by, per channel of RGB. */
  readonly deviation: readonly [number, number, number];
}

/** What every backbone declares about itself. */
export interface Backbone<C extends object, B extends BackboneBlock = BackboneBlock> {
  /** Name, unique among the backbones. */
  readonly id: string;
  /** Named configurations; `tiny` is small enough for tests. */
  readonly sizes: Readonly<Record<string, C>> & {readonly tiny: C};
  /** Makes an encoder with first values drawn at random. */
  readonly build: (config: C, options: {random: Random}) => B;
  /** Height and width of the pictures it takes, px. */
  readonly imageSize: (config: C) => number;
  /** Pixels per cell of each grid. */
  readonly strides: (config: C) => readonly number[];
  /** Channels of each grid. */
  readonly channels: (config: C) => readonly number[];
  /** How pixels are scaled before they go in. */
  readonly normalization: PixelNormalization;
}

/**
 * Declares a backbone; the default export of its file.
 *
 * @param backbone - Its name, sizes, builder and what comes out.
 * @returns The same, frozen.
 * @example
 * ```ts
 * export default defineBackbone({id: "vit-det", sizes, build: (config, options) => new VitDet(config, options), ...});
 * ```
 */
export function defineBackbone<C extends object, B extends BackboneBlock>(
  backbone: Backbone<C, B>,
): Backbone<C, B> {
  return Object.freeze(backbone);
}

import {checkShape, ShapeError} from "@claps/core";
import {
  Block,
  broadcast,
  checkpoint,
  LayerNorm,
  normal,
  PatchEmbedding,
  resize,
  TransformerBlock,
} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {defineBackbone} from "./define-backbone.js";
import {ResidualStem} from "./residual-stem.js";
import {checkVitConfig, vitSizes} from "./vit-config.js";
import type {VitConfig} from "./vit-config.js";

/** Options of {@link Vit.forward}, {@link Vit.features} and {@link Vit.hiddenStates}. */
export interface VitCall {
  /** Whether blocks are computed a second time in the backward pass instead of being kept; default false. */
  checkpoint?: boolean;
}

/** What {@link Vit.features} says about pictures. */
export interface VitFeatures {
  /** Class token and patches after the last block [N, 1 + h·w, D], not normalised. */
  tokens: tf.Tensor3D;
  /** Patches on their grid after the last normalisation [N, h, w, D]. */
  grid: tf.Tensor4D;
  /** The class token after the last normalisation [N, D]. */
  pooled: tf.Tensor2D;
}

/** Height and width of a grid of patches, cells. */
interface Grid {
  height: number;
  width: number;
}

/**
 * The vision transformer of CLIP: a class token, normalisation before the first block and after the last.
 *
 * Shapes: pixels [N, H, W, 3] → [N, H/p, W/p, D]. Positions of other sizes than the configured one are interpolated.
 * Weights as in Hugging Face's `vision_model`.
 *
 * @example
 * ```ts
 * const encoder = new Vit(vitSizes.tiny, {random: createRandom(1)});
 * const [grid] = encoder.forward(tf.zeros([1, 24, 24, 3])); // [1, 3, 3, 16]
 * ```
 *
 * Source: Dosovitskiy et al. 2021; Radford et al. 2021, section 2.4. Outputs equal those of Hugging Face's CLIPModel.
 */
export class Vit extends Block {
  /** The configuration. */
  readonly config: Readonly<VitConfig>;
  /** The token that gathers the whole picture [D]. */
  readonly classEmbedding: tf.Variable;
  /** Patches to tokens. */
  readonly patchEmbedding: PatchEmbedding | ResidualStem;
  /** Positions [1 + h·w, D], the class token's first. */
  readonly positions: tf.Variable;
  /** Normalisation before the first block. */
  readonly preNorm: LayerNorm;
  /** The blocks in order. */
  readonly layers: TransformerBlock[];
  /** Normalisation after the last block. */
  readonly postNorm: LayerNorm;

  /**
   * @param config - Sizes; see {@link vitSizes}.
   * @param options - Source of the first values.
   * @throws ConfigError if the numbers do not fit together.
   */
  constructor(config: Readonly<VitConfig>, options: RandomOptions) {
    super();
    checkVitConfig(config);
    this.config = config;
    const {imageSize, patchSize, width, depth, epsilon} = config;
    const {random} = options;
    const deviation = width ** -0.5;
    const places = 1 + (imageSize / patchSize) ** 2;
    this.classEmbedding = this.addVariable(
      "embeddings.class_embedding",
      [width],
      normal(random.fork("class_embedding"), deviation),
    );
    this.positions = this.addVariable(
      "embeddings.position_embedding.weight",
      [places, width],
      normal(random.fork("position_embedding"), config.positionDeviation ?? deviation),
    );
    const source = {random: random.fork("patch_embedding")};
    this.patchEmbedding =
      config.stem === "residual"
        ? this.addBlock("embeddings.stem", new ResidualStem(config, source))
        : this.addBlock(
            "embeddings.patch_embedding",
            new PatchEmbedding({patchSize, width, bias: false}, source),
          );
    // The published name has this spelling.
    this.preNorm = this.addBlock("pre_layrnorm", new LayerNorm(width, {epsilon}));
    this.layers = this.addBlocks(
      "encoder.layers",
      Array.from(
        {length: depth},
        (_, index) => new TransformerBlock(config, {random: random.fork(`layers.${index}`)}),
      ),
    );
    this.postNorm = this.addBlock("post_layernorm", new LayerNorm(width, {epsilon}));
  }

  /**
   * Positions for a grid of patches: the learned ones, or interpolated from them.
   *
   * @param grid - Height and width of the grid, cells.
   * @returns [1, 1 + h·w, D]; the caller disposes it.
   *
   * Source: `interpolate_pos_encoding` of Hugging Face transformers: bicubic, half-pixel centres, not antialiased.
   */
  positionsFor(grid: {height: number; width: number}): tf.Tensor3D {
    const {imageSize, patchSize, width} = this.config;
    const side = imageSize / patchSize;
    const {height, width: columns} = grid;
    const table: tf.Tensor2D = this.positions as tf.Tensor as tf.Tensor2D;
    if (height === side && columns === side) return tf.expandDims(table, 0);
    return tf.tidy(() => {
      const own = tf.slice(table, [0, 0], [1, width]);
      const square = tf.reshape(tf.slice(table, [1, 0], [side * side, width]), [1, side, side, width]);
      const resized = resize(square, {height, width: columns}, {mode: "bicubic"});
      const rows: tf.Tensor2D = tf.reshape(resized, [height * columns, width]);
      return tf.expandDims<tf.Tensor3D>(tf.concat([own, rows], 0), 0);
    });
  }

  #embed(pixels: tf.Tensor): {tokens: tf.Tensor3D; grid: Grid} {
    checkShape(pixels.shape, [null, null, null, 3], "pixels of the vision transformer [N, H, W, 3]");
    const {patchSize, width} = this.config;
    const [images, imageHeight, imageWidth] = pixels.shape as [number, number, number];
    if ([imageHeight, imageWidth].some((side) => side < patchSize || side % patchSize !== 0)) {
      throw new ShapeError(
        `Vit: expected pictures whose sides are multiples of the patch size ${patchSize}, got ${imageHeight} x ${imageWidth}; resize or crop them first.`,
      );
    }
    const patches = this.patchEmbedding.forward(pixels);
    const [, height, columns] = patches.shape;
    const own = broadcast(tf.reshape(this.classEmbedding, [1, 1, width]), [images, 1, width]) as tf.Tensor3D;
    const rows: tf.Tensor3D = tf.reshape(patches, [images, height * columns, width]);
    const grid = {height, width: columns};
    const placed = tf.add(tf.concat([own, rows], 1), this.positionsFor(grid));
    return {tokens: this.preNorm.forward(placed) as tf.Tensor3D, grid};
  }

  #states(pixels: tf.Tensor, call: VitCall): {states: tf.Tensor3D[]; grid: Grid} {
    const {tokens, grid} = this.#embed(pixels);
    const states = [tokens];
    for (const layer of this.layers) {
      states.push(runLayer(layer, states.at(-1) as tf.Tensor3D, call.checkpoint ?? false));
    }
    return {states, grid};
  }

  /**
   * The tokens before the first block and after each one; the class token first.
   *
   * @param pixels - Normalised pictures [N, H, W, 3]; sides are multiples of the patch size.
   * @param call - Whether to recompute blocks.
   * @returns depth + 1 tensors [N, 1 + h·w, D]; the caller disposes them.
   * @throws ShapeError if the pictures have another rank or sides that are no multiples of the patch size.
   */
  hiddenStates(pixels: tf.Tensor, call: VitCall = {}): tf.Tensor3D[] {
    return tf.tidy(() => this.#states(pixels, call).states);
  }

  /**
   * Tokens, grid and the vector of the class token; differentiable.
   *
   * @param pixels - Normalised pictures [N, H, W, 3]; sides are multiples of the patch size.
   * @param call - Whether to recompute blocks.
   * @returns The features; the caller disposes them.
   * @throws ShapeError as `hiddenStates`.
   */
  features(pixels: tf.Tensor, call: VitCall = {}): VitFeatures {
    return tf.tidy(() => {
      const {states, grid} = this.#states(pixels, call);
      const tokens = states.at(-1) as tf.Tensor3D;
      const [images, count, width] = tokens.shape;
      const own = tf.reshape(tf.slice(tokens, [0, 0, 0], [images, 1, width]), [images, width]);
      const patches = this.postNorm.forward(tf.slice(tokens, [0, 1, 0], [images, count - 1, width]));
      return {
        tokens,
        grid: tf.reshape<tf.Rank.R4>(patches, [images, grid.height, grid.width, width]),
        pooled: this.postNorm.forward(own) as tf.Tensor2D,
      };
    });
  }

  /**
   * @param pixels - Normalised pictures [N, H, W, 3]; sides are multiples of the patch size.
   * @param call - Whether to recompute blocks.
   * @returns One grid: the patches after the last normalisation; the caller disposes it.
   * @throws ShapeError as `hiddenStates`.
   */
  override forward(pixels: tf.Tensor, call: VitCall = {}): tf.Tensor4D[] {
    return tf.tidy(() => [this.features(pixels, call).grid]);
  }
}

function runLayer(layer: TransformerBlock, tokens: tf.Tensor3D, recompute: boolean): tf.Tensor3D {
  if (!recompute) return layer.forward(tokens) as tf.Tensor3D;
  const run = (...inputs: tf.Tensor[]): tf.Tensor => layer.forward(inputs[0] as tf.Tensor);
  return checkpoint(run, [tokens], layer.trainableVariables()) as tf.Tensor3D;
}

/** The backbone of CLIP; see {@link Vit}. */
export const vit = defineBackbone<VitConfig, Vit>({
  id: "vit",
  sizes: vitSizes,
  build: (config, options) => new Vit(config, options),
  imageSize: (config) => config.imageSize,
  strides: (config) => [config.patchSize],
  channels: (config) => [config.width],
  normalization: {
    mean: [0.48145466, 0.4578275, 0.40821073],
    deviation: [0.26862954, 0.26130258, 0.27577711],
  },
});

export default vit;

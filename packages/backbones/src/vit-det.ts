import {checkShape} from "@claps/core";
import {Block, checkpoint, Conv2d, LayerNorm, PatchEmbedding, truncatedNormal} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {defineBackbone} from "./define-backbone.js";
import {VitDetBlock} from "./vit-det-block.js";
import {checkVitDetConfig, vitDetSizes} from "./vit-det-config.js";
import type {VitDetConfig} from "./vit-det-config.js";

/** Options of {@link VitDet.forward}. */
export interface VitDetCall {
  /** Whether the hidden states follow the grid: the input of the first block, then every block's output. */
  hidden?: boolean;
  /** Whether blocks are computed a second time in the backward pass instead of being kept. */
  checkpoint?: boolean;
}

/**
 * The image encoder of Segment Anything: a plain vision transformer with attention in windows, a few
 * global blocks, and a neck of two convolutions.
 *
 * Shapes: pixels [N, S, S, 3] → [N, S/p, S/p, outputChannels]. Weights as in Hugging Face's `vision_encoder`.
 *
 * @example
 * ```ts
 * const encoder = new VitDet(vitDetSizes.tiny, {random: createRandom(1)});
 * const [grid] = encoder.forward(tf.zeros([1, 40, 40, 3])); // [1, 5, 5, 8]
 * ```
 *
 * Source: Li et al. 2022 (ViTDet); Kirillov et al. 2023, appendix A.
 */
export class VitDet extends Block {
  /** The configuration. */
  readonly config: VitDetConfig;
  /** Patches to tokens. */
  readonly patchEmbedding: PatchEmbedding;
  /** Absolute positions [1, h, w, D]. */
  readonly positions: tf.Variable;
  /** The blocks in order. */
  readonly blocks: VitDetBlock[];
  /** First convolution of the neck, 1 px. */
  readonly neckProjection: Conv2d;
  /** Normalisation after it. */
  readonly neckFirstNorm: LayerNorm;
  /** Second convolution of the neck, 3 px. */
  readonly neckConvolution: Conv2d;
  /** Normalisation after it. */
  readonly neckSecondNorm: LayerNorm;

  /**
   * @param config - Sizes; see {@link vitDetSizes}.
   * @param options - Source of the first values.
   * @throws ConfigError if the numbers do not fit together.
   */
  constructor(config: VitDetConfig, options: RandomOptions) {
    super();
    checkVitDetConfig(config);
    this.config = config;
    const {imageSize, patchSize, width, depth, windowSize, globalBlocks, outputChannels, epsilon} = config;
    const {random} = options;
    const grid = imageSize / patchSize;
    this.positions = this.addVariable(
      "pos_embed",
      [1, grid, grid, width],
      truncatedNormal(random.fork("pos_embed"), 0.02),
    );
    this.patchEmbedding = this.addBlock(
      "patch_embed.projection",
      new PatchEmbedding({patchSize, width}, {random: random.fork("patch_embed")}),
    );
    this.blocks = this.addBlocks(
      "layers",
      Array.from({length: depth}, (_, index) => {
        const size = globalBlocks.includes(index) ? 0 : windowSize;
        return new VitDetBlock(config, {windowSize: size, random: random.fork(`layers.${index}`)});
      }),
    );
    this.neckProjection = this.addBlock(
      "neck.conv1",
      new Conv2d(
        {inputs: width, outputs: outputChannels, kernel: 1, bias: false},
        {random: random.fork("neck.conv1")},
      ),
    );
    this.neckFirstNorm = this.addBlock("neck.layer_norm1", new LayerNorm(outputChannels, {epsilon}));
    this.neckConvolution = this.addBlock(
      "neck.conv2",
      new Conv2d(
        {inputs: outputChannels, outputs: outputChannels, kernel: 3, padding: 1, bias: false},
        {random: random.fork("neck.conv2")},
      ),
    );
    this.neckSecondNorm = this.addBlock("neck.layer_norm2", new LayerNorm(outputChannels, {epsilon}));
  }

  /**
   * @param pixels - Normalised pictures [N, S, S, 3], S the configured size.
   * @param call - Whether to return hidden states, whether to recompute blocks.
   * @returns The grid, and after it the hidden states if asked for; the caller disposes them.
   * @throws ShapeError if the pictures have another size.
   */
  override forward(pixels: tf.Tensor, call: VitDetCall = {}): tf.Tensor4D[] {
    const {imageSize} = this.config;
    checkShape(pixels.shape, [null, imageSize, imageSize, 3], "pixels of the image encoder [N, S, S, 3]");
    return tf.tidy(() => {
      let tokens: tf.Tensor4D = tf.add(this.patchEmbedding.forward(pixels), this.positions);
      const hidden = [tokens];
      for (const block of this.blocks) {
        tokens = runBlock(block, tokens, call.checkpoint ?? false);
        if (call.hidden === true) {
          hidden.push(tokens);
        }
      }
      const projected = this.neckFirstNorm.forward(this.neckProjection.forward(tokens));
      const grid = this.neckSecondNorm.forward(this.neckConvolution.forward(projected)) as tf.Tensor4D;
      return call.hidden === true ? [grid, ...hidden] : [grid];
    });
  }
}

function runBlock(block: VitDetBlock, tokens: tf.Tensor4D, recompute: boolean): tf.Tensor4D {
  if (!recompute) {
    return block.forward(tokens);
  }
  const run = (...inputs: tf.Tensor[]): tf.Tensor => block.forward(inputs[0] as tf.Tensor);
  return checkpoint(run, [tokens], block.trainableVariables()) as tf.Tensor4D;
}

/** The backbone of Segment Anything; see {@link VitDet}. */
export const vitDet = defineBackbone<VitDetConfig, VitDet>({
  id: "vit-det",
  sizes: vitDetSizes,
  build: (config, options) => new VitDet(config, options),
  imageSize: (config) => config.imageSize,
  strides: (config) => [config.patchSize],
  channels: (config) => [config.outputChannels],
  normalization: {mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225]},
});

export default vitDet;

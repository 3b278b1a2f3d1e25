import {Block, Conv2d, gelu, LayerNorm} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import type * as tf from "@tensorflow/tfjs-core";

/**
 * Turns a mask prompt into a grid to be added to the image embedding.
 *
 * Shapes: masks [B, 4h, 4w, 1] → [B, h, w, D].
 *
 * Source: the prompt encoder of Segment Anything.
 */
export class MaskEmbedding extends Block {
  /** First step down, 2 px. */
  readonly firstConvolution: Conv2d;
  /** Normalisation after it. */
  readonly firstNorm: LayerNorm;
  /** Second step down, 2 px. */
  readonly secondConvolution: Conv2d;
  /** Normalisation after it. */
  readonly secondNorm: LayerNorm;
  /** Last convolution, 1 px. */
  readonly projection: Conv2d;

  /**
   * @param config - Inner channels (a multiple of 4) and width D.
   * @param options - Source of the first values.
   */
  constructor(config: {channels: number; width: number}, options: RandomOptions) {
    super();
    const {channels, width} = config;
    const add = (name: string, inputs: number, outputs: number, kernel: number): Conv2d =>
      this.addBlock(
        name,
        new Conv2d({inputs, outputs, kernel, stride: kernel}, {random: options.random.fork(name)}),
      );
    this.firstConvolution = add("conv1", 1, channels / 4, 2);
    this.secondConvolution = add("conv2", channels / 4, channels, 2);
    this.projection = add("conv3", channels, width, 1);
    this.firstNorm = this.addBlock("layer_norm1", new LayerNorm(channels / 4, {epsilon: 1e-6}));
    this.secondNorm = this.addBlock("layer_norm2", new LayerNorm(channels, {epsilon: 1e-6}));
  }

  /**
   * @param masks - Mask logits [B, 4h, 4w, 1].
   * @returns Grids [B, h, w, D]; the caller disposes them.
   */
  override forward(masks: tf.Tensor): tf.Tensor4D {
    const half = gelu(this.firstNorm.forward(this.firstConvolution.forward(masks)));
    const quarter = gelu(this.secondNorm.forward(this.secondConvolution.forward(half)));
    return this.projection.forward(quarter);
  }
}

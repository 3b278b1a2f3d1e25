import type * as tf from "@tensorflow/tfjs-core";
import {Block} from "./block.js";
import {fanInUniform} from "./initializers.js";
import {conv2d} from "./ops/conv2d.js";
import type {RandomOptions} from "./random-options.js";

/** Shape of a patch embedding, for {@link PatchEmbedding}. */
export interface PatchEmbeddingConfig {
  /** Edge of a patch, px. */
  patchSize: number;
  /** Channels of the picture; default 3. */
  channels?: number;
  /** Width of the token that a patch becomes. */
  width: number;
  /** Whether there is a bias; default true. */
  bias?: boolean;
}

/**
 * Turns each square patch of a picture into one token.
 *
 * Shapes: [N, H, W, C] → [N, H/p, W/p, D]; weights `weight` [p, p, C, D] and `bias` [D].
 *
 * Source: Dosovitskiy et al. 2021, equation 1.
 */
export class PatchEmbedding extends Block {
  /** Kernel [p, p, C, D], as of a convolution whose stride is its size. */
  readonly weight: tf.Variable;
  /** Offset [D], if there is one. */
  readonly bias: tf.Variable | undefined;
  /** Shape of the embedding. */
  readonly config: PatchEmbeddingConfig;

  /**
   * @param config - Patch size, channels, width.
   * @param options - Source of the first values.
   */
  constructor(config: PatchEmbeddingConfig, options: RandomOptions) {
    super();
    this.config = config;
    const {patchSize, channels = 3, width} = config;
    const shape = [patchSize, patchSize, channels, width];
    this.weight = this.addVariable("weight", shape, fanInUniform(options.random.fork("weight")));
    if (config.bias ?? true) {
      const fan = patchSize * patchSize * channels;
      this.bias = this.addVariable("bias", [width], fanInUniform(options.random.fork("bias"), fan));
    }
  }

  /**
   * @param pixels - Pictures [N, H, W, C]; H and W multiples of the patch.
   * @returns Tokens on their grid [N, H/p, W/p, D]; the caller disposes them.
   * @throws ShapeError if a side is no multiple of the patch.
   */
  override forward(pixels: tf.Tensor): tf.Tensor4D {
    return conv2d(pixels, this.weight, {bias: this.bias, stride: this.config.patchSize});
  }
}

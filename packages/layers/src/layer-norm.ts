import type * as tf from "@tensorflow/tfjs-core";
import {Block} from "./block.js";
import {ones, zeros} from "./initializers.js";
import {layerNorm} from "./ops/layer-norm.js";

/** Options of {@link LayerNorm}. */
export interface LayerNormOptions {
  /** Added to the variance; published models use 1e-5 or 1e-6, so it must be said. */
  epsilon: number;
}

/**
 * Layer normalisation of the last axis; on channels-last grids the same as "LayerNorm2d".
 *
 * Shapes: [..., C] → [..., C]; weights `weight` [C] and `bias` [C].
 */
export class LayerNorm extends Block {
  /** Scale per channel. */
  readonly weight: tf.Variable;
  /** Offset per channel. */
  readonly bias: tf.Variable;
  /** Added to the variance. */
  readonly epsilon: number;

  /**
   * @param width - Number of channels.
   * @param options - The epsilon.
   */
  constructor(width: number, options: LayerNormOptions) {
    super();
    this.epsilon = options.epsilon;
    this.weight = this.addVariable("weight", [width], ones());
    this.bias = this.addVariable("bias", [width], zeros());
  }

  /**
   * @param x - Tensor [..., C].
   * @returns The normalised tensor; the caller disposes it.
   */
  override forward(x: tf.Tensor): tf.Tensor {
    return layerNorm(x, this.weight, this.bias, this.epsilon);
  }
}

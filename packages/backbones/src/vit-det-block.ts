import {Block, LayerNorm, Mlp} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {VitDetAttention} from "./vit-det-attention.js";
import type {VitDetConfig} from "./vit-det-config.js";
import {windowPartition, windowUnpartition} from "./window-partition.js";

/**
 * One transformer block of {@link VitDet}: attention in windows or over the whole grid, then a perceptron.
 *
 * Shapes: [N, h, w, D] → [N, h, w, D].
 */
export class VitDetBlock extends Block {
  /** Normalisation before the attention. */
  readonly firstNorm: LayerNorm;
  /** The attention. */
  readonly attention: VitDetAttention;
  /** Normalisation before the perceptron. */
  readonly secondNorm: LayerNorm;
  /** The perceptron. */
  readonly mlp: Mlp;
  /** Edge of the windows, cells; 0 means the whole grid. */
  readonly windowSize: number;

  /**
   * @param config - Configuration of the encoder.
   * @param options - Source of the first values; edge of the windows in cells, 0 for the whole grid.
   */
  constructor(config: VitDetConfig, options: RandomOptions & {windowSize: number}) {
    super();
    const {width, heads, mlpWidth, epsilon, qkvBias, relativePositions} = config;
    const {random, windowSize} = options;
    this.windowSize = windowSize;
    const size = windowSize === 0 ? config.imageSize / config.patchSize : windowSize;
    this.firstNorm = this.addBlock("layer_norm1", new LayerNorm(width, {epsilon}));
    this.attention = this.addBlock(
      "attn",
      new VitDetAttention({width, heads, size, qkvBias, relativePositions}, {random: random.fork("attn")}),
    );
    this.secondNorm = this.addBlock("layer_norm2", new LayerNorm(width, {epsilon}));
    this.mlp = this.addBlock(
      "mlp",
      new Mlp({width, hidden: mlpWidth, activation: "gelu"}, {random: random.fork("mlp")}),
    );
  }

  /**
   * @param x - Tokens on their grid [N, h, w, D].
   * @returns Tokens of the same shape; the caller disposes them.
   */
  override forward(x: tf.Tensor): tf.Tensor4D {
    return tf.tidy(() => {
      const attended = tf.add(x, this.#attend(this.firstNorm.forward(x)));
      return tf.add(attended, this.mlp.forward(this.secondNorm.forward(attended)));
    });
  }

  #attend(x: tf.Tensor): tf.Tensor {
    if (this.windowSize === 0) {
      return this.attention.forward(x);
    }
    const windows = this.attention.forward(windowPartition(x, this.windowSize));
    const [, height, width] = x.shape as [number, number, number];
    return windowUnpartition(windows, {height, width});
  }
}

import * as tf from "@tensorflow/tfjs-core";
import type {Activation} from "./activation.js";
import {Block} from "./block.js";
import {normal} from "./initializers.js";
import {LayerNorm} from "./layer-norm.js";
import {Mlp} from "./mlp.js";
import {MultiHeadAttention} from "./multi-head-attention.js";
import type {RandomOptions} from "./random-options.js";

/** Shape of a {@link TransformerBlock}. */
export interface TransformerBlockConfig {
  /** Width of a token. */
  width: number;
  /** Attention heads; divides the width. */
  heads: number;
  /** Width inside the perceptron. */
  mlpWidth: number;
  /** Function inside the perceptron. */
  activation: Activation;
  /** Added to the variance in layer normalisation. */
  epsilon: number;
}

/**
 * One pre-norm transformer block: attention, then a perceptron, each on normalised tokens and added to them.
 *
 * Shapes: [B, T, D] → [B, T, D]; weights `layer_norm1`, `self_attn.{q,k,v,out}_proj`, `layer_norm2`, `mlp.fc1`,
 * `mlp.fc2`, as in Hugging Face's CLIP.
 *
 * @example
 * ```ts
 * const block = new TransformerBlock(
 *   {width: 8, heads: 2, mlpWidth: 32, activation: "gelu", epsilon: 1e-5},
 *   {random: createRandom(1)},
 * );
 * block.forward(tf.zeros([1, 5, 8])); // [1, 5, 8]
 * ```
 *
 * Source: Radford et al. 2021, section 2.4; both towers of CLIP are made of it. Differs: first values have deviation
 * 1 / sqrt(width) in attention and 1 / sqrt(2 × width) in the perceptron, without the extra factor for depth.
 */
export class TransformerBlock extends Block {
  /** Normalisation before the attention. */
  readonly firstNorm: LayerNorm;
  /** The attention. */
  readonly attention: MultiHeadAttention;
  /** Normalisation before the perceptron. */
  readonly secondNorm: LayerNorm;
  /** The perceptron. */
  readonly mlp: Mlp;

  /**
   * @param config - Sizes.
   * @param options - Source of the first values.
   * @throws ConfigError if the heads do not divide the width.
   */
  constructor(config: Readonly<TransformerBlockConfig>, options: RandomOptions) {
    super();
    const {width, heads, mlpWidth, activation, epsilon} = config;
    const {random} = options;
    this.firstNorm = this.addBlock("layer_norm1", new LayerNorm(width, {epsilon}));
    this.attention = this.addBlock(
      "self_attn",
      new MultiHeadAttention(
        {width, heads},
        {random: random.fork("self_attn"), initializer: (source) => normal(source, width ** -0.5)},
      ),
    );
    this.secondNorm = this.addBlock("layer_norm2", new LayerNorm(width, {epsilon}));
    this.mlp = this.addBlock(
      "mlp",
      new Mlp(
        {width, hidden: mlpWidth, activation, names: ["fc1", "fc2"]},
        {random: random.fork("mlp"), initializer: (source) => normal(source, (2 * width) ** -0.5)},
      ),
    );
  }

  /**
   * @param x - Tokens [B, T, D].
   * @param mask - Added to the scores, broadcast against [B, heads, T, T]; left out means every token sees all.
   * @returns Tokens [B, T, D]; the caller disposes them.
   */
  override forward(x: tf.Tensor, mask?: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const normed = this.firstNorm.forward(x);
      const attended = tf.add(x, this.attention.forward(normed, normed, normed, {mask}));
      return tf.add(attended, this.mlp.forward(this.secondNorm.forward(attended)));
    });
  }
}

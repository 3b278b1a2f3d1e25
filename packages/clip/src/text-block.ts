import type {Random} from "@claps/core";
import {Block, LayerNorm, Mlp, MultiHeadAttention, normal} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import type {TextConfig} from "./text-config.js";

/**
 * One pre-norm transformer block of the text tower.
 *
 * Shapes: [P, T, D] → [P, T, D]; weights as `layer_norm1`, `self_attn.{q,k,v,out}_proj`, `layer_norm2`,
 * `mlp.fc1`, `mlp.fc2`.
 *
 * Source: Radford et al. 2021, section 2.4. Differs: first values have deviation 1 / sqrt(width) in attention and
 * 1 / sqrt(2 × width) in the perceptron, without the extra factor for depth.
 */
export class TextBlock extends Block {
  readonly firstNorm: LayerNorm;
  readonly attention: MultiHeadAttention;
  readonly secondNorm: LayerNorm;
  readonly mlp: Mlp;

  /**
   * @param config - Sizes of the tower.
   * @param options - Source of the first values.
   */
  constructor(config: Readonly<TextConfig>, options: {random: Random}) {
    super();
    const {width, heads, mlpWidth, activation, epsilon} = config;
    this.firstNorm = this.addBlock("layer_norm1", new LayerNorm(width, {epsilon}));
    this.attention = this.addBlock(
      "self_attn",
      new MultiHeadAttention(
        {width, heads},
        {random: options.random.fork("self_attn"), initializer: (random) => normal(random, width ** -0.5)},
      ),
    );
    this.secondNorm = this.addBlock("layer_norm2", new LayerNorm(width, {epsilon}));
    this.mlp = this.addBlock(
      "mlp",
      new Mlp(
        {width, hidden: mlpWidth, activation, names: ["fc1", "fc2"]},
        {random: options.random.fork("mlp"), initializer: (random) => normal(random, (2 * width) ** -0.5)},
      ),
    );
  }

  /**
   * @param x - Tokens [P, T, D].
   * @param mask - Added to the scores, broadcast against [P, heads, T, T].
   * @returns Tokens [P, T, D]; the caller disposes them.
   */
  override forward(x: tf.Tensor, mask: tf.Tensor): tf.Tensor {
    const normed = this.firstNorm.forward(x);
    const attended = tf.add(x, this.attention.forward(normed, normed, normed, {mask}));
    return tf.add(attended, this.mlp.forward(this.secondNorm.forward(attended)));
  }
}

import {Block, LayerNorm, MultiHeadAttention} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import type {SamConfig} from "./config.js";
import {TwoWayAttentionBlock} from "./two-way-attention-block.js";
import type {TwoWayPositions, TwoWayState} from "./two-way-attention-block.js";

/**
 * The transformer of the mask decoder, in which tokens read the picture and the picture reads the tokens.
 *
 * Shapes: tokens [B, T, D], picture [B, h * w, D], or [B / r, h * w, D] if r prompts share it.
 *
 * Source: Kirillov et al. 2023, appendix A; TwoWayTransformer of the original code.
 */
export class TwoWayTransformer extends Block {
  /** The blocks in order. */
  readonly blocks: readonly TwoWayAttentionBlock[];
  /** Last attention of the tokens to the picture. */
  readonly finalAttention: MultiHeadAttention;
  /** Normalisation after it. */
  readonly finalNorm: LayerNorm;

  /**
   * @param config - The whole model's configuration.
   * @param options - Source of the first values.
   */
  constructor(config: SamConfig, options: RandomOptions) {
    super();
    const {random} = options;
    const {promptWidth: width, decoder} = config;
    const {depth, heads, downsampling} = decoder;
    this.blocks = this.addBlocks(
      "layers",
      Array.from({length: depth}, (_, index) => {
        return new TwoWayAttentionBlock(config, {first: index === 0, random: random.fork(`layers.${index}`)});
      }),
    );
    this.finalAttention = this.addBlock(
      "final_attn_token_to_image",
      new MultiHeadAttention(
        {width, heads, innerWidth: width / downsampling},
        {random: random.fork("final_attn_token_to_image")},
      ),
    );
    // Both published implementations leave this one at PyTorch's default.
    this.finalNorm = this.addBlock("layer_norm_final_attn", new LayerNorm(width, {epsilon: 1e-5}));
  }

  /**
   * @param state - Tokens and picture.
   * @param positions - What is added to both for comparing.
   * @returns Tokens [B, T, D] and picture [B, h * w, D]; the caller disposes them.
   */
  override forward(state: TwoWayState, positions: TwoWayPositions): TwoWayState {
    const {tokens, image} = this.blocks.reduce((current, block) => block.forward(current, positions), state);
    const asked = tf.add(tokens, positions.tokens);
    const answer = this.finalAttention.forward(asked, tf.add(image, positions.image), image);
    return {tokens: this.finalNorm.forward(tf.add(tokens, answer)), image};
  }
}

import {Block, LayerNorm, Mlp, MultiHeadAttention, repeatBatch} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import type {SamConfig} from "./config.js";

/** Tokens and picture on their way through the two-way transformer; B prompts in all. */
export interface TwoWayState {
  /** Tokens [B, T, D]. */
  tokens: tf.Tensor;
  /** Picture [B, h * w, D]; or [B / r, h * w, D] while r prompts still see the same one. */
  image: tf.Tensor;
}

/** What is added wherever tokens or picture are compared. */
export interface TwoWayPositions {
  /** For the tokens [B, T, D]. */
  tokens: tf.Tensor;
  /** For the picture [1, h * w, D]. */
  image: tf.Tensor;
}

/**
 * One block of the two-way transformer: tokens among themselves, tokens to picture, perceptron, picture to
 * tokens.
 *
 * While prompts share one picture, its projections are computed once: all their tokens ask in one row.
 *
 * Source: Kirillov et al. 2023, appendix A; TwoWayAttentionBlock of the original code.
 */
export class TwoWayAttentionBlock extends Block {
  /** Tokens among themselves. */
  readonly selfAttention: MultiHeadAttention;
  /** Tokens ask the picture. */
  readonly tokenToImage: MultiHeadAttention;
  /** Perceptron on the tokens. */
  readonly mlp: Mlp;
  /** The picture asks the tokens. */
  readonly imageToToken: MultiHeadAttention;
  /** Normalisation after each of the four steps. */
  readonly norms: readonly LayerNorm[];
  readonly #first: boolean;

  /**
   * @param config - The whole model's configuration.
   * @param options - Source of the first values; whether it is the first block, whose self-attention has
   * neither positions nor residual.
   */
  constructor(config: SamConfig, options: RandomOptions & {first: boolean}) {
    super();
    this.#first = options.first;
    const {random} = options;
    const {promptWidth: width, decoder} = config;
    const {heads, mlpWidth, downsampling, blockEpsilon: epsilon} = decoder;
    const attend = (name: string, innerWidth: number): MultiHeadAttention =>
      this.addBlock(name, new MultiHeadAttention({width, heads, innerWidth}, {random: random.fork(name)}));
    this.selfAttention = attend("self_attn", width);
    this.tokenToImage = attend("cross_attn_token_to_image", width / downsampling);
    this.mlp = this.addBlock(
      "mlp",
      new Mlp({width, hidden: mlpWidth, activation: "relu"}, {random: random.fork("mlp")}),
    );
    this.imageToToken = attend("cross_attn_image_to_token", width / downsampling);
    this.norms = [1, 2, 3, 4].map((step) =>
      this.addBlock(`layer_norm${step}`, new LayerNorm(width, {epsilon})),
    );
  }

  #norm(step: 0 | 1 | 2 | 3, x: tf.Tensor): tf.Tensor {
    return (this.norms[step] as LayerNorm).forward(x);
  }

  /**
   * @param state - Tokens and picture.
   * @param positions - What is added to both for comparing.
   * @returns Both after the block; the picture is no longer shared. The caller disposes them.
   */
  override forward(state: TwoWayState, positions: TwoWayPositions): TwoWayState {
    const {image} = state;
    const [batch, count, width] = state.tokens.shape as [number, number, number];
    const pictures = image.shape[0];
    const sharing = batch / pictures;

    let tokens = this.#norm(0, this.#attendTokens(state.tokens, positions.tokens));

    const imageKeys = tf.add(image, positions.image);
    const asked = tf.reshape(tf.add(tokens, positions.tokens), [pictures, sharing * count, width]);
    const answer = this.tokenToImage.forward(asked, imageKeys, image);
    tokens = this.#norm(1, tf.add(tokens, tf.reshape(answer, [batch, count, width])));

    tokens = this.#norm(2, tf.add(tokens, this.mlp.forward(tokens)));

    const tokenKeys = tf.add(tokens, positions.tokens);
    const change = this.imageToToken.forward(imageKeys, tokenKeys, tokens);
    return {tokens, image: this.#norm(3, tf.add(repeatBatch(image, sharing), change))};
  }

  #attendTokens(tokens: tf.Tensor, positions: tf.Tensor): tf.Tensor {
    if (this.#first) {
      return this.selfAttention.forward(tokens, tokens, tokens);
    }
    const keys = tf.add(tokens, positions);
    return tf.add(tokens, this.selfAttention.forward(keys, keys, tokens));
  }
}

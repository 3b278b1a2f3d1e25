import {ConfigError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {Block} from "./block.js";
import {xavierUniform} from "./initializers.js";
import type {Initializer} from "./initializers.js";
import {Linear} from "./linear.js";
import {attention} from "./ops/attention.js";
import {repeatBatch} from "./ops/repeat-batch.js";
import type {RandomOptions} from "./random-options.js";

/** Shape of an attention layer, for {@link MultiHeadAttention}. */
export interface MultiHeadAttentionConfig {
  /** Width of queries and of the result. */
  width: number;
  /** Number of heads; divides the inner width. */
  heads: number;
  /** Width that queries, keys and values are projected to; default the width. */
  innerWidth?: number;
  /** Width of keys and values as they come; default the width. */
  keyWidth?: number;
  /** Names of the four projections; default `q_proj`, `k_proj`, `v_proj`, `out_proj`. */
  names?: readonly [query: string, key: string, value: string, output: string];
}

/** Options of {@link MultiHeadAttention}. */
export interface MultiHeadAttentionOptions extends RandomOptions {
  /** Makes the first values of a projection's weight; default Glorot's uniform rule. */
  initializer?: (random: RandomOptions["random"]) => Initializer;
}

/** Optional arguments of {@link MultiHeadAttention.forward}. */
export interface MultiHeadAttentionCall {
  /** Added to the scores, broadcast against [B, heads, Tq, Tk]; large negative where a key is hidden. */
  mask?: tf.Tensor;
}

/**
 * Attention of several heads with separate projections of queries, keys and values.
 *
 * Shapes: query [B, Tq, D], key and value [B, Tk, Dk]; returns [B, Tq, D].
 *
 * Source: Vaswani et al. 2017, section 3.2.2.
 */
export class MultiHeadAttention extends Block {
  /** Projection of the queries. */
  readonly queryProjection: Linear;
  /** Projection of the keys. */
  readonly keyProjection: Linear;
  /** Projection of the values. */
  readonly valueProjection: Linear;
  /** Projection of the result. */
  readonly outputProjection: Linear;
  /** Number of heads. */
  readonly heads: number;

  /**
   * @param config - Widths, heads, names.
   * @param options - Source of the first values.
   * @throws ConfigError if the heads do not divide the inner width.
   */
  constructor(config: MultiHeadAttentionConfig, options: MultiHeadAttentionOptions) {
    super();
    const {width, heads, innerWidth = width, keyWidth = width} = config;
    if (innerWidth % heads !== 0) {
      throw new ConfigError(
        `MultiHeadAttention: expected heads that divide the inner width ${innerWidth}, got ${heads}.`,
      );
    }
    this.heads = heads;
    const [queryName, keyName, valueName, outputName] = config.names ?? [
      "q_proj",
      "k_proj",
      "v_proj",
      "out_proj",
    ];
    const add = (name: string, inputs: number, outputs: number): Linear => {
      const random = options.random.fork(name);
      const initializer = (options.initializer ?? xavierUniform)(random.fork("weight"));
      return this.addBlock(name, new Linear(inputs, outputs, {random, initializer}));
    };
    this.queryProjection = add(queryName, width, innerWidth);
    this.keyProjection = add(keyName, keyWidth, innerWidth);
    this.valueProjection = add(valueName, keyWidth, innerWidth);
    this.outputProjection = add(outputName, innerWidth, width);
  }

  #split(x: tf.Tensor): tf.Tensor {
    const [batch, tokens, width] = x.shape as [number, number, number];
    const heads = tf.reshape(x, [batch, tokens, this.heads, width / this.heads]);
    return tf.transpose(heads, [0, 2, 1, 3]);
  }

  /**
   * @param query - Questions [B, Tq, D]; or [B / r, Tq, D], each shared by r neighbours and projected once.
   * @param key - What they are compared with [B, Tk, Dk].
   * @param value - What is averaged [B, Tk, Dk].
   * @param call - Mask.
   * @returns [B, Tq, D]; the caller disposes it.
   */
  override forward(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    call: MultiHeadAttentionCall = {},
  ): tf.Tensor {
    const times = key.shape[0] / query.shape[0];
    const q = this.#split(repeatBatch(this.queryProjection.forward(query), times));
    const k = this.#split(this.keyProjection.forward(key));
    const v = this.#split(this.valueProjection.forward(value));
    const mixed = tf.transpose(attention(q, k, v, {mask: call.mask}), [0, 2, 1, 3]);
    const [batch, tokens, heads, headWidth] = mixed.shape as [number, number, number, number];
    return this.outputProjection.forward(tf.reshape(mixed, [batch, tokens, heads * headWidth]));
  }
}

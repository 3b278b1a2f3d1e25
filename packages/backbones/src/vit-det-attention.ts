import {attention, Block, Linear, zeros} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {keyPositions, queryPositions} from "./relative-position.js";

/** Shape of the attention of one block, for {@link VitDetAttention}. */
export interface VitDetAttentionConfig {
  /** Width of a token. */
  width: number;
  /** Number of heads. */
  heads: number;
  /** Edge of the square grids that it sees, cells. */
  size: number;
  /** Whether queries, keys and values have a bias. */
  qkvBias: boolean;
  /** Whether scores depend on relative positions. */
  relativePositions: boolean;
}

/**
 * Self-attention on square grids with decomposed relative positions.
 *
 * Shapes: [B, size, size, D] → [B, size, size, D]. Long sequences go in chunks of queries.
 *
 * Source: the image encoder of Segment Anything.
 */
export class VitDetAttention extends Block {
  /** Projection to queries, keys and values. */
  readonly qkv: Linear;
  /** Projection of the result. */
  readonly projection: Linear;
  /** Vectors of the relative rows [2 * size - 1, d], if any. */
  readonly rowTable: tf.Variable | undefined;
  /** Vectors of the relative columns [2 * size - 1, d], if any. */
  readonly columnTable: tf.Variable | undefined;
  readonly #config: VitDetAttentionConfig;

  /**
   * @param config - Widths, heads, size.
   * @param options - Source of the first values; the tables of positions start at zero.
   */
  constructor(config: VitDetAttentionConfig, options: RandomOptions) {
    super();
    this.#config = config;
    const {width, heads, size, qkvBias} = config;
    if (config.relativePositions) {
      const shape = [2 * size - 1, width / heads];
      this.rowTable = this.addVariable("rel_pos_h", shape, zeros());
      this.columnTable = this.addVariable("rel_pos_w", shape, zeros());
    }
    const make = (name: string, outputs: number, bias: boolean): Linear => {
      const random = options.random.fork(name);
      return this.addBlock(name, new Linear(width, outputs, {random, bias}));
    };
    this.qkv = make("qkv", 3 * width, qkvBias);
    this.projection = make("proj", width, true);
  }

  /**
   * @param x - Grids [B, size, size, D].
   * @returns Grids of the same shape; the caller disposes them.
   */
  override forward(x: tf.Tensor): tf.Tensor {
    const {width, heads, size} = this.#config;
    const batch = x.shape[0];
    const tokens = size * size;
    const headWidth = width / heads;
    const projected = tf.reshape(this.qkv.forward(x), [batch, tokens, 3, heads, headWidth]);
    const [query, key, value] = tf.unstack(tf.transpose(projected, [2, 0, 3, 1, 4])) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const mixed = this.#attend(query, key, value);
    const joined = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, size, size, width]);
    return this.projection.forward(joined);
  }

  #attend(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor): tf.Tensor {
    if (this.rowTable === undefined || this.columnTable === undefined) {
      return attention(query, key, value);
    }
    const {heads, size} = this.#config;
    const batch = query.shape[0];
    const scale = 1 / Math.sqrt(query.shape[3] as number);
    const positions = queryPositions({query, rowTable: this.rowTable, columnTable: this.columnTable, size});
    const wideQuery = tf.concat([tf.mul(query, scale), positions], 3);
    const wideKey = tf.concat([key, keyPositions(batch, heads, size)], 3);
    return attention(wideQuery, wideKey, value, {scale: 1});
  }
}

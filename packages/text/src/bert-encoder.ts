import {ShapeError, checkShape} from "@claps/core";
import type {Random} from "@claps/core";
import {Block, Embedding, LayerNorm, Linear, normal} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {BERT_DEVIATION, BertBlock} from "./bert-block.js";
import {checkBertConfig} from "./bert-config.js";
import type {BertConfig} from "./bert-config.js";
import {withoutPaddingGradient} from "./padding-gradient.js";

/** What BERT is told beside the token ids. */
export interface BertInputs {
  /**
   * 1 where a token may be seen, 0 where not: [P, T] for all tokens of a text alike, or [P, T, T] row by row of
   * tokens that look. Left out means everything is seen, padding too.
   */
  mask?: tf.Tensor;
  /** 0 for tokens of the first text, 1 for the second, [P, T] int32. Default 0. */
  typeIds?: tf.Tensor;
  /** Place of each token, [P, T] int32. Default 0, 1, 2 and so on. */
  positionIds?: tf.Tensor;
}

/** What BERT says about texts. */
export interface BertFeatures {
  /** Every token after the last block [P, T, D]. */
  tokens: tf.Tensor;
  /** The first token through a dense layer and tanh [P, D]; only with `hasPooler`. */
  pooled?: tf.Tensor;
}

// Large enough to vanish in a softmax, small enough that twice of it is still a finite float32.
const HIDDEN = -1e9;

/**
 * The BERT encoder.
 *
 * Weights carry Hugging Face's names without prefix: `embeddings.word_embeddings.weight`,
 * `encoder.layer.0.attention.self.query.weight`, `pooler.dense.weight`.
 *
 * @example
 * ```ts
 * const bert = new BertEncoder(bertTiny, {random: createRandom(1)});
 * bert.forward(tf.tensor2d([[101, 7, 102]], [1, 3], "int32")).tokens.shape; // [1, 3, 32]
 * ```
 *
 * Source: Devlin et al. 2019; outputs equal those of Hugging Face's BertModel. As there, the row of the
 * padding token gets no gradient. Differs: no dropout.
 */
export class BertEncoder extends Block {
  /** The configuration it was made from. */
  readonly config: Readonly<BertConfig>;
  readonly wordEmbedding: Embedding;
  readonly positionEmbedding: Embedding;
  readonly typeEmbedding: Embedding;
  readonly embeddingNorm: LayerNorm;
  readonly layers: BertBlock[];
  /** The dense layer of the pooled vector, if there is one. */
  readonly pooler: Linear | undefined;

  /**
   * @param config - Sizes and rules; `bertTiny` and `bertBase` are presets.
   * @param options - Source of the first values.
   * @throws ConfigError if the configuration makes no sense.
   */
  constructor(config: Readonly<BertConfig>, options: {random: Random}) {
    super();
    checkBertConfig(config);
    this.config = config;
    const {width, epsilon} = config;
    const {random} = options;
    const table = (name: string, rows: number): Embedding => {
      const source = random.fork(name);
      const initializer = normal(source.fork("weight"), BERT_DEVIATION);
      return this.addBlock(`embeddings.${name}`, new Embedding(rows, width, {random: source, initializer}));
    };
    this.wordEmbedding = table("word_embeddings", config.vocabularySize);
    this.positionEmbedding = table("position_embeddings", config.contextLength);
    this.typeEmbedding = table("token_type_embeddings", config.typeCount);
    this.embeddingNorm = this.addBlock("embeddings.LayerNorm", new LayerNorm(width, {epsilon}));
    this.layers = this.addBlocks(
      "encoder.layer",
      Array.from(
        {length: config.depth},
        (_, index) => new BertBlock(config, {random: random.fork(`layer.${index}`)}),
      ),
    );
    if (config.hasPooler) {
      const source = random.fork("pooler");
      const initializer = normal(source.fork("weight"), BERT_DEVIATION);
      this.pooler = this.addBlock("pooler.dense", new Linear(width, width, {random: source, initializer}));
    }
  }

  #embed(ids: tf.Tensor, {typeIds, positionIds}: BertInputs): tf.Tensor {
    const [texts, length] = ids.shape as [number, number];
    const {width} = this.config;
    const firstRows = (table: Embedding, rows: number): tf.Tensor =>
      tf.slice(table.weight, [0, 0], [rows, width]);
    if (typeIds !== undefined) checkShape(typeIds.shape, [texts, length], "BertEncoder, typeIds");
    if (positionIds !== undefined) checkShape(positionIds.shape, [texts, length], "BertEncoder, positionIds");
    const types =
      typeIds === undefined ? firstRows(this.typeEmbedding, 1) : this.typeEmbedding.forward(typeIds);
    const positions =
      positionIds === undefined
        ? firstRows(this.positionEmbedding, length)
        : this.positionEmbedding.forward(positionIds);
    const words = withoutPaddingGradient(this.wordEmbedding.forward(ids), ids, this.config.padId);
    return this.embeddingNorm.forward(tf.add(tf.add(words, types), positions));
  }

  /**
   * The tokens before the first block and after each one.
   *
   * @param ids - Token ids [P, T], int32.
   * @param inputs - Mask, types and places of the tokens.
   * @returns depth + 1 tensors [P, T, D]; the caller disposes them, and runs this inside a tidy.
   * @throws ShapeError if the ids have another rank or more tokens than there are places, or another input does not
   * fit them.
   */
  hiddenStates(ids: tf.Tensor, inputs: BertInputs = {}): tf.Tensor[] {
    const [, length = 0] = ids.shape;
    const {contextLength} = this.config;
    if (ids.rank !== 2 || length < 1 || length > contextLength) {
      throw new ShapeError(
        `BertEncoder: expected ids [P, T] with 1 to ${contextLength} tokens, got [${ids.shape.join(", ")}]; encode with maxLength ${contextLength}.`,
      );
    }
    const hidden = inputs.mask === undefined ? undefined : hiddenScores(inputs.mask, ids.shape);
    const states = [this.#embed(ids, inputs)];
    for (const layer of this.layers) states.push(layer.forward(states.at(-1) as tf.Tensor, hidden));
    return states;
  }

  /**
   * Features of texts.
   *
   * @param ids - Token ids [P, T], int32.
   * @param inputs - Mask, types and places of the tokens.
   * @returns Tokens and, with a pooler, one vector per text; the caller disposes them, and runs this inside a tidy.
   * @throws ShapeError as `hiddenStates`.
   */
  override forward(ids: tf.Tensor, inputs: BertInputs = {}): BertFeatures {
    const tokens = this.hiddenStates(ids, inputs).at(-1) as tf.Tensor;
    return this.pooler === undefined ? {tokens} : {tokens, pooled: this.pool(tokens)};
  }

  /**
   * The first token of each text through the pooling layer.
   *
   * @param tokens - Tokens after the last block [P, T, D].
   * @returns Vectors [P, D]; the caller disposes them.
   * @throws ShapeError if this encoder has no pooling layer.
   */
  pool(tokens: tf.Tensor): tf.Tensor {
    const [texts = 0] = tokens.shape;
    const {width} = this.config;
    if (this.pooler === undefined) {
      throw new ShapeError(
        "BertEncoder: expected a pooling layer, got a configuration without; set hasPooler.",
      );
    }
    const first = tf.slice(tokens, [0, 0, 0], [texts, 1, width]);
    return tf.tanh(this.pooler.forward(tf.reshape(first, [texts, width])));
  }
}

/** Numbers to add to attention scores, [P, 1, 1, T] or [P, 1, T, T]. */
function hiddenScores(mask: tf.Tensor, [texts = 0, length = 0]: readonly number[]): tf.Tensor {
  const rows = mask.rank === 3 ? length : 1;
  const expected = mask.rank === 3 ? [texts, length, length] : [texts, length];
  checkShape(mask.shape, expected, "BertEncoder, mask");
  const seen = tf.reshape(tf.cast(mask, "float32"), [texts, 1, rows, length]);
  return tf.mul(tf.sub(1, seen), HIDDEN);
}

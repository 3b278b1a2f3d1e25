import {ShapeError} from "@claps/core";
import type {Random} from "@claps/core";
import {Block, Embedding, LayerNorm, Linear, TransformerBlock, gather, normal} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {checkTextConfig} from "./text-config.js";
import type {TextConfig} from "./text-config.js";
import {causalMask} from "./text-mask.js";

/** What the text tower says about texts. */
export interface TextFeatures {
  /** Every token after the last normalisation [P, T, D]. */
  tokens: tf.Tensor;
  /** The end token's [P, D]. */
  pooled: tf.Tensor;
  /** The same in the space shared with pictures [P, E], not normalised. */
  projected: tf.Tensor;
}

/**
 * CLIP's causal text transformer with its projection.
 *
 * Weights carry the published names, `text_model.…` and `text_projection.weight`.
 *
 * Source: Radford et al. 2021, section 2.4; outputs equal those of Hugging Face's CLIPModel.
 */
export class TextTower extends Block {
  /** The configuration it was made from. */
  readonly config: Readonly<TextConfig>;
  readonly tokenEmbedding: Embedding;
  readonly positionEmbedding: Embedding;
  readonly layers: TransformerBlock[];
  readonly finalNorm: LayerNorm;
  readonly projection: Linear;

  /**
   * @param config - Sizes and rules.
   * @param options - Source of the first values.
   * @throws ConfigError if the configuration makes no sense.
   */
  constructor(config: Readonly<TextConfig>, options: {random: Random}) {
    super();
    checkTextConfig(config);
    this.config = config;
    const {width, vocabularySize, contextLength, depth, epsilon, projectionWidth} = config;
    const {random} = options;
    const table = (name: string, rows: number, deviation: number): Embedding => {
      const source = random.fork(name);
      const initializer = normal(source.fork("weight"), deviation);
      return this.addBlock(
        `text_model.embeddings.${name}`,
        new Embedding(rows, width, {random: source, initializer}),
      );
    };
    this.tokenEmbedding = table("token_embedding", vocabularySize, 0.02);
    this.positionEmbedding = table("position_embedding", contextLength, 0.01);
    this.layers = this.addBlocks(
      "text_model.encoder.layers",
      Array.from(
        {length: depth},
        (_, index) => new TransformerBlock(config, {random: random.fork(`layers.${index}`)}),
      ),
    );
    this.finalNorm = this.addBlock("text_model.final_layer_norm", new LayerNorm(width, {epsilon}));
    const source = random.fork("text_projection");
    this.projection = this.addBlock(
      "text_projection",
      new Linear(width, projectionWidth, {
        random: source,
        bias: false,
        initializer: normal(source.fork("weight"), width ** -0.5),
      }),
    );
  }

  /**
   * The tokens before the first block and after each one.
   *
   * @param ids - Token ids [P, T], int32.
   * @param mask - 1 for tokens, 0 for padding, [P, T]; left out means padding is not hidden.
   * @returns depth + 1 tensors [P, T, D]; the caller disposes them.
   * @throws ShapeError if the ids have another rank or more tokens than the tower has positions.
   */
  hiddenStates(ids: tf.Tensor, mask?: tf.Tensor): tf.Tensor[] {
    const [, length = 0] = ids.shape;
    const {contextLength, width} = this.config;
    if (ids.rank !== 2 || length < 1 || length > contextLength) {
      throw new ShapeError(
        `TextTower: expected ids [P, T] with 1 to ${contextLength} tokens, got [${ids.shape.join(", ")}]; encode with maxLength ${contextLength}.`,
      );
    }
    const positions = tf.slice(this.positionEmbedding.weight, [0, 0], [length, width]);
    const states = [tf.add(this.tokenEmbedding.forward(ids), positions)];
    const hidden = causalMask(length, mask);
    for (const layer of this.layers) states.push(layer.forward(states.at(-1) as tf.Tensor, hidden));
    return states;
  }

  /** Place of the token that speaks for each text, [P]. */
  #pooledPlaces(ids: tf.Tensor): tf.Tensor {
    const {pooling, endId} = this.config;
    const marks = pooling === "largest id" ? ids : tf.equal(ids, tf.scalar(endId, "int32"));
    return tf.argMax(tf.cast(marks, "float32"), 1);
  }

  /**
   * Features of texts.
   *
   * @param ids - Token ids [P, T], int32.
   * @param mask - 1 for tokens, 0 for padding, [P, T]; left out means padding is not hidden. Since tokens see only
   * earlier ones, the pooled vector is the same either way.
   * @returns Tokens, pooled and projected; the caller disposes them, and runs this inside a tidy.
   * @throws ShapeError as `hiddenStates`.
   */
  override forward(ids: tf.Tensor, mask?: tf.Tensor): TextFeatures {
    const [texts = 0, length = 0] = ids.shape;
    const tokens = this.finalNorm.forward(this.hiddenStates(ids, mask).at(-1) as tf.Tensor);
    const firsts = tf.tensor1d(
      Int32Array.from({length: texts}, (_, text) => text * length),
      "int32",
    );
    const rows = tf.add(firsts, tf.cast(this.#pooledPlaces(ids), "int32"));
    const pooled = gather(tf.reshape(tokens, [texts * length, this.config.width]), rows);
    return {tokens, pooled, projected: this.projection.forward(pooled)};
  }
}

/**
 * Makes a text tower with random weights.
 *
 * @param config - Sizes and rules; `textTiny` and `textBase` are presets.
 * @param options - Source of the first values.
 * @throws ConfigError if the configuration makes no sense.
 * @example
 * ```ts
 * const tower = createTextTower(textTiny, {random: createRandom(1)});
 * const {ids, shape} = defaultTokenizer().encodeBatch(["fundus photograph: optic disc"]);
 * const {projected} = tf.tidy(() => tower.forward(tf.tensor2d(ids, shape, "int32")));
 * ```
 */
export function createTextTower(config: Readonly<TextConfig>, options: {random: Random}): TextTower {
  return new TextTower(config, options);
}

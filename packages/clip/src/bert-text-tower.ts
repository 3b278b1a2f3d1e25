import {ShapeError} from "@claps/core";
import {Block, Linear, gelu, normal} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import {BertEncoder} from "@claps/text";
import * as tf from "@tensorflow/tfjs-core";
import {checkBertTextConfig, projectionInnerWidth} from "./bert-text-config.js";
import type {BertTextConfig} from "./bert-text-config.js";
import type {TextFeatures} from "./text-tower.js";

/**
 * A BERT with a projection as the text tower of a CLIP: UniMed-CLIP, BiomedCLIP.
 *
 * Shapes: ids [P, T] int32 → tokens [P, T, D], pooled [P, D], projected [P, E]. Weights `text_model.…` as in Hugging
 * Face's BertModel; `text_projection.weight`, or `text_projection.0.weight` and `text_projection.2.weight`.
 *
 * Source: Devlin et al. 2019; outputs equal those of open_clip's CustomTextCLIP with a BERT.
 */
export class BertTextTower extends Block {
  /** The configuration it was made from. */
  readonly config: Readonly<BertTextConfig>;
  /** The encoder. */
  readonly encoder: BertEncoder;
  /** Layers of the projection in order; none for `projection: "none"`. */
  readonly projections: Linear[];

  /**
   * @param config - Sizes and rules.
   * @param options - Source of the first values.
   * @throws ConfigError if the configuration makes no sense.
   */
  constructor(config: Readonly<BertTextConfig>, options: RandomOptions) {
    super();
    checkBertTextConfig(config);
    this.config = config;
    const {encoder, projection, projectionWidth} = config;
    const {random} = options;
    this.encoder = this.addBlock("text_model", new BertEncoder(encoder, {random: random.fork("text_model")}));
    const layer = (name: string, inputs: number, outputs: number): Linear => {
      const source = random.fork(name);
      const initializer = normal(source.fork("weight"), inputs ** -0.5);
      return this.addBlock(name, new Linear(inputs, outputs, {random: source, bias: false, initializer}));
    };
    const inner = projectionInnerWidth(config);
    // The published names count the function between the two layers as well.
    this.projections = {
      none: () => [],
      linear: () => [layer("text_projection", encoder.width, projectionWidth)],
      mlp: () => [
        layer("text_projection.0", encoder.width, inner),
        layer("text_projection.2", inner, projectionWidth),
      ],
    }[projection]();
  }

  /** 1 for tokens, 0 for padding, [P, T]. */
  #maskOf(ids: tf.Tensor, mask: tf.Tensor | undefined): tf.Tensor {
    if (mask !== undefined) return mask;
    return tf.cast(tf.notEqual(ids, tf.scalar(this.config.encoder.padId, "int32")), "float32");
  }

  #checkLength(ids: tf.Tensor): void {
    const {contextLength} = this.config;
    const [, length = 0] = ids.shape;
    if (ids.rank !== 2 || length < 1 || length > contextLength) {
      throw new ShapeError(
        `BertTextTower: expected ids [P, T] with 1 to ${contextLength} tokens, got [${ids.shape.join(", ")}]; encode with maxLength ${contextLength}.`,
      );
    }
  }

  /**
   * The tokens before the first block and after each one.
   *
   * @param ids - Token ids [P, T], int32.
   * @param mask - 1 for tokens, 0 for padding, [P, T]; left out means that the padding id is padding.
   * @returns depth + 1 tensors [P, T, D]; the caller disposes them.
   * @throws ShapeError if the ids have another rank or more tokens than the tower takes.
   */
  hiddenStates(ids: tf.Tensor, mask?: tf.Tensor): tf.Tensor[] {
    this.#checkLength(ids);
    return tf.tidy(() => this.encoder.hiddenStates(ids, {mask: this.#maskOf(ids, mask)}));
  }

  #pool(tokens: tf.Tensor, pooled: tf.Tensor | undefined, mask: tf.Tensor): tf.Tensor {
    const [texts, length, width] = tokens.shape as [number, number, number];
    const {pooling} = this.config;
    if (pooling === "pooler") return pooled as tf.Tensor;
    if (pooling === "first token") {
      return tf.reshape(tf.slice(tokens, [0, 0, 0], [texts, 1, width]), [texts, width]);
    }
    const seen = tf.reshape(tf.cast(mask, "float32"), [texts, length, 1]);
    return tf.div(tf.sum(tf.mul(tokens, seen), 1), tf.sum(seen, 1));
  }

  /**
   * Features of texts.
   *
   * @param ids - Token ids [P, T], int32.
   * @param mask - 1 for tokens, 0 for padding, [P, T]; left out means that the padding id is padding.
   * @returns Tokens, pooled and projected; the caller disposes them.
   * @throws ShapeError as `hiddenStates`.
   */
  override forward(ids: tf.Tensor, mask?: tf.Tensor): TextFeatures {
    this.#checkLength(ids);
    return tf.tidy(() => {
      const seen = this.#maskOf(ids, mask);
      const features = this.encoder.forward(ids, {mask: seen});
      const pooled = this.#pool(features.tokens, features.pooled, seen);
      const projected = this.projections.reduce(
        (x, layer, index) => layer.forward(index === 0 ? x : gelu(x)),
        pooled,
      );
      return {tokens: features.tokens, pooled, projected};
    });
  }
}

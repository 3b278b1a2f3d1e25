import {checkShape, ConfigError} from "@claps/core";
import {Block, normal} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {gridSize} from "./config.js";
import type {SamConfig} from "./config.js";
import {MaskEmbedding} from "./mask-embedding.js";
import {PositionalEmbedding} from "./positional-embedding.js";

/** Prompts as tensors; N images, P prompts per image. At least one kind must be there. */
export interface PromptTensors {
  /** Positions [N, P, n, 2] as x, y in model px. */
  points?: tf.Tensor;
  /** What each point says [N, P, n]: 1 inside, 0 outside, -1 no point, -10 padding. */
  labels?: tf.Tensor;
  /** Boxes [N, P, 4] as x0, y0, x1, y1 in model px. */
  boxes?: tf.Tensor;
  /** Mask logits [N, P, 4h, 4w], or [N, 1, 4h, 4w] for one mask shared by all prompts of an image. */
  masks?: tf.Tensor;
}

/** Prompts as the mask decoder wants them. */
export interface PromptEmbedding {
  /** Tokens [N, P, T, D]; absent if there is neither point nor box. */
  sparse?: tf.Tensor4D;
  /**
   * What is added to the image embedding [N, P, h, w, D]; without masks [1, 1, 1, 1, D], as it is the same
   * everywhere, with a shared mask [N, 1, h, w, D].
   */
  dense: tf.Tensor;
}

/**
 * Turns points, boxes and masks into tokens and a grid.
 *
 * Weights as in Hugging Face's `prompt_encoder`; the frequencies of positions, which published files keep as
 * `shared_image_embedding`, are `shared_embedding` here.
 *
 * Source: Kirillov et al. 2023, appendix A; the prompt encoder of the original code.
 */
export class PromptEncoder extends Block {
  /** Features of positions, shared with the image. */
  readonly positions: PositionalEmbedding;
  /** Vectors of: outside point, inside point, first corner, second corner; each [1, D]. */
  readonly pointTypes: readonly tf.Variable[];
  /** Vector of "no point here" [1, D]. */
  readonly noPoint: tf.Variable;
  /** Vector of "no mask given" [1, D]. */
  readonly noMask: tf.Variable;
  /** Embedding of mask prompts. */
  readonly maskEmbedding: MaskEmbedding;
  readonly #config: SamConfig;

  /**
   * @param config - The whole model's configuration.
   * @param options - Source of the first values.
   */
  constructor(config: SamConfig, options: RandomOptions) {
    super();
    this.#config = config;
    const {promptWidth: width, maskChannels: channels} = config;
    const {random} = options;
    const vector = (name: string): tf.Variable =>
      this.addVariable(name, [1, width], normal(random.fork(name), 1));
    this.positions = this.addBlock(
      "shared_embedding",
      new PositionalEmbedding(width, {random: random.fork("shared_embedding")}),
    );
    this.pointTypes = [0, 1, 2, 3].map((type) => vector(`point_embed.${type}.weight`));
    this.noPoint = vector("not_a_point_embed.weight");
    this.noMask = vector("no_mask_embed.weight");
    this.maskEmbedding = this.addBlock(
      "mask_embed",
      new MaskEmbedding({channels, width}, {random: random.fork("mask_embed")}),
    );
  }

  /**
   * @param prompts - Points with labels, boxes, masks, in any combination.
   * @param textAdditive - Vectors [N, P, D] added to both corners of each box; zeros change nothing.
   * @returns Tokens and grid; the caller disposes them. Points come before corners; without boxes one
   * "no point" token follows the points.
   * @throws ConfigError if no prompt or points without labels are given; ShapeError if shapes disagree.
   */
  override forward(prompts: PromptTensors, textAdditive?: tf.Tensor): PromptEmbedding {
    const {points, labels, boxes, masks} = prompts;
    if (points === undefined && boxes === undefined && masks === undefined) {
      throw new ConfigError("prompts: expected points, boxes or masks, got none of them.");
    }
    if ((points === undefined) !== (labels === undefined)) {
      throw new ConfigError("prompts: expected points and labels together, got only one of them.");
    }
    const parts: tf.Tensor4D[] = [];
    if (points !== undefined && labels !== undefined) {
      parts.push(this.#embedPoints(points, labels, boxes === undefined));
    }
    if (boxes !== undefined) {
      parts.push(this.#embedBoxes(boxes, textAdditive));
    }
    const dense = this.#embedMasks(masks);
    if (parts.length === 0) {
      return {dense};
    }
    return {sparse: parts.length === 1 ? parts[0] : tf.concat(parts, 2), dense};
  }

  /** Features of the centres of pixels, positions in model px. */
  #features(positions: tf.Tensor): tf.Tensor {
    return this.positions.forward(tf.div(tf.add(positions, 0.5), this.#config.imageSize));
  }

  #embedPoints(points: tf.Tensor, labels: tf.Tensor, pad: boolean): tf.Tensor4D {
    const [images, prompts, count] = points.shape as [number, number, number];
    checkShape(points.shape, [null, null, null, 2], "points [N, P, n, 2]");
    checkShape(labels.shape, [images, prompts, count], "labels [N, P, n]");
    const features = this.#features(points);
    const is = (label: number): tf.Tensor =>
      tf.expandDims(tf.cast(tf.equal(labels, tf.scalar(label, labels.dtype as "int32")), "float32"), 3);
    const [outside, inside] = this.pointTypes as [tf.Variable, tf.Variable];
    const missing = is(-1);
    const hidden = tf.add(missing, is(-10));
    const embedded = tf.addN<tf.Tensor4D>([
      tf.mul(features, tf.sub(1, hidden)),
      tf.mul(is(0), outside),
      tf.mul(is(1), inside),
      tf.mul(missing, this.noPoint),
    ]);
    if (!pad) {
      return embedded;
    }
    const none = tf.mul<tf.Tensor4D>(tf.ones([images, prompts, 1, 1]), this.noPoint);
    return tf.concat([embedded, none], 2);
  }

  #embedBoxes(boxes: tf.Tensor, textAdditive?: tf.Tensor): tf.Tensor4D {
    checkShape(boxes.shape, [null, null, 4], "boxes [N, P, 4]");
    const [images, prompts] = boxes.shape as [number, number];
    const features = this.#features(tf.reshape(boxes, [images, prompts, 2, 2]));
    const corners = tf.concat(this.pointTypes.slice(2), 0);
    const embedded: tf.Tensor4D = tf.add(features, corners);
    if (textAdditive === undefined) {
      return embedded;
    }
    checkShape(textAdditive.shape, [images, prompts, this.#config.promptWidth], "textAdditive [N, P, D]");
    return tf.add(embedded, tf.expandDims(textAdditive, 2));
  }

  #embedMasks(masks: tf.Tensor | undefined): tf.Tensor {
    const width = this.#config.promptWidth;
    if (masks === undefined) {
      return tf.reshape(this.noMask, [1, 1, 1, 1, width]);
    }
    const grid = gridSize(this.#config);
    checkShape(masks.shape, [null, null, 4 * grid, 4 * grid], "masks [N, P, 4h, 4w]");
    const [images, prompts] = masks.shape as [number, number];
    const embedded = this.maskEmbedding.forward(tf.reshape(masks, [images * prompts, 4 * grid, 4 * grid, 1]));
    return tf.reshape(embedded, [images, prompts, grid, grid, width]);
  }
}

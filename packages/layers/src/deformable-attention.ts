import {checkShape, ConfigError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {Block} from "./block.js";
import {xavierUniform, zeros} from "./initializers.js";
import type {Initializer} from "./initializers.js";
import {Linear} from "./linear.js";
import {multiScaleDeformableAttention} from "./ops/multi-scale-deformable-attention.js";
import type {RandomOptions} from "./random-options.js";

/** Shape of a deformable attention layer. */
export interface DeformableAttentionConfig {
  /** Width of queries, features and the result. */
  width: number;
  /** Number of heads; divides the width. */
  heads: number;
  /** Number of feature maps. */
  levels: number;
  /** Points that a head looks at on each feature map. */
  points: number;
}

/** What {@link DeformableAttention.forward} looks at. */
export interface DeformableAttentionCall {
  /** Features of all levels one after the other [N, S, D]. */
  value: tf.Tensor;
  /** Height and width of each level, in cells. */
  levels: readonly {readonly height: number; readonly width: number}[];
  /** Where each query starts from: points [N, Q, levels, 2] or boxes (centre, size) [N, Q, levels, 4], 0 .. 1. */
  reference: tf.Tensor;
  /** 1 where a feature counts and 0 where it is padding [N, S]; left out means all count. */
  mask?: tf.Tensor;
}

/**
 * Attention of queries to a few learnt points around a reference on every feature map.
 *
 * Shapes: query [N, Q, D], value [N, S, D]; returns [N, Q, D].
 * Units: references are fractions of the feature map; offsets are cells for points and eighths of the box, divided by
 * the number of points as published, for boxes.
 *
 * Weights: `sampling_offsets`, `attention_weights`, `value_proj`, `output_proj`. Untrained heads look in different
 * directions, each point one cell farther than the one before.
 *
 * @example
 * ```ts
 * const config = {width: 16, heads: 2, levels: 1, points: 4};
 * const layer = new DeformableAttention(config, {random: createRandom(1)});
 * const call = {value: tf.ones([1, 9, 16]), levels: [{height: 3, width: 3}], reference: tf.fill([1, 5, 1, 2], 0.5)};
 * layer.forward(tf.ones([1, 5, 16]), call).shape; // [1, 5, 16]
 * ```
 *
 * Source: Zhu et al. 2021, equation 3 and appendix A.4; names and first values of the published GroundingDINO.
 */
export class DeformableAttention extends Block {
  /** Query to offsets of its points. */
  readonly samplingOffsets: Linear;
  /** Query to weights of its points, before the softmax. */
  readonly attentionWeights: Linear;
  /** Projection of the features. */
  readonly valueProjection: Linear;
  /** Projection of the result. */
  readonly outputProjection: Linear;
  /** Shape of the layer. */
  readonly config: DeformableAttentionConfig;

  /**
   * @param config - Widths and numbers of heads, levels, points.
   * @param options - Source of the first values.
   * @throws ConfigError if the heads do not divide the width.
   */
  constructor(config: DeformableAttentionConfig, options: RandomOptions) {
    super();
    const {width, heads, levels, points} = config;
    if (width % heads !== 0) {
      throw new ConfigError(
        `DeformableAttention: expected heads that divide the width ${width}, got ${heads}.`,
      );
    }
    this.config = config;
    const {random} = options;
    const samples = heads * levels * points;
    this.samplingOffsets = this.addBlock(
      "sampling_offsets",
      new Linear(width, samples * 2, {random, initializer: zeros(), biasInitializer: rays(config)}),
    );
    this.attentionWeights = this.addBlock(
      "attention_weights",
      new Linear(width, samples, {random, zero: true}),
    );
    const project = (name: string): Linear => {
      const initializer = xavierUniform(random.fork(name).fork("weight"));
      return this.addBlock(name, new Linear(width, width, {random, initializer}));
    };
    this.valueProjection = project("value_proj");
    this.outputProjection = project("output_proj");
  }

  /**
   * @param query - Queries with their positions added [N, Q, D].
   * @param call - Features, their levels, references, mask.
   * @returns One mixture per query [N, Q, D]; the caller disposes it.
   * @throws ShapeError if the shapes do not belong together.
   */
  override forward(query: tf.Tensor, call: DeformableAttentionCall): tf.Tensor {
    const {width, heads, levels, points} = this.config;
    const [images, queries] = query.shape as [number, number, number];
    checkShape(query.shape, [null, null, width], "query of DeformableAttention [N, Q, D]");
    checkShape(call.value.shape, [images, null, width], "value of DeformableAttention [N, S, D]");
    const coordinates = call.reference.shape.at(-1) === 4 ? 4 : 2;
    checkShape(
      call.reference.shape,
      [images, queries, levels, coordinates],
      "reference of DeformableAttention [N, Q, levels, 2 or 4]",
    );
    const places = call.value.shape[1] as number;
    const projected = this.valueProjection.forward(call.value);
    const seen =
      call.mask === undefined
        ? projected
        : tf.mul(projected, tf.reshape(tf.cast(call.mask, "float32"), [images, places, 1]));
    const scores = tf.reshape(this.attentionWeights.forward(query), [
      images,
      queries,
      heads,
      levels * points,
    ]);
    const weights = tf.reshape(tf.softmax(scores), [images, queries, heads, levels, points]);
    const value = tf.reshape(seen, [images, places, heads, width / heads]);
    const mixed = multiScaleDeformableAttention(value, call.levels, this.#locations(query, call), weights);
    return this.outputProjection.forward(mixed);
  }

  /** Where the points lie, [N, Q, heads, levels, points, 2]. */
  #locations(query: tf.Tensor, {reference, levels}: DeformableAttentionCall): tf.Tensor {
    const {heads, levels: count, points} = this.config;
    const [images, queries] = query.shape as [number, number, number];
    const wide = points * 2;
    const shape = [images, queries, heads, count, wide];
    const offsets = tf.reshape(this.samplingOffsets.forward(query), shape);
    // Points and coordinates stay one axis: x, y, x, y, ...
    const repeated = (part: tf.Tensor): tf.Tensor =>
      tf.reshape(tf.tile(part, [1, 1, 1, points]), [images, queries, 1, count, wide]);
    const start = (from: number): tf.Tensor =>
      tf.slice(reference, [0, 0, 0, from], [images, queries, count, 2]);
    const moved =
      reference.shape.at(-1) === 2
        ? tf.div(offsets, tf.tensor3d(cellsPerUnit(levels, points), [1, count, wide]))
        : tf.mul(offsets, tf.mul(repeated(start(2)), 0.5 / points));
    const locations = tf.add(moved, repeated(start(0)));
    return tf.reshape(locations, [images, queries, heads, count, points, 2]);
  }
}

/** Width and height of each level, once for every point. */
function cellsPerUnit(levels: DeformableAttentionCall["levels"], points: number): Float32Array {
  return Float32Array.from(
    levels.flatMap(({width, height}) => Array.from({length: points}, () => [width, height]).flat()),
  );
}

/** Heads look in directions spread over the circle (a square of radius 1), each point one cell farther. */
function rays({heads, levels, points}: DeformableAttentionConfig): Initializer {
  return () => {
    const values: number[] = [];
    for (let head = 0; head < heads; head++) {
      const angle = (head * 2 * Math.PI) / heads;
      const direction = [Math.cos(angle), Math.sin(angle)] as const;
      const longest = Math.max(Math.abs(direction[0]), Math.abs(direction[1]));
      for (let level = 0; level < levels; level++) {
        for (let point = 1; point <= points; point++) {
          values.push((direction[0] / longest) * point, (direction[1] / longest) * point);
        }
      }
    }
    return Float32Array.from(values);
  };
}

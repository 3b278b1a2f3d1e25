import type * as tf from "@tensorflow/tfjs-core";
import {Block} from "./block.js";
import {ones, zeros} from "./initializers.js";
import {groupNorm} from "./ops/group-norm.js";

/** Options of {@link GroupNorm}. */
export interface GroupNormOptions {
  /** Number of groups of neighbouring channels; divides the width. */
  groups: number;
  /** Added to the variance; default 1e-5, as in the published models. */
  epsilon?: number;
}

/**
 * Normalisation of groups of channels over all places of an image.
 *
 * Shapes: [N, ..., C] → [N, ..., C]; weights `weight` [C] and `bias` [C].
 *
 * @example
 * ```ts
 * const norm = new GroupNorm(64, {groups: 32});
 * norm.forward(tf.ones([1, 8, 8, 64])).shape; // [1, 8, 8, 64]
 * ```
 *
 * Source: Wu and He 2018.
 */
export class GroupNorm extends Block {
  /** Scale per channel. */
  readonly weight: tf.Variable;
  /** Offset per channel. */
  readonly bias: tf.Variable;
  /** Number of groups. */
  readonly groups: number;
  /** Added to the variance. */
  readonly epsilon: number;

  /**
   * @param width - Number of channels.
   * @param options - Groups and epsilon.
   */
  constructor(width: number, options: GroupNormOptions) {
    super();
    this.groups = options.groups;
    this.epsilon = options.epsilon ?? 1e-5;
    this.weight = this.addVariable("weight", [width], ones());
    this.bias = this.addVariable("bias", [width], zeros());
  }

  /**
   * @param x - Grids or sequences [N, ..., C].
   * @returns The normalised tensor; the caller disposes it.
   * @throws ConfigError if the groups do not divide the channels.
   */
  override forward(x: tf.Tensor): tf.Tensor {
    const {groups, weight, bias, epsilon} = this;
    return groupNorm(x, {groups, weight, bias, epsilon});
  }
}

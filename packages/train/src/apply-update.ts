import {clip} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import type {AdamW} from "./optimizer/adamw.js";
import {clipFactor, globalNorm} from "./optimizer/clip-by-global-norm.js";
import type {ExponentialMovingAverage} from "./optimizer/exponential-moving-average.js";

/** Averages that follow the weights, see `ema` of `fit`. */
export interface FollowingAverage {
  /** The averages; they track the weights already. */
  readonly average: ExponentialMovingAverage;
  /** Whether the decay is low at first. */
  readonly warmup: boolean;
}

/** What changes in an update, and how. */
export interface UpdateTarget {
  readonly variables: ReadonlyMap<string, tf.Variable>;
  /** Smallest and largest value of some weights, by dotted path. */
  readonly bounds?: ReadonlyMap<string, readonly [min: number, max: number]> | undefined;
  readonly optimizer: AdamW;
  readonly clipNorm?: number | undefined;
  readonly following?: FollowingAverage | undefined;
}

/** Tensors of one update. */
export interface UpdateCall {
  readonly loss: tf.Tensor;
  readonly gradients: ReadonlyMap<string, tf.Tensor>;
  readonly rate: tf.Tensor;
  /** Number of this update from 1. */
  readonly update: tf.Tensor;
}

/** Largest number below float32's infinity that is safe to compare with. */
const LARGEST = 3.4e38;

/**
 * Clips gradients and updates weights, moments and averages; fit for `engine.compile`.
 *
 * Whether loss and norm are finite is decided inside the graph, by comparison: NaN compares false, while a
 * maximum may lose it. A refused update keeps every weight, moment and average as it was.
 *
 * @param target - What changes, and how.
 * @param call - Loss, gradients, rate, number of the update.
 * @returns Norm of all gradients before clipping, and 1 if the update was accepted, else 0.
 */
export function applyUpdate(target: UpdateTarget, call: UpdateCall): {norm: tf.Tensor; accepted: tf.Tensor} {
  const {variables, bounds, optimizer, clipNorm, following} = target;
  const {loss, gradients, rate, update} = call;
  const norm = globalNorm(gradients);
  const accept = tf.logicalAnd(tf.lessEqual(tf.abs(loss), LARGEST), tf.lessEqual(norm, LARGEST));
  const scale = clipNorm === undefined ? undefined : clipFactor(norm, clipNorm);
  optimizer.apply(gradients, variables, rate, update, {accept, ...(scale && {scale})});
  for (const [path, [min, max]] of bounds ?? []) {
    const variable = variables.get(path);
    if (variable === undefined) continue;
    const gate = tf.broadcastTo(accept, variable.shape);
    variable.assign(tf.where(gate, clip(variable, min, max), variable));
  }
  if (following !== undefined) {
    const {average, warmup} = following;
    average.update(variables, {accept, ...(warmup && {decay: average.warmUp(update)})});
  }
  return {norm, accepted: tf.cast(accept, "float32")};
}

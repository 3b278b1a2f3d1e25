import {ConfigError, checkRange, checkShape} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {crossEntropyValues} from "./binary-cross-entropy.js";

/** Settings of {@link sigmoidFocal}. */
export interface SigmoidFocalOptions {
  /** Weight of positive elements, 0..1; negatives get the rest. Below 0: no weighting. Default 0.25. */
  alpha?: number;
  /** How strongly easy elements are played down: 0 or at least 1. Default 2. */
  gamma?: number;
}

/**
 * Sigmoid focal loss, element by element: cross entropy that plays down what is already right.
 *
 * a (1 - p_t)^gamma BCE, where p_t is the probability of the truth and a the weight of its class. The gradient
 * with respect to the logits is written by hand; 1 - p_t is computed without cancellation, so that saturated
 * logits, right or wrong, keep their exact gradient. Targets are constants and get none.
 *
 * Shapes: logits and targets of one shape [...] → [...].
 * Units: logits in; targets 0..1.
 *
 * @param logits - Predictions before the sigmoid.
 * @param targets - Truth of the same shape.
 * @param options - Class weight and focus.
 * @returns One number per element; the caller disposes it.
 * @throws ConfigError if gamma is below 0 or between 0 and 1 (its gradient is infinite at a perfect
 *   prediction), or alpha is above 1; ShapeError if the shapes differ.
 * @example
 * ```ts
 * const loss = tf.mean(sigmoidFocal(logits, truth, {alpha: 0.25, gamma: 2}));
 * ```
 *
 * Source: Lin et al. 2017, equation 5; checked against the sigmoid focal loss of transformers.
 */
export function sigmoidFocal(
  logits: tf.Tensor,
  targets: tf.Tensor,
  options: SigmoidFocalOptions = {},
): tf.Tensor {
  const {alpha = 0.25, gamma = 2} = options;
  checkRange(alpha, {max: 1}, "alpha of the focal loss");
  checkRange(gamma, {min: 0}, "gamma of the focal loss");
  if (gamma > 0 && gamma < 1) {
    throw new ConfigError(`gamma of the focal loss: expected 0 or at least 1, got ${gamma}.`);
  }
  checkShape(targets.shape, logits.shape, "targets of the focal loss");
  const operation = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([x, targets]);
    return {
      value: focalValues(x, targets, alpha, gamma),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [logit, target] = saved as [tf.Tensor, tf.Tensor];
        return tf.mul(dy, focalSlope(logit, target, alpha, gamma));
      },
    };
  });
  return operation(logits);
}

function classWeighted(values: tf.Tensor, t: tf.Tensor, alpha: number): tf.Tensor {
  return alpha < 0 ? values : tf.mul(values, tf.add(tf.mul(t, 2 * alpha - 1), 1 - alpha));
}

function power(x: tf.Tensor, exponent: number): tf.Tensor | undefined {
  if (exponent === 0) return undefined;
  if (exponent === 1) return x;
  return exponent === 2 ? tf.square(x) : tf.pow(x, exponent);
}

/** Probabilities of yes and no, each exact where it is tiny, weighted with the truth of the other: sums to 1 - p_t. */
function misses(
  x: tf.Tensor,
  t: tf.Tensor,
): {yes: tf.Tensor; no: tf.Tensor; over: tf.Tensor; under: tf.Tensor} {
  const yes = tf.sigmoid(x);
  const no = tf.sigmoid(tf.neg(x));
  return {yes, no, over: tf.sub(yes, tf.mul(yes, t)), under: tf.mul(no, t)};
}

function focalValues(x: tf.Tensor, t: tf.Tensor, alpha: number, gamma: number): tf.Tensor {
  const {over, under} = misses(x, t);
  const focus = power(tf.add(over, under), gamma);
  const entropy = crossEntropyValues(x, t);
  return classWeighted(focus === undefined ? entropy : tf.mul(focus, entropy), t, alpha);
}

function focalSlope(x: tf.Tensor, t: tf.Tensor, alpha: number, gamma: number): tf.Tensor {
  const {yes, no, over, under} = misses(x, t);
  const entropySlope = tf.sub(over, under);
  if (gamma === 0) return classWeighted(entropySlope, t, alpha);
  const miss = tf.add(over, under);
  const focus = power(miss, gamma) as tf.Tensor;
  const lower = power(miss, gamma - 1);
  const missSlope = tf.mul(tf.mul(yes, no), tf.sub(gamma, tf.mul(t, 2 * gamma)));
  const scaled = lower === undefined ? missSlope : tf.mul(missSlope, lower);
  const slope = tf.add(tf.mul(focus, entropySlope), tf.mul(scaled, crossEntropyValues(x, t)));
  return classWeighted(slope, t, alpha);
}

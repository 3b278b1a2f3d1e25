import {checkRange, ConfigError, DataError, ShapeError} from "@claps/core";
import {minimize} from "./minimize.js";

/** What to fit. */
export interface LogisticProblem {
  /** [rows × width] numbers, row by row. */
  readonly features: Float32Array;
  readonly width: number;
  /** Class of each row, 0 .. classCount - 1. */
  readonly classes: ArrayLike<number>;
  readonly classCount: number;
  /** Weight of half the sum of squares of the coefficients beside the sum of log losses; the inverse of scikit-learn's C. */
  readonly penalty: number;
  /** A model of the same sizes to start from; left out means zeros. */
  readonly start?: LogisticModel;
}

/** A fitted logistic regression. */
export interface LogisticModel {
  readonly width: number;
  readonly classCount: number;
  /**
   * Two classes: one row, the log odds of the second class. More: one row per class. [rows × width].
   */
  readonly coefficients: Float64Array;
  /** One per row of coefficients; not penalised. */
  readonly intercepts: Float64Array;
  readonly penalty: number;
  readonly steps: number;
  /** Whether the gradient vanished as far as wanted; the problem is convex, so that the answer is then the only one. */
  readonly converged: boolean;
}

/**
 * An L2-regularised logistic regression, fitted until the gradient vanishes.
 *
 * For frozen features of some thousand pictures; the pixel control, which has hundreds of thousands of rows, is
 * fitted by the engine instead.
 *
 * Shapes: features [rows × width].
 *
 * @param problem - Rows, classes, penalty.
 * @returns Coefficients and intercepts.
 * @throws ShapeError if rows and classes do not fit; ConfigError for a penalty that is not above 0 or a class out of
 * range; DataError for a number that is not finite, or if fewer than two classes occur.
 * @example
 * ```ts
 * const model = fitLogisticRegression({features, width: 512, classes, classCount: 2, penalty: 1});
 * const probabilities = predictProbabilities(model, others);
 * ```
 *
 * Source: the objective of scikit-learn's LogisticRegression with C = 1 / penalty; checked against it.
 */
export function fitLogisticRegression(problem: LogisticProblem): LogisticModel {
  const {features, width, classes, classCount, penalty, start} = problem;
  checkProblem(problem);
  const rows = classCount === 2 ? 1 : classCount;
  // Around their mean, features are far better conditioned; intercepts are free, so that the answer is the same.
  const centre = columnMeans(features, width);
  const size = width + 1;
  const first = new Float64Array(rows * size);
  if (start?.coefficients.length === rows * width) {
    for (let row = 0; row < rows; row++) {
      const own = start.coefficients.subarray(row * width, (row + 1) * width);
      first.set(own, row * size);
      first[row * size + width] = (start.intercepts[row] as number) + dot(own, centre);
    }
  }
  const logits = new Float64Array(rows);
  const loss = (point: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    const offsets = Float64Array.from(
      {length: rows},
      (_, row) =>
        (point[row * size + width] as number) - dot(point.subarray(row * size, row * size + width), centre),
    );
    let sum = 0;
    for (let item = 0; item < classes.length; item++) {
      computeLogits(logits, features, item, {point, offsets, width, size});
      sum += residuals(logits, classes[item] as number);
      for (let row = 0; row < rows; row++) {
        const residual = logits[row] as number;
        const [to, from] = [row * size, item * width];
        for (let at = 0; at < width; at++) gradient[to + at]! += residual * (features[from + at] as number);
        gradient[to + width]! += residual;
      }
    }
    for (let row = 0; row < rows; row++) {
      const to = row * size;
      const total = gradient[to + width] as number;
      for (let at = 0; at < width; at++) {
        const value = point[to + at] as number;
        gradient[to + at]! += penalty * value - total * (centre[at] as number);
        sum += (penalty * value * value) / 2;
      }
    }
    return sum;
  };
  // Sums over the rows are no more exact than this, however small the penalty.
  const noise = 1e-13 * classes.length * features.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const tolerance = Math.max(1e-8 * Math.min(1, penalty), noise);
  const found = minimize(loss, {start: first, tolerance});
  const coefficients = new Float64Array(rows * width);
  const intercepts = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const own = found.point.subarray(row * size, row * size + width);
    coefficients.set(own, row * width);
    intercepts[row] = (found.point[row * size + width] as number) - dot(own, centre);
  }
  const {steps, converged} = found;
  return {width, classCount, coefficients, intercepts, penalty, steps, converged};
}

/**
 * Probabilities of every class.
 *
 * Shapes: features [rows × width]; the result [rows × classes].
 *
 * @throws ShapeError if the rows are of another width.
 */
export function predictProbabilities(model: LogisticModel, features: Float32Array): Float64Array {
  const {width, classCount, coefficients, intercepts} = model;
  if (features.length % width !== 0) {
    throw new ShapeError(
      `Features: expected rows of ${width} numbers, got ${features.length} numbers in all.`,
    );
  }
  const count = features.length / width;
  const logits = new Float64Array(intercepts.length);
  const table = new Float64Array(count * classCount);
  for (let item = 0; item < count; item++) {
    computeLogits(logits, features, item, {point: coefficients, offsets: intercepts, width, size: width});
    if (classCount === 2) {
      const second = sigmoid(logits[0] as number);
      table.set([1 - second, second], item * 2);
    } else {
      softmax(logits);
      table.set(logits, item * classCount);
    }
  }
  return table;
}

/**
 * Mean negative log likelihood of the true classes.
 *
 * @param model - The model.
 * @param features - [rows × width].
 * @param classes - Class of each row.
 * @returns At least 0; NaN without rows.
 */
export function logLoss(model: LogisticModel, features: Float32Array, classes: ArrayLike<number>): number {
  const table = predictProbabilities(model, features);
  let sum = 0;
  for (let item = 0; item < classes.length; item++) {
    const likelihood = table[item * model.classCount + (classes[item] as number)] as number;
    // As in scikit-learn, a sure and wrong answer costs a finite amount.
    sum -= Math.log(Math.max(likelihood, Number.EPSILON));
  }
  return sum / classes.length;
}

function computeLogits(
  logits: Float64Array,
  features: Float32Array,
  item: number,
  {point, offsets, width, size}: {point: Float64Array; offsets: Float64Array; width: number; size: number},
): void {
  const from = item * width;
  for (let row = 0; row < logits.length; row++) {
    let sum = offsets[row] as number;
    const start = row * size;
    for (let at = 0; at < width; at++) sum += (point[start + at] as number) * (features[from + at] as number);
    logits[row] = sum;
  }
}

/** Turns logits into probability minus truth, in place; gives back the loss of the row. */
function residuals(logits: Float64Array, truth: number): number {
  if (logits.length === 1) {
    const logit = logits[0] as number;
    logits[0] = sigmoid(logit) - truth;
    // log(1 + exp(logit)) without overflow.
    return Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit))) - truth * logit;
  }
  const own = logits[truth] as number;
  const logSum = softmax(logits);
  logits[truth]! -= 1;
  return logSum - own;
}

function sigmoid(logit: number): number {
  // The exponential of a negative number never overflows.
  const small = Math.exp(-Math.abs(logit));
  return logit >= 0 ? 1 / (1 + small) : small / (1 + small);
}

/** Softmax in place; gives back the logarithm of the sum of exponentials. */
function softmax(logits: Float64Array): number {
  const highest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  let sum = 0;
  for (let row = 0; row < logits.length; row++) {
    logits[row] = Math.exp((logits[row] as number) - highest);
    sum += logits[row] as number;
  }
  for (let row = 0; row < logits.length; row++) logits[row]! /= sum;
  return highest + Math.log(sum);
}

function columnMeans(features: Float32Array, width: number): Float64Array {
  const means = new Float64Array(width);
  const rows = features.length / width;
  features.forEach((value, at) => (means[at % width]! += value / rows));
  return means;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] as number) * (b[at] as number);
  return sum;
}

function checkProblem({features, width, classes, classCount, penalty}: LogisticProblem): void {
  checkRange(width, {min: 1, integer: true}, "width");
  checkRange(classCount, {min: 2, integer: true}, "classCount");
  if (!(penalty > 0 && Number.isFinite(penalty))) {
    throw new ConfigError(`penalty: expected a number above 0, got ${penalty}.`);
  }
  if (features.length !== classes.length * width) {
    throw new ShapeError(
      `features: expected ${classes.length} rows of ${width} numbers, got ${features.length} numbers in all.`,
    );
  }
  const bad = features.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new DataError(
      `features: expected finite numbers, got ${features[bad]} in row ${Math.floor(bad / width)}.`,
    );
  }
  const seen = new Set<number>();
  for (let item = 0; item < classes.length; item++) {
    const name = classes[item] as number;
    checkRange(name, {min: 0, max: classCount - 1, integer: true}, `classes[${item}]`);
    seen.add(name);
  }
  if (seen.size < 2) {
    throw new DataError(
      `classes: expected at least two classes among ${classes.length} rows, got ${seen.size}.`,
    );
  }
}

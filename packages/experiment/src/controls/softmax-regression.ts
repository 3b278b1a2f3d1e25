import {currentEngine} from "@claps/core";
import {AdamW, compileTrainStep} from "@claps/train";
import type {Objective} from "@claps/train";
import * as tf from "@tensorflow/tfjs-core";

/** A fitted multinomial logistic regression. */
export interface SoftmaxRegression {
  /** Probabilities of every class [rows × classes], row by row. */
  probabilities(features: Float32Array): Promise<Float32Array>;
}

/** What to fit. */
export interface SoftmaxRegressionProblem {
  /** [rows × width] numbers, row by row. */
  features: Float32Array;
  /** Numbers per row. */
  width: number;
  /** Class of each row, 0 .. classes - 1. */
  classes: Int32Array;
  classCount: number;
}

const STEPS = 300;
const RATE = 0.1;

/**
 * Fits a multinomial logistic regression by full-batch Adam on standardised features.
 *
 * The problem is convex: with 300 steps the loss no longer moves in the third digit.
 */
export async function fitSoftmaxRegression(problem: SoftmaxRegressionProblem): Promise<SoftmaxRegression> {
  const {features, width, classes, classCount} = problem;
  const rows = classes.length;
  const {mean, deviation} = columnStatistics(features, width);
  const standardised = standardise(features, width, mean, deviation);
  const x = tf.tensor2d(standardised, [rows, width]);
  const labels = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(classes, "int32"), classCount), "float32"));
  // A variable keeps its own hold on the numbers; the tensor that it starts from has to go.
  const weights = tf.tidy(() => tf.variable(tf.zeros([width, classCount])));
  const bias = tf.tidy(() => tf.variable(tf.zeros([classCount])));
  const variables = new Map<string, tf.Variable>([
    ["weight", weights],
    ["bias", bias],
  ]);
  const optimizer = new AdamW({weightDecay: 0});
  optimizer.track(variables);
  const objective: Objective<never> = {
    variables,
    prepare: () => [],
    loss: ([input, truth]) => {
      const logits = tf.add(tf.matMul(input as tf.Tensor2D, weights), bias);
      const likelihood = tf.sum(tf.mul(truth as tf.Tensor2D, tf.logSoftmax(logits)), -1);
      return {loss: tf.neg(tf.mean(likelihood)), parts: {}};
    },
  };
  const step = compileTrainStep({objective, optimizer, engine: currentEngine()});
  for (let update = 1; update <= STEPS; update++) await step.run([x, labels], RATE, update);
  step.dispose();
  const [slope, offset] = await Promise.all([weights.data(), bias.data()]);
  tf.dispose([x, labels, weights, bias]);
  optimizer.dispose();
  return {
    probabilities: async (values) => {
      const result = tf.tidy(() => {
        const input = tf.tensor2d(standardise(values, width, mean, deviation), [
          values.length / width,
          width,
        ]);
        return tf.softmax(
          tf.add(tf.matMul(input, tf.tensor2d(slope, [width, classCount])), tf.tensor1d(offset)),
        );
      });
      const data = (await result.data()) as Float32Array;
      result.dispose();
      return data;
    },
  };
}

function columnStatistics(
  values: Float32Array,
  width: number,
): {mean: Float64Array; deviation: Float64Array} {
  const rows = values.length / width;
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  values.forEach((value, index) => {
    mean[index % width]! += value / rows;
    square[index % width]! += (value * value) / rows;
  });
  const deviation = square.map((value, column) => Math.sqrt(Math.max(value - mean[column]! ** 2, 1e-8)));
  return {mean, deviation};
}

function standardise(
  values: Float32Array,
  width: number,
  mean: Float64Array,
  deviation: Float64Array,
): Float32Array {
  return values.map((value, index) => (value - mean[index % width]!) / deviation[index % width]!);
}

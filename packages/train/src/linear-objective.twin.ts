import {createRandom} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import type {Objective} from "./objective.js";

/** One point of a straight line for the tests of the training loop. */
export interface Point {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

/** The smallest objective that can be trained: y = slope x + offset, with noise drawn by the objective. */
export interface LinearObjective extends Objective<Point> {
  readonly variables: Map<string, tf.Variable>;
  dispose(): void;
}

/**
 * Mean squared error of a straight line.
 *
 * @param options - Size of the noise on x, drawn anew in each step.
 */
export function linearObjective(options: {noise?: number} = {}): LinearObjective {
  const {noise = 0} = options;
  const variables = new Map<string, tf.Variable>([
    ["line.slope", tf.variable(tf.tensor2d([[0.5]]))],
    ["line.offset", tf.variable(tf.tensor1d([-1]))],
  ]);
  return {
    variables,
    prepare: (items, random) => [
      tf.tensor2d(
        items.map(({x}) => x + noise * random.normal()),
        [items.length, 1],
      ),
      tf.tensor2d(
        items.map(({y}) => y),
        [items.length, 1],
      ),
    ],
    loss: ([x, y]) => {
      const slope = variables.get("line.slope") as tf.Variable<tf.Rank.R2>;
      const predicted = tf.add(tf.matMul(x as tf.Tensor2D, slope), variables.get("line.offset")!);
      const error = tf.sub(predicted, y!);
      const loss = tf.mean<tf.Scalar>(tf.square(error));
      return {loss, parts: {bias: tf.mean(error)}};
    },
    dispose: () => tf.dispose([...variables.values()]),
  };
}

/**
 * Four points of y = 2 x + 1; a pure function of the step.
 *
 * @param step - Number of the step.
 */
export function pointsAt(step: number): Promise<Point[]> {
  const random = createRandom("points").fork(step);
  return Promise.resolve(
    Array.from({length: 4}, (_, index) => {
      const x = random.uniform(-1, 1);
      return {id: `point ${step}.${index}`, x, y: 2 * x + 1};
    }),
  );
}

import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients.
import "@tensorflow/tfjs-layers";

import {compile} from "./compile.js";
import {engineMemory} from "./memory-report.js";
import {wave} from "./oracle.twin.js";
import {registerOnnxBackend} from "./register.js";

/**
 * Trains, evaluates and trains again, and prints what memory it holds meanwhile, as one line of JSON. To be run as a
 * program of its own with `--expose-gc`, for the memory of a process that did something else before tells little.
 */

registerOnnxBackend({threads: 2});
await tf.setBackend("onnx");

const BATCH = 16;
const SIZES = [512, 2048, 512, 1];

/** A variable whose first value is not kept beside it. */
function variable(create: () => tf.Tensor): tf.Variable {
  return tf.tidy(() => tf.variable(create()));
}

const variables = SIZES.slice(1).flatMap((width, layer) => {
  const before = SIZES[layer] as number;
  const numbers = wave([before, width], 0.37 + layer).map((value) => value / Math.sqrt(before));
  return [variable(() => tf.tensor2d(numbers, [before, width])), variable(() => tf.zeros([width]))];
});
const moments = variables.map(({shape}) => [
  variable(() => tf.zeros(shape)),
  variable(() => tf.zeros(shape)),
]);

function predict(x: tf.Tensor): tf.Tensor {
  return SIZES.slice(1).reduce((values: tf.Tensor, _, layer) => {
    const [weight, bias] = variables.slice(2 * layer) as [tf.Variable, tf.Variable];
    const sum = tf.add(tf.matMul(values as tf.Tensor2D, weight as tf.Variable<tf.Rank.R2>), bias);
    return layer < SIZES.length - 2 ? tf.relu(sum) : sum;
  }, x);
}

const step = compile((x: tf.Tensor, y: tf.Tensor, rate: tf.Tensor, count: tf.Tensor) => {
  const {value, grads} = tf.variableGrads(
    () => tf.mean<tf.Scalar>(tf.square(tf.sub(predict(x), y))),
    variables,
  );
  variables.forEach((weight, index) => {
    const gradient = grads[weight.name] as tf.Tensor;
    const [first, second] = moments[index] as [tf.Variable, tf.Variable];
    first.assign(tf.add(tf.mul(first, 0.9), tf.mul(gradient, 0.1)));
    second.assign(tf.add(tf.mul(second, 0.999), tf.mul(tf.square(gradient), 0.001)));
    const corrected = tf.div(first, tf.sub(1, tf.pow(0.9, count)));
    const spread = tf.sqrt(tf.div(second, tf.sub(1, tf.pow(0.999, count))));
    weight.assign(tf.sub(weight, tf.mul(rate, tf.div(corrected, tf.add(spread, 1e-8)))));
  });
  return value;
});
const evaluate = compile((x: tf.Tensor) => predict(x));

/** Memory of the process after every tenth step, garbage collected before. */
const samples: {step: number; rss: number; tensors: number}[] = [];
let steps = 0;

function sample(): void {
  const {gc} = globalThis as {gc?: () => void};
  gc?.();
  const {rss, tensors} = engineMemory();
  samples.push({step: steps, rss, tensors});
}

/** Trains on fresh tensors, as a loader makes them; gives the last loss. */
function train(count: number): number {
  let loss = NaN;
  for (let index = 0; index < count; index++) {
    steps++;
    const inputs = [
      tf.tensor2d(wave([BATCH, SIZES[0] as number], 0.1 + (steps % 7)), [BATCH, SIZES[0] as number]),
      tf.tensor2d(wave([BATCH, 1], 0.2 + (steps % 7)), [BATCH, 1]),
      tf.scalar(1e-3),
      tf.scalar(steps),
    ] as const;
    const result = step(...inputs);
    loss = result.dataSync()[0] as number;
    tf.dispose([result, ...inputs]);
    if (steps % 10 === 0) sample();
  }
  return loss;
}

const losses = [train(10), train(490)];
for (const batch of [64, 128, 256]) {
  for (let call = 0; call < 5; call++) {
    const x = tf.tensor2d(wave([batch, SIZES[0] as number], 0.3), [batch, SIZES[0] as number]);
    const result = evaluate(x);
    result.dataSync();
    tf.dispose([result, x]);
  }
}
const evaluation = {graphs: engineMemory().compiled, rss: engineMemory().rss};
// The stage is over.
evaluate.dispose();
train(100);
console.log(JSON.stringify({samples, losses, evaluation, traces: step.traces, memory: engineMemory()}));

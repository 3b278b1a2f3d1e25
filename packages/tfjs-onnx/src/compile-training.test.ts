import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients.
import "@tensorflow/tfjs-layers";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {compile} from "./compile.js";
import {largestDifference, wave} from "./oracle.twin.js";
import {registerOnnxBackend} from "./register.js";

registerOnnxBackend({threads: 2});

const BATCH = 6;
const TOKENS = 5;
const WIDTH = 8;

type Weights = Record<string, tf.Variable>;

interface State {
  readonly weights: Weights;
  readonly first: Weights;
  readonly second: Weights;
}

/** Weights of one attention block and a perceptron of two layers, with two moments each. */
function createState(): State {
  const shapes: Record<string, number[]> = {
    query: [WIDTH, WIDTH],
    key: [WIDTH, WIDTH],
    value: [WIDTH, WIDTH],
    hidden: [WIDTH, 2 * WIDTH],
    bias: [2 * WIDTH],
    output: [2 * WIDTH, 1],
  };
  const make = (initial: (shape: number[], index: number) => tf.Tensor): Weights =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape], index) => [name, tf.variable(initial(shape, index))]),
    );
  return {
    weights: make((shape, index) => tf.tensor(wave(shape, 0.31 + 0.17 * index), shape)),
    first: make((shape) => tf.zeros(shape)),
    second: make((shape) => tf.zeros(shape)),
  };
}

function product(x: tf.Tensor, weight: tf.Tensor | undefined): tf.Tensor {
  const flat = tf.reshape(x, [-1, x.shape.at(-1) as number]);
  const result = tf.matMul(flat, weight as tf.Tensor2D);
  return tf.reshape(result, [...x.shape.slice(0, -1), result.shape[1] as number]);
}

function predict(weights: Weights, x: tf.Tensor): tf.Tensor {
  const [query, key, value] = ["query", "key", "value"].map((name) => product(x, weights[name]));
  const scores = tf.mul(tf.matMul(query as tf.Tensor3D, key as tf.Tensor3D, false, true), WIDTH ** -0.5);
  const mixed = tf.add(x, tf.matMul(tf.softmax(scores as tf.Tensor3D), value as tf.Tensor3D));
  const mean = tf.mean(mixed, -1, true);
  const centred = tf.sub(mixed, mean);
  const normal = tf.div(centred, tf.sqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-5)));
  const hidden = tf.relu(tf.add(product(normal, weights["hidden"]), weights["bias"] as tf.Tensor));
  return tf.mean(product(hidden, weights["output"]), [1, 2]);
}

/** One AdamW step with gradients clipped by their global norm. */
function trainStep(
  {weights, first, second}: State,
  clip: boolean,
): (x: tf.Tensor, y: tf.Tensor, rate: tf.Tensor, step: tf.Tensor) => Record<string, tf.Tensor> {
  return (x, y, rate, step) => {
    const {value, grads} = tf.variableGrads(
      () => tf.mean<tf.Scalar>(tf.squaredDifference(predict(weights, x), y)),
      Object.values(weights),
    );
    const norm = tf.sqrt(tf.addN(Object.values(grads).map((gradient) => tf.sum(tf.square(gradient)))));
    const scale = clip ? tf.minimum(tf.div(0.1, norm), 1) : tf.onesLike(norm);
    for (const [name, weight] of Object.entries(weights)) {
      const [m, v] = [first[name] as tf.Variable, second[name] as tf.Variable];
      const gradient = tf.mul(grads[weight.name] as tf.Tensor, scale);
      m.assign(tf.add(tf.mul(m, 0.9), tf.mul(gradient, 0.1)));
      v.assign(tf.add(tf.mul(v, 0.999), tf.mul(tf.square(gradient), 0.001)));
      const corrected = tf.div(m, tf.sub(1, tf.pow(0.9, step)));
      const spread = tf.sqrt(tf.div(v, tf.sub(1, tf.pow(0.999, step))));
      const direction = tf.add(tf.div(corrected, tf.add(spread, 1e-8)), tf.mul(weight, 0.01));
      weight.assign(tf.sub(weight, tf.mul(direction, rate)));
    }
    return {loss: value, norm};
  };
}

interface History {
  readonly losses: number[];
  readonly weights: number[][];
}

async function train(backend: "cpu" | "onnx", clip: boolean): Promise<History & {buffering: string[]}> {
  await tf.setBackend(backend);
  const state = createState();
  const step = trainStep(state, clip);
  const compiled = backend === "onnx" ? compile(step) : undefined;
  const x = tf.tensor(wave([BATCH, TOKENS, WIDTH], 0.77), [BATCH, TOKENS, WIDTH]);
  const y = tf.tensor1d(wave([BATCH], 1.3));
  const losses: number[] = [];
  for (let count = 1; count <= 20; count++) {
    const [rate, number] = [tf.scalar(0.02 / count), tf.scalar(count)];
    const run = (): Record<string, tf.Tensor> => step(x, y, rate, number);
    const {loss, norm} = compiled ? compiled(x, y, rate, number) : tf.tidy(run);
    losses.push((loss as tf.Tensor).dataSync()[0] as number);
    tf.dispose([loss, norm, rate, number]);
  }
  const weights = Object.values(state.weights).map((weight) => Array.from(weight.dataSync()));
  return {losses, weights, buffering: [...(compiled?.report().variables.values() ?? [])]};
}

for (const clip of [true, false]) {
  test(`attention and perceptron trained by AdamW ${clip ? "with" : "without"} clipping follow the plain engine`, async () => {
    const plain = await train("cpu", clip);
    const compiled = await train("onnx", clip);
    assert.ok(largestDifference(plain.losses, compiled.losses) < 1e-5);
    plain.weights.forEach((values, index) =>
      assert.ok(largestDifference(values, compiled.weights[index] as number[]) < 1e-4),
    );
    assert.ok((compiled.losses[19] as number) < 0.9 * (compiled.losses[0] as number), "it learns");
    // Three variables for each of six weights; moments are read by their own update only.
    assert.is(compiled.buffering.length, 18);
    assert.ok(compiled.buffering.filter((buffering) => buffering === "aliased").length >= 12);
    if (clip) assert.is(compiled.buffering.filter((buffering) => buffering === "aliased").length, 18);
  });
}

test("two runs give the same bytes", async () => {
  const [one, two] = [await train("onnx", true), await train("onnx", true)];
  assert.equal(one.weights, two.weights);
  assert.equal(one.losses, two.losses);
});

test.run();

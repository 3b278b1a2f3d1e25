import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {compile} from "./compile.js";
import {largestDifference, wave} from "./oracle.twin.js";
import {registerOnnxBackend} from "./register.js";

registerOnnxBackend({threads: 2});
await tf.setBackend("onnx");

const SIZE = 48;

type Matrix = tf.Tensor2D;

/** Ways to compute a new value, among them such that ONNX Runtime merges with what they read. */
const UPDATES: Record<string, (weight: Matrix, other: Matrix, x: Matrix) => Matrix> = {
  "plus a product": (weight, _other, x) => tf.add(weight, tf.matMul(x, x)),
  "product with itself": (weight, _other, x) => tf.mul(tf.matMul(weight, x), 0.3),
  "running mean": (weight, _other, x) => tf.add(tf.mul(weight, 0.9), tf.mul(x, 0.1)),
  transposed: (weight, _other, x) => tf.add(tf.transpose(weight), x),
  "sum of three": (weight, other, x) => tf.add(tf.mul(tf.addN([x, other, weight]), 0.5), 0),
  "the other's value": (_weight, other) => other,
  chosen: (weight, other, x) => tf.where(tf.greater(x, 0), weight, other),
  "by its own sum": (weight) => tf.div(weight, tf.add(1, tf.sum(tf.abs(weight)))),
  "by its own rows": (weight) => tf.sub(weight, tf.mul(tf.sum(weight, 0, true), 0.01)),
};

const READERS: Record<string, (weight: Matrix, x: Matrix) => tf.Tensor> = {
  "nothing else": (_weight, x) => tf.sum(x),
  "transposed product": (weight, x) => tf.sum(tf.abs(tf.matMul(x, weight, false, true))),
  "scaled product": (weight, x) => tf.sum(tf.abs(tf.matMul(x, tf.mul(weight, 0.5)))),
  "other shape": (weight) => tf.mean(tf.abs(tf.reshape(weight, [2 * SIZE, SIZE / 2])), 0),
};

function matrix(frequency: number): Matrix {
  return tf.tensor2d(wave([SIZE, SIZE], frequency), [SIZE, SIZE]);
}

/** Two variables, and a step that updates both and reads one of them before or after. */
function example(
  update: string,
  reader: string,
  after: boolean,
): {variables: tf.Variable[]; step: (x: tf.Tensor) => tf.Tensor} {
  const variables = [tf.variable(matrix(0.37)), tf.variable(matrix(0.53))];
  const [weight, other] = variables as [tf.Variable<tf.Rank.R2>, tf.Variable<tf.Rank.R2>];
  const read = (x: tf.Tensor): tf.Tensor =>
    (READERS[reader] as (typeof READERS)[string])(weight, x as Matrix);
  const step = (x: tf.Tensor): tf.Tensor => {
    const before = after ? undefined : read(x);
    const next = (UPDATES[update] as (typeof UPDATES)[string])(weight, other, x as Matrix);
    const nextOther = tf.sub<Matrix>(other, tf.mul(weight, 0.1));
    const result = before ?? read(x);
    weight.assign(next);
    other.assign(nextOther);
    return result;
  };
  return {variables, step};
}

for (const update of Object.keys(UPDATES)) {
  test(`updates in place equal ordinary ones: ${update}`, () => {
    const x = matrix(0.91);
    for (const reader of Object.keys(READERS)) {
      for (const after of [false, true]) {
        const [ours, plain] = [example(update, reader, after), example(update, reader, after)];
        const compiled = compile(ours.step);
        for (let call = 0; call < 4; call++) {
          const [a, b] = [compiled(x), tf.tidy(() => plain.step(x))];
          const scale = Math.max(1, ...b.dataSync());
          assert.ok(largestDifference(a.dataSync(), b.dataSync()) < 1e-4 * scale, `${reader}, call ${call}`);
        }
        ours.variables.forEach((variable, index) => {
          const expected = (plain.variables[index] as tf.Variable).dataSync();
          assert.ok(largestDifference(variable.dataSync(), expected) < 1e-4, `${reader}, variable ${index}`);
        });
        compiled.dispose();
      }
    }
  });
}

test.run();

import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients.
import "@tensorflow/tfjs-layers";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {compile} from "./compile.js";
import {expectError} from "./engine-error.twin.js";
import {engineMemory} from "./memory-report.js";
import {wave} from "./oracle.twin.js";
import {registerOnnxBackend} from "./register.js";
import {take} from "./take.twin.js";

registerOnnxBackend({threads: 2});
await tf.setBackend("onnx");

const x = tf.tensor2d(wave([4, 8], 0.7), [4, 8]);

function makeModel(): {weight: tf.Variable; bias: tf.Variable; run: (x: tf.Tensor) => tf.Tensor} {
  const weight = tf.variable(tf.tensor2d(wave([8, 6], 0.3), [8, 6]));
  const bias = tf.variable(tf.tensor1d(wave([6], 0.9)));
  return {weight, bias, run: (input) => tf.add(tf.matMul(input, weight), bias)};
}

test("packed weights give the same numbers, without being fed", () => {
  const {run} = makeModel();
  const [plain, packed] = [compile(run), compile(run, {packWeights: true})];
  for (let call = 0; call < 3; call++) {
    const [a, b] = [take(plain(x)), take(packed(x))];
    a.forEach((value, index) => assert.ok(Math.abs(value - (b[index] as number)) < 1e-6));
  }
  const [report] = [...packed.report().signatures.values()];
  assert.ok((report?.modelBytes as number) > 4 * (8 * 6 + 6));
  assert.is(packed.traces, 2);
});

test("a variable that changes is seen by the next call: assigned, trained in its own memory, swapped", () => {
  const {weight, bias, run} = makeModel();
  const packed = compile(run, {packWeights: true});
  const fresh = (): void => {
    const expected = take(tf.tidy(() => run(x)));
    const got = take(packed(x));
    expected.forEach((value, index) => assert.ok(Math.abs(value - (got[index] as number)) < 1e-5));
  };
  fresh();
  // The same array twice, with other numbers the second time.
  const array = new Float32Array(48).fill(1);
  for (const scale of [1, 3]) {
    array.fill(scale);
    weight.assign(tf.tensor2d(array, [8, 6]));
    fresh();
  }
  const swap = compile((input: tf.Tensor) => {
    const before = tf.sum(weight);
    weight.assign(tf.add(weight, tf.sum(input)));
    return tf.add(before, tf.sum(weight));
  });
  for (let call = 0; call < 3; call++) {
    swap(x).dispose();
    fresh();
  }
  const step = compile((rate: tf.Tensor) => {
    const {value, grads} = tf.variableGrads(() => tf.sum<tf.Scalar>(tf.square(run(x))), [weight, bias]);
    for (const variable of [weight, bias]) {
      variable.assign(tf.sub(variable, tf.mul(rate, grads[variable.name] as tf.Tensor)));
    }
    return value;
  });
  for (let update = 0; update < 4; update++) {
    step(tf.scalar(0.01)).dispose();
    fresh();
    fresh();
  }
  assert.equal([...step.report().variables.values()], ["aliased", "aliased"]);
  const open = engineMemory().sessions;
  fresh();
  assert.is(engineMemory().sessions, open);
  packed.dispose();
  step.dispose();
});

test("packing is refused where the function itself assigns", () => {
  const {weight} = makeModel();
  const step = compile(
    (input: tf.Tensor) => {
      weight.assign(tf.add(weight, tf.sum(input)));
      return tf.sum(weight);
    },
    {packWeights: true},
  );
  expectError(() => step(x), "option", /packWeights: expected a function that assigns no variable/);
});

test("a disposed variable is named as without packing", () => {
  const {weight, run} = makeModel();
  const packed = compile(run, {packWeights: true});
  for (let call = 0; call < 2; call++) packed(x).dispose();
  weight.dispose();
  expectError(() => packed(x), "captured", /was disposed/);
});

test.run();

import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkGradients, expectClose, startTestEngine} from "../testing.js";
import {gelu} from "./gelu.js";
import {layerNorm} from "./layer-norm.js";
import {logSigmoid} from "./log-sigmoid.js";
import {quickGelu} from "./quick-gelu.js";
import {softmaxCrossEntropy} from "./softmax-cross-entropy.js";
import {softplus} from "./softplus.js";

await startTestEngine();
const points = tf.tensor1d([-3, -1, -0.25, 0, 0.5, 1, 2.5]);

test("gelu is x times the normal distribution function", () => {
  // Φ(1) = 0.841344746, Φ(-1) = 0.158655254, Φ(2) = 0.977249868 from tables.
  expectClose(gelu(tf.tensor1d([0, 1, -1, 2])), [0, 0.841344746, -0.158655254, 1.954499736], 1e-6);
});

test("quickGelu by hand: sigmoid(1.702) = 0.845795756", () => {
  expectClose(quickGelu(tf.tensor1d([1, 0, -1])), [0.845795756, 0, -0.154204244], 1e-6);
});

test("softplus and logSigmoid are stable far out", () => {
  expectClose(softplus(tf.tensor1d([0, 200, -200])), [Math.LN2, 200, 0], 1e-6);
  expectClose(logSigmoid(tf.tensor1d([0, 200, -200])), [-Math.LN2, 0, -200], 1e-6);
});

test("softmaxCrossEntropy by hand", () => {
  // Logits ln 1, ln 3: probabilities 1/4 and 3/4.
  const logits = tf.tensor2d([
    [0, Math.log(3)],
    [1000, 0],
  ]);
  const targets = tf.tensor2d([
    [1, 0],
    [0.5, 0.5],
  ]);
  expectClose(softmaxCrossEntropy(logits, targets), [Math.log(4), 500], 1e-6);
});

test("no rows at all", () => {
  for (const fn of [gelu, quickGelu]) {
    const slope = tf.grad((x: tf.Tensor) => fn(x))(tf.zeros([0, 3]));
    assert.equal(
      [fn(tf.zeros([0, 3])).shape, slope.shape],
      [
        [0, 3],
        [0, 3],
      ],
    );
  }
  const [scale, offset] = [tf.ones([3]), tf.zeros([3])];
  const gradients = tf.grads((x: tf.Tensor) => layerNorm(x, scale, offset, 1e-5))([tf.zeros([0, 3])]);
  assert.equal(
    [layerNorm(tf.zeros([0, 3]), scale, offset, 1e-5).shape, gradients[0]!.shape],
    [
      [0, 3],
      [0, 3],
    ],
  );
});

test("gradients", () => {
  for (const fn of [gelu, quickGelu, softplus, logSigmoid]) {
    checkGradients(fn, [points]);
  }
  const targets = tf.tensor2d([
    [0.2, 0.5, 0.3],
    [0, 2, 1],
  ]);
  checkGradients(
    (logits) => softmaxCrossEntropy(logits, targets),
    [
      tf.tensor2d([
        [0.3, -1, 2],
        [1, 0.5, -0.5],
      ]),
    ],
  );
});

test.run();

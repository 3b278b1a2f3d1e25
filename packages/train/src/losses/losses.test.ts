import {ConfigError, createRandom} from "@claps/core";
import {checkGradients, expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {binaryCrossEntropy} from "./binary-cross-entropy.js";
import {diceLoss} from "./dice-loss.js";
import {maskIou} from "./mask-iou.js";
import {maskLoss} from "./mask-loss.js";
import {sigmoidFocal} from "./sigmoid-focal.js";

const test = suite("losses");
const random = createRandom("losses");

test.before(async () => {
  await startTestEngine();
});

function gradientOf(fn: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): Float32Array {
  return tf
    .grad((moving) => tf.sum(fn(moving)))(x)
    .dataSync<"float32">();
}

test("binary cross entropy: hand-worked values, exact at any size of logit", () => {
  const logits = tf.tensor1d([0, 100, -100, 100, -100, 2]);
  const targets = tf.tensor1d([1, 0, 1, 1, 0, 0.25]);
  // The last: log(1 + e^2) - 2 * 0.25 = 2.1269280 - 0.5.
  expectClose(binaryCrossEntropy(logits, targets), [Math.LN2, 100, 100, 0, 0, 1.626928], 1e-6);
  const gradient = gradientOf((x) => binaryCrossEntropy(x, targets), logits);
  // sigmoid(2) - 0.25 = 0.8807971 - 0.25.
  expectClose(gradient, [-0.5, 1, -1, 0, 0, 0.6307971], 1e-6);
});

test("focal: a confident right answer and a confident wrong one, by hand", () => {
  const logits = tf.tensor1d([Math.log(9), Math.log(9)]);
  const targets = tf.tensor1d([1, 0]);
  // p = 0.9: 0.25 * 0.1² * -ln 0.9 and 0.75 * 0.9² * -ln 0.1.
  expectClose(sigmoidFocal(logits, targets), [0.000263401, 1.398821], 1e-6);
});

test("focal: saturated logits keep their exact gradient", () => {
  // Right by 10: with q = 1 - p = e^-10 / (1 + e^-10), in double precision.
  const q = 1 / (1 + Math.exp(10));
  const entropy = Math.log1p(Math.exp(-10));
  const slope = -0.25 * (q ** 3 + 2 * q * entropy * q * (1 - q));
  const logits = tf.tensor1d([10, -100, 100, -100, 40]);
  const targets = tf.tensor1d([1, 1, 1, 0, 0]);
  const gradient = gradientOf((x) => sigmoidFocal(x, targets), logits);
  assert.ok(Math.abs((gradient[0] as number) / slope - 1) < 1e-4, `${gradient[0]} against ${slope}`);
  expectClose(gradient.slice(1), [-0.25, 0, 0, 0.75], 1e-6);
});

test("focal: gamma between 0 and 1 and alpha above 1 are refused", () => {
  const x = tf.zeros([2]);
  assert.throws(
    () => sigmoidFocal(x, x, {gamma: 0.5}),
    (error: unknown) => error instanceof ConfigError,
  );
  assert.throws(
    () => sigmoidFocal(x, x, {alpha: 2}),
    (error: unknown) => error instanceof ConfigError,
  );
});

test("dice: by hand, with and without weights; empty against empty is 0", () => {
  const logits = tf.tensor2d([
    [0, 0],
    [-100, -100],
  ]);
  const targets = tf.tensor2d([
    [1, 0],
    [0, 0],
  ]);
  // First: 1 - (2 * 0.5 + 1) / (1 + 1 + 1) = 1/3; with only its first pixel: 1 - 2 / 2.5 = 0.2.
  expectClose(diceLoss(logits, targets), [1 / 3, 0], 1e-6);
  expectClose(
    diceLoss(
      logits,
      targets,
      tf.tensor2d([
        [1, 0],
        [1, 1],
      ]),
    ),
    [0.2, 0],
    1e-6,
  );
});

test("mask IoU: by hand, no gradient", () => {
  const logits = tf.tensor2d([
    [1, 2, -1, -1],
    [-1, -1, -1, -1],
  ]);
  const targets = tf.tensor2d([
    [1, 0, 1, 0],
    [0, 0, 0, 0],
  ]);
  expectClose(maskIou(logits, targets), [1 / 3, 0], 1e-6);
  expectClose(
    maskIou(
      logits,
      targets,
      tf.tensor2d([
        [1, 0, 1, 1],
        [1, 1, 1, 1],
      ]),
    ),
    [0.5, 0],
    1e-6,
  );
  const gradient = gradientOf((x) => tf.mul(tf.sum(x), maskIou(x as tf.Tensor2D, targets)), logits);
  expectClose(gradient, new Array(8).fill(1 / 3), 1e-6);
});

test("gradients agree with difference quotients", () => {
  const x = tf.tensor2d(random.fork("x").normalArray(24, 0, 2), [3, 8]);
  const t = tf.tensor2d(random.fork("t").uniformArray(24), [3, 8]);
  const w = tf.tensor2d(random.fork("w").uniformArray(24), [3, 8]);
  checkGradients((moving) => binaryCrossEntropy(moving, t), [x]);
  for (const gamma of [0, 1, 1.5, 2, 3]) {
    for (const alpha of [-1, 0.25]) {
      checkGradients((moving) => sigmoidFocal(moving, t, {gamma, alpha}), [x]);
    }
  }
  checkGradients((moving) => diceLoss(moving as tf.Tensor2D, t), [x]);
  checkGradients((moving) => diceLoss(moving as tf.Tensor2D, t, w), [x]);
});

interface Batch {
  logits: tf.Tensor4D;
  iou: tf.Tensor2D;
  truth: tf.Tensor4D;
  weight: tf.Tensor4D;
  counts: tf.Tensor2D;
}

function batch(prompts: number, counts: number[]): Batch {
  const shape: [number, number, number, number] = [1, prompts, 2, 3];
  const size = prompts * 6;
  const source = random.fork("batch");
  return {
    logits: tf.tensor4d(source.fork("logits").normalArray(size, 0, 2), shape),
    iou: tf.tensor2d(source.fork("iou").uniformArray(prompts), [1, prompts]),
    truth: tf.tensor4d(source.fork("truth").uniformArray(size).map(Math.round), shape),
    weight: tf.ones(shape),
    counts: tf.tensor2d(counts, [1, prompts]),
  };
}

test("mask loss: one pixel by hand", () => {
  const one = tf.ones<tf.Rank.R4>([1, 1, 1, 1]);
  const {loss, focal, dice, iouError} = maskLoss({
    logits: tf.zeros([1, 1, 1, 1]),
    iou: tf.tensor2d([[0.3]]),
    truth: one,
    weight: one,
    counts: tf.ones([1, 1]),
  });
  // 0.25 * 0.5² * ln 2; 1 - 2 / 2.5; a logit of 0 is outside: IoU 0, error 0.3².
  expectClose(focal, [0.0433217], 1e-6);
  expectClose(dice, [0.2], 1e-6);
  expectClose(iouError, [0.09], 1e-6);
  expectClose(loss, [20 * 0.0433217 + 0.2 + 0.09], 1e-5);
});

test("mask loss: gradients agree with difference quotients, ignored pixels and prompts included", () => {
  const {logits, iou, truth, counts} = batch(3, [1, 0, 1]);
  const weight = tf.tensor4d(random.fork("pixels").uniformArray(18), [1, 3, 2, 3]);
  // Away from 0, where the IoU target jumps.
  const safe = tf.tidy(() => tf.mul(tf.add(tf.abs(logits), 0.2), tf.sign(logits)));
  checkGradients(
    (x, predicted) =>
      maskLoss({logits: x as tf.Tensor4D, iou: predicted as tf.Tensor2D, truth, weight, counts}).loss,
    [safe, iou],
  );
});

test("mask loss: what is not labelled changes neither loss nor gradient", () => {
  const two = batch(2, [1, 1]);
  const expected = maskLoss(two).loss.dataSync()[0] as number;
  // A third prompt that does not count, with absurd predictions.
  const absurd = tf.fill<tf.Rank.R4>([1, 1, 2, 3], 1e4);
  const three: Batch = {
    logits: tf.concat([two.logits, absurd], 1),
    iou: tf.concat([two.iou, tf.fill<tf.Rank.R2>([1, 1], 50)], 1),
    truth: tf.concat([two.truth, tf.zerosLike(absurd)], 1),
    weight: tf.concat([two.weight, tf.onesLike(absurd)], 1),
    counts: tf.tensor2d([[1, 1, 0]]),
  };
  expectClose(maskLoss(three).loss, [expected], 1e-6);
  const gradient = gradientOf((x) => maskLoss({...three, logits: x as tf.Tensor4D}).loss, three.logits);
  assert.equal([...gradient.slice(12)], [0, 0, 0, 0, 0, 0]);
  assert.ok(gradient.slice(0, 12).every((value) => value !== 0));
});

test("mask loss: an ignored pixel counts nowhere", () => {
  const whole = batch(2, [1, 1]);
  const cut = (x: tf.Tensor4D): tf.Tensor4D => tf.slice(x, [0, 0, 0, 0], [1, 2, 2, 2]);
  const narrow = {...whole, logits: cut(whole.logits), truth: cut(whole.truth), weight: cut(whole.weight)};
  const weight = tf.tensor4d([1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0], [1, 2, 2, 3]);
  expectClose(maskLoss({...whole, weight}).loss, maskLoss(narrow).loss, 1e-6);
});

test("mask loss: a batch in which nothing counts is 0 with gradient 0", () => {
  const none = batch(2, [0, 0]);
  expectClose(maskLoss(none).loss, [0], 0);
  const gradient = gradientOf((x) => maskLoss({...none, logits: x as tf.Tensor4D}).loss, none.logits);
  assert.ok(gradient.every((value) => value === 0));
});

test("mask loss: shapes that do not belong together are named", () => {
  const good = batch(2, [1, 1]);
  assert.throws(
    () => maskLoss({...good, counts: tf.ones([1, 3])}),
    /counts of the mask loss.*\[1, 2\].*\[1, 3\]/,
  );
});

test.run();

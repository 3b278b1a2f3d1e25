import {ShapeError, createRandom} from "@claps/core";
import {checkGradients, expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {contrastiveLogits} from "./contrastive-logits.js";
import {contrastiveLoss, similarityTargets} from "./contrastive-loss.js";
import {infoNce} from "./info-nce.js";
import {l2Normalize} from "./l2-normalize.js";
import {softTargetCrossEntropy} from "./soft-target-cross-entropy.js";

const test = suite("contrastive losses");
const random = createRandom("contrastive");

test.before(async () => {
  await startTestEngine();
});

function matrix(label: string, rows: number, columns: number): tf.Tensor2D {
  return tf.tensor2d(random.fork(label).normalArray(rows * columns), [rows, columns]);
}

test("rows of length 1 by hand; zeros stay zeros with gradient 0", () => {
  const rows = tf.tensor2d([
    [3, 4],
    [0, 0],
  ]);
  expectClose(l2Normalize(rows), [0.6, 0.8, 0, 0], 1e-6);
  // d(x/|x|)_0 = (1 - 0.36) / 5 and -0.48 / 5.
  const gradient = tf.grad((x) => tf.sum(tf.slice(l2Normalize(x as tf.Tensor2D), [0, 0], [2, 1])))(rows);
  expectClose(gradient, [0.128, -0.096, 0, 0], 1e-6);
  checkGradients((x) => l2Normalize(x as tf.Tensor2D), [matrix("rows", 3, 5)]);
  // The gradient has a right gradient of its own.
  const slope = tf.grad((x) => tf.sum(tf.square(tf.sub(l2Normalize(x as tf.Tensor2D), 1))));
  checkGradients((x) => slope(x), [matrix("rows", 3, 5)]);
});

test("logits are cosines times e to the scale", () => {
  const image = tf.tensor2d([
    [2, 0],
    [3, 4],
  ]);
  const text = tf.tensor2d([
    [0, 7],
    [5, 0],
    [-1, 0],
  ]);
  const logits = contrastiveLogits(image, text, tf.scalar(Math.log(10)));
  expectClose(logits, [0, 10, -10, 8, 6, -6], 1e-5);
  assert.throws(
    () => contrastiveLogits(image, tf.zeros([3, 3]), tf.scalar(0)),
    (error: unknown) => error instanceof ShapeError,
  );
});

test("InfoNCE by hand: chance, certainty and one wrong pair", () => {
  expectClose(infoNce(tf.zeros([4, 4])), [Math.log(4)], 1e-6);
  // Logits of a hundred would overflow without the shift by the maximum.
  expectClose(infoNce(tf.mul(tf.eye(3), 200)), [0], 1e-6);
  // Rows: ln(1 + e), ln 2; columns: ln(1 + 1/e) + 1 twice over as ln(e + 1) - 0 and ln 2.
  const logits = tf.tensor2d([
    [0, 1],
    [0, 0],
  ]);
  const rows = Math.log(1 + Math.E) + Math.log(2);
  const columns = Math.log(2) + Math.log(1 + Math.E);
  expectClose(infoNce(logits), [(rows + columns) / 4], 1e-6);
  assert.throws(() => infoNce(tf.zeros([2, 3])), /InfoNCE.*\[2, 2\].*\[2, 3\]/);
});

test("targets by hand: rows and columns sum to 1, what goes with nothing stays 0", () => {
  const {image, text} = similarityTargets(
    tf.tensor2d([
      [1, 3, 0],
      [1, 0, 0],
    ]),
  );
  expectClose(image, [0.25, 0.75, 0, 1, 0, 0], 1e-6);
  assert.equal(text.shape, [3, 2]);
  expectClose(text, [0.5, 0.5, 1, 0, 0, 0], 1e-6);
});

test("soft targets by hand", () => {
  // Probabilities 1/4 and 3/4.
  const logits = tf.tensor2d([[0, Math.log(3)]]);
  const expected = 0.5 * Math.log(4) + 0.5 * Math.log(4 / 3);
  expectClose(softTargetCrossEntropy(logits, tf.tensor2d([[0.5, 0.5]])), [expected], 1e-6);
  assert.throws(() => softTargetCrossEntropy(logits, tf.zeros([1, 3])), /\[1, 2\].*\[1, 3\]/);
});

test("the identity as similarity gives InfoNCE, with the same gradient", () => {
  const logits = matrix("logits", 5, 5);
  const soft = (x: tf.Tensor): tf.Scalar => contrastiveLoss(x as tf.Tensor2D, tf.eye(5)).loss;
  const hard = (x: tf.Tensor): tf.Scalar => infoNce(x as tf.Tensor2D);
  expectClose(soft(logits), hard(logits), 1e-6);
  expectClose(tf.grad(soft)(logits), tf.grad(hard)(logits), 1e-6);
});

test("two pictures of one label are not pushed apart", () => {
  const logits = tf.zeros<tf.Rank.R2>([2, 2]);
  const {loss} = contrastiveLoss(logits, tf.ones([2, 2]));
  expectClose(loss, [Math.LN2], 1e-6);
  const gradient = tf.grad((x) => contrastiveLoss(x as tf.Tensor2D, tf.ones([2, 2])).loss)(logits);
  expectClose(gradient, [0, 0, 0, 0], 1e-7);
});

test("gradients agree with difference quotients, unequal numbers of pictures and texts included", () => {
  const image = matrix("image", 4, 6);
  const scale = tf.scalar(1.3);
  checkGradients(
    (a, b, s) => infoNce(contrastiveLogits(a as tf.Tensor2D, b as tf.Tensor2D, s)),
    [image, matrix("text", 4, 6), scale],
  );
  const similarity = tf.tensor2d(random.fork("similarity").uniformArray(20), [4, 5]);
  checkGradients(
    (a, b, s) => contrastiveLoss(contrastiveLogits(a as tf.Tensor2D, b as tf.Tensor2D, s), similarity).loss,
    [image, matrix("more", 5, 6), scale],
  );
  checkGradients((x) => softTargetCrossEntropy(x as tf.Tensor2D, similarity), [matrix("scores", 4, 5)]);
});

test.run();

import {createRandom, ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkGradients, expectClose, startTestEngine} from "../testing.js";
import {gather} from "./gather.js";
import {layerNorm} from "./layer-norm.js";
import {linear} from "./linear.js";

await startTestEngine();
const random = createRandom("dense");
const sample = (label: string, shape: number[]): tf.Tensor =>
  tf.tensor(random.fork(label).normalArray(tf.util.sizeFromShape(shape)), shape);

test("linear maps the last axis", () => {
  const x = tf.tensor([1, 2, 3, 4], [2, 1, 2]);
  const result = linear(x, tf.tensor2d([1, 0, 2, 0, 1, 3], [2, 3]), tf.tensor1d([10, 20, 30]));
  assert.equal(result.shape, [2, 1, 3]);
  expectClose(result, [11, 22, 38, 13, 24, 48]);
});

test("linear refuses another width and says both", () => {
  assert.throws(
    () => linear(tf.ones([2, 5]), tf.ones([4, 3])),
    (error: unknown) =>
      error instanceof ShapeError && error.message.includes("[4]") && error.message.includes("[5]"),
  );
});

test("gradients of linear", () => {
  checkGradients(linear, [sample("x", [2, 3, 4]), sample("w", [4, 5]), sample("b", [5])]);
});

test("layerNorm by hand: mean 2, variance 1 of the row 1 3", () => {
  const result = layerNorm(tf.tensor2d([[1, 3]]), tf.tensor1d([2, 3]), tf.tensor1d([0.5, -0.5]), 0);
  expectClose(result, [-1.5, 2.5]);
});

test("layerNorm's epsilon is added to the variance", () => {
  const result = layerNorm(tf.tensor2d([[1, 3]]), tf.ones([2]), tf.zeros([2]), 3);
  expectClose(result, [-0.5, 0.5]);
});

test("gradients of layerNorm", () => {
  checkGradients(
    (x, weight, bias) => layerNorm(x, weight, bias, 1e-5),
    [sample("x", [2, 3, 6]), sample("w", [6]), sample("b", [6])],
  );
});

test("gather takes rows, and repeated rows add their gradients", () => {
  const table = tf.tensor2d([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  const ids = tf.tensor2d(
    [
      [2, 0],
      [2, 2],
    ],
    [2, 2],
    "int32",
  );
  const result = gather(table, ids);
  assert.equal(result.shape, [2, 2, 2]);
  expectClose(result, [5, 6, 1, 2, 5, 6, 5, 6]);
  const gradient = tf.grad((t: tf.Tensor) => tf.sum(gather(t, ids)))(table);
  expectClose(gradient, [1, 1, 0, 0, 3, 3]);
});

test("gather's gradient for a table too large for a one-hot product", () => {
  const rows = 4200;
  const ids = tf.tensor1d(
    Int32Array.from({length: 1000}, (_, index) => (index < 900 ? 4199 : index)),
    "int32",
  );
  const gradient = tf.grad((table: tf.Tensor) => tf.sum(gather(table, ids)))(tf.zeros([rows, 1]));
  const wanted = new Float32Array(rows).fill(1, 900, 1000);
  wanted[4199] = 900;
  expectClose(gradient, wanted);
});

test.run();

import {ConfigError, createRandom, ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkGradients, expectClose, startTestEngine} from "../testing.js";
import {throughCompiler} from "../testing/through-compiler.js";
import {conv2d} from "./conv2d.js";
import {convTranspose2d} from "./conv-transpose2d.js";
import {conv2dTwin, convTranspose2dTwin} from "./convolution.twin.js";

await startTestEngine();
const random = createRandom("convolution");
const sample = (label: string, shape: readonly number[]): tf.Tensor =>
  tf.tensor(random.fork(label).normalArray(tf.util.sizeFromShape([...shape])), [...shape]);

interface Setting {
  kernel: readonly [number, number];
  stride: readonly [number, number];
  padding: readonly [number, number];
  dilation: readonly [number, number];
  groups: number;
  added?: readonly [number, number];
}

const SETTINGS: readonly Setting[] = [
  {kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1},
  {kernel: [3, 2], stride: [2, 1], padding: [1, 0], dilation: [1, 1], groups: 1},
  {kernel: [3, 3], stride: [2, 2], padding: [1, 1], dilation: [1, 1], groups: 2, added: [1, 0]},
  {kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], groups: 1},
  {kernel: [3, 3], stride: [3, 3], padding: [0, 0], dilation: [1, 1], groups: 1, added: [2, 1]},
  {kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1},
  {kernel: [2, 3], stride: [1, 2], padding: [2, 1], dilation: [3, 2], groups: 1, added: [2, 1]},
  {kernel: [3, 2], stride: [1, 1], padding: [1, 1], dilation: [1, 2], groups: 4},
];

const both = ([height, width]: readonly [number, number]): {height: number; width: number} => ({
  height,
  width,
});

function optionsOf({stride, padding, dilation, groups}: Setting): {
  stride: {height: number; width: number};
  padding: {height: number; width: number};
  dilation: {height: number; width: number};
  groups: number;
} {
  return {stride: both(stride), padding: both(padding), dilation: both(dilation), groups};
}

/** Compares values with those of the twin, to which the bias is added, and gradients with difference quotients. */
function checkEagerAndCompiled(
  run: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly [tf.Tensor, tf.Tensor, tf.Tensor],
  {twin, size, setting}: {twin: readonly number[]; size: readonly number[]; setting: string},
): void {
  const compiled = throughCompiler(run);
  const offsets = inputs[2].dataSync();
  for (const fn of [run, compiled.fn]) {
    const result = fn(...inputs);
    assert.equal(result.shape, [2, ...size, 8]);
    expectClose(
      result,
      twin.map((value, index) => value + offsets[index % 8]!),
      1e-5,
      setting,
    );
    checkGradients(fn, inputs, {samples: 5});
  }
  compiled.dispose();
}

test("conv2d equals plain loops with stride, padding, dilation and groups; gradients eager and compiled", () => {
  for (const setting of SETTINGS) {
    const {kernel, stride, padding, dilation, groups} = setting;
    const input = [2, 7, 6, 4] as const;
    const filter = [...kernel, 4 / groups, 8] as const;
    const size = [0, 1].map((axis) => {
      const reach = dilation[axis]! * (kernel[axis]! - 1) + 1;
      return Math.floor((input[axis + 1]! + 2 * padding[axis]! - reach) / stride[axis]!) + 1;
    }) as [number, number];
    const options = optionsOf(setting);
    const [x, weights, bias] = [sample("x", input), sample("f", filter), sample("b", [8])];
    const twin = conv2dTwin(x.dataSync(), weights.dataSync(), {input, filter, ...options}, size);
    const run = (...[grid, kernels, offset]: tf.Tensor[]): tf.Tensor =>
      conv2d(grid!, kernels!, {...options, bias: offset!});
    checkEagerAndCompiled(run, [x, weights, bias], {twin, size, setting: JSON.stringify(setting)});
  }
});

test("convTranspose2d equals plain loops in the same settings; gradients eager and compiled", () => {
  for (const setting of SETTINGS) {
    const {kernel, stride, padding, dilation, groups, added = [0, 0]} = setting;
    const input = [2, 4, 3, 4] as const;
    const filter = [...kernel, 8 / groups, 4] as const;
    const size = [0, 1].map((axis) => {
      const reach = dilation[axis]! * (kernel[axis]! - 1) + 1;
      return (input[axis + 1]! - 1) * stride[axis]! - 2 * padding[axis]! + reach + added[axis]!;
    }) as [number, number];
    const options = {...optionsOf(setting), outputPadding: both(added)};
    const [x, weights, bias] = [sample("x", input), sample("f", filter), sample("b", [8])];
    const twin = convTranspose2dTwin(x.dataSync(), weights.dataSync(), {input, filter, ...options}, size);
    const run = (...[grid, kernels, offset]: tf.Tensor[]): tf.Tensor =>
      convTranspose2d(grid!, kernels!, {...options, bias: offset!});
    checkEagerAndCompiled(run, [x, weights, bias], {twin, size, setting: JSON.stringify(setting)});
  }
});

test("a kernel as large as its stride, on a size that it does not divide, leaves the rest out", () => {
  const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
  expectClose(conv2d(x, tf.ones([2, 2, 1, 1]), {stride: 2}), [1 + 2 + 4 + 5]);
});

test("convTranspose2d by hand: a pixel times the kernel, overlapping, cut off", () => {
  const x = tf.tensor4d([1, 10], [1, 1, 2, 1]);
  const filter = tf.tensor4d([1, 2, 3], [1, 3, 1, 1]);
  expectClose(convTranspose2d(x, filter, {stride: {height: 1, width: 2}}), [1, 2, 3 + 10, 20, 30]);
  const cut = convTranspose2d(x, filter, {stride: {height: 1, width: 2}, padding: {height: 0, width: 1}});
  expectClose(cut, [2, 13, 20]);
});

test("groups and filters that do not fit are refused", () => {
  const x = tf.zeros([1, 4, 4, 4]);
  assert.throws(
    () => conv2d(x, tf.zeros([1, 1, 4, 6]), {groups: 3}),
    (error: unknown) => error instanceof ConfigError && /divide 4 input and 6 output/.test(error.message),
  );
  assert.throws(
    () => conv2d(x, tf.zeros([1, 1, 4, 6]), {groups: 2}),
    (error: unknown) => error instanceof ShapeError && /\[any, any, 2, any\]/.test(error.message),
  );
  assert.throws(
    () => convTranspose2d(x, tf.zeros([1, 1, 2, 3])),
    (error: unknown) => error instanceof ShapeError,
  );
  assert.throws(
    () => convTranspose2d(tf.zeros([1, 1, 1, 1]), tf.zeros([1, 1, 1, 1]), {padding: 1}),
    /height of convTranspose2d's result/,
  );
});

test.run();

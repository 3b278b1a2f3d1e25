import {ConfigError, createRandom, ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkGradients, expectClose, startTestEngine} from "../testing.js";
import {throughCompiler} from "../testing/through-compiler.js";
import {groupNorm} from "./group-norm.js";

await startTestEngine();
const random = createRandom("group-norm");
const sample = (label: string, shape: number[]): tf.Tensor =>
  tf.tensor(random.fork(label).normalArray(tf.util.sizeFromShape(shape)), shape);

/** The definition in 64-bit loops, for [images, places, channels]. */
function slow(
  [x, weight, bias]: readonly Float32Array[],
  {images, places, groups, epsilon}: {images: number; places: number; groups: number; epsilon: number},
): number[] {
  const channels = weight!.length;
  const width = channels / groups;
  const result = new Array<number>(x!.length);
  for (let image = 0; image < images; image++) {
    for (let group = 0; group < groups; group++) {
      const members: number[] = [];
      for (let place = 0; place < places; place++) {
        for (let channel = group * width; channel < (group + 1) * width; channel++) {
          members.push((image * places + place) * channels + channel);
        }
      }
      const mean = members.reduce((sum, index) => sum + x![index]!, 0) / members.length;
      const variance = members.reduce((sum, index) => sum + (x![index]! - mean) ** 2, 0) / members.length;
      for (const index of members) {
        const normal = (x![index]! - mean) / Math.sqrt(variance + epsilon);
        result[index] = normal * weight![index % channels]! + bias![index % channels]!;
      }
    }
  }
  return result;
}

test("by hand: two groups of two channels over two places", () => {
  // Groups hold 1, 3, 1, 3 and 0, 0, 4, 4: means 2 and 2, deviations 1 and 2.
  const x = tf.tensor3d([1, 3, 0, 0, 1, 3, 4, 4], [1, 2, 4]);
  const settings = {
    groups: 2,
    weight: tf.tensor1d([1, 1, 2, 1]),
    bias: tf.tensor1d([0, 0, 0, 5]),
    epsilon: 0,
  };
  expectClose(groupNorm(x, settings), [-1, 1, -2, 4, -1, 1, 2, 6]);
});

test("values equal the definition, whatever the mean", () => {
  const shape = [2, 3, 4, 12];
  const [weight, bias] = [sample("w", [12]), sample("b", [12])];
  for (const groups of [1, 3, 12]) {
    for (const shift of [0, 100]) {
      const x = tf.add(sample("x", shape), shift);
      const numbers = [x, weight, bias].map((tensor) => tensor.dataSync<"float32">());
      const wanted = slow(numbers, {images: 2, places: 12, groups, epsilon: 1e-5});
      expectClose(groupNorm(x, {groups, weight, bias, epsilon: 1e-5}), wanted, 5e-5, `${groups} groups`);
    }
  }
});

test("gradients agree with difference quotients, eager and compiled", () => {
  const run = (...[x, weight, bias]: tf.Tensor[]): tf.Tensor =>
    groupNorm(x!, {groups: 2, weight: weight!, bias: bias!, epsilon: 1e-5});
  const compiled = throughCompiler(run);
  for (const fn of [run, compiled.fn])
    checkGradients(fn, [sample("x", [2, 3, 2, 6]), sample("w", [6]), sample("b", [6])]);
  compiled.dispose();
});

test("groups that do not divide the channels and another width are refused", () => {
  const [weight, bias] = [tf.ones([6]), tf.zeros([6])];
  assert.throws(
    () => groupNorm(tf.zeros([1, 2, 6]), {groups: 4, weight, bias, epsilon: 1e-5}),
    (error: unknown) => error instanceof ConfigError && /divide 6 channels, got 4/.test(error.message),
  );
  assert.throws(
    () => groupNorm(tf.zeros([1, 2, 4]), {groups: 2, weight, bias, epsilon: 1e-5}),
    (error: unknown) => error instanceof ShapeError,
  );
});

test.run();

import {test} from "uvu";
import * as assert from "uvu/assert";

import {Numbers, plain, runEager, runPlain, sameAsPlain} from "./cpu-oracle.twin.js";
import {backend_util} from "@tensorflow/tfjs-core";

type Four = [number, number, number, number];

interface Case {
  readonly input: Four;
  readonly filterSize: [number, number];
  readonly strides: [number, number];
  readonly pad: "same" | "valid" | number;
}

const CASES: readonly Case[] = [
  {input: [2, 6, 6, 3], filterSize: [2, 2], strides: [2, 2], pad: "valid"},
  {input: [1, 7, 5, 2], filterSize: [3, 3], strides: [1, 1], pad: "same"},
  {input: [1, 7, 8, 2], filterSize: [3, 2], strides: [2, 2], pad: "same"},
  {input: [1, 7, 7, 1], filterSize: [2, 2], strides: [3, 3], pad: "valid"},
  {input: [1, 5, 5, 2], filterSize: [3, 3], strides: [2, 2], pad: 1},
  {input: [1, 3, 3, 2], filterSize: [1, 1], strides: [1, 1], pad: "valid"},
];

function outputShape({input, filterSize, strides, pad}: Case): number[] {
  return backend_util.computePool2DInfo(input, filterSize, strides, 1, pad).outShape;
}

test("largest and mean of windows", async () => {
  const numbers = new Numbers(60);
  for (const {input, ...attrs} of CASES) {
    const x = numbers.tensor(input);
    for (const kernel of ["MaxPool", "AvgPool"]) await sameAsPlain(kernel, {x}, {...attrs});
    await sameAsPlain("MaxPool", {x: numbers.tensor(input, "int32")}, {...attrs});
  }
});

test("gradients, with overlapping windows and ties", async () => {
  const numbers = new Numbers(61);
  for (const one of CASES) {
    const {input, ...attrs} = one;
    const dy = numbers.tensor(outputShape(one));
    // Few different values, so that many windows hold their largest element twice.
    const x = numbers.tensor(input, "int32", 0, 3);
    const values = {values: x.values, shape: x.shape, dtype: "float32"} as const;
    await sameAsPlain("MaxPoolGrad", {dy, input: values, output: dy}, {...attrs});
    await sameAsPlain("AvgPoolGrad", {dy, input: values}, {...attrs});
  }
});

test("margins as wide as the window run on the plain implementation", async () => {
  const numbers = new Numbers(62);
  const x = numbers.tensor([1, 3, 3, 1]);
  const attrs = {filterSize: [1, 1], strides: [2, 2], pad: 1};
  const [expected] = await runPlain("MaxPool", {x}, attrs);
  const [actual] = await runEager("MaxPool", {x}, attrs);
  assert.equal(actual?.values, expected?.values);
});

test("the first of two largest elements takes the whole gradient", async () => {
  const input = plain([5, 5, 1, 5], "float32", [1, 2, 2, 1]);
  const dy = plain([3], "float32", [1, 1, 1, 1]);
  const attrs = {filterSize: [2, 2], strides: [2, 2], pad: "valid"};
  const [result] = await runEager("MaxPoolGrad", {dy, input, output: dy}, attrs);
  assert.equal(result?.values, [3, 0, 0, 0]);
});

test.run();

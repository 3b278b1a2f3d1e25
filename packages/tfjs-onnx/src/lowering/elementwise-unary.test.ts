import {test} from "uvu";
import * as assert from "uvu/assert";

import {Numbers, plain, runEager, sameAsPlain} from "./cpu-oracle.twin.js";
import {elementwiseUnary} from "./elementwise-unary.js";

const ATTRIBUTES: Readonly<Record<string, Record<string, number | string>>> = {
  Cast: {dtype: "int32"},
  ClipByValue: {clipValueMin: -1, clipValueMax: 1.5},
  LeakyRelu: {alpha: 0.1},
  Step: {alpha: 0},
};

/** Intervals on which a function is defined. */
const DOMAINS: Readonly<Record<string, [number, number]>> = {
  Acos: [-1, 1],
  Asin: [-1, 1],
  Atanh: [-0.99, 0.99],
  Acosh: [1, 5],
  Log: [0.01, 9],
  Sqrt: [0, 9],
  Rsqrt: [0.01, 9],
  Log1p: [-0.9, 9],
};

const ONE_INPUT = Object.keys(elementwiseUnary).filter((name) => !["Prelu", "EluGrad"].includes(name));

const SPECIAL = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1,
  -1,
  0.5,
  1.5,
  2.5,
  -0.5,
  -1.5,
  1e-6,
  -1e-6,
  100,
  -100,
  NaN,
  7,
];

test("every function of one number agrees at every rank", async () => {
  const numbers = new Numbers(3);
  for (const [index, kernel] of ONE_INPUT.entries()) {
    const [low, high] = DOMAINS[kernel] ?? [-3, 3];
    for (const rank of [index % 7, 2]) {
      await sameAsPlain(
        kernel,
        {x: numbers.tensor(numbers.shape(rank), "float32", low, high)},
        ATTRIBUTES[kernel],
      );
    }
  }
});

test("NaN, infinities, zeros and halves", async () => {
  for (const kernel of ONE_INPUT) {
    // Large arguments of these lose digits in float32; JavaScript computes in float64.
    const values = /^(Sin|Cos|Tan|Sinh|Cosh)$/.test(kernel)
      ? SPECIAL.filter((x) => !(Math.abs(x) > 9))
      : SPECIAL;
    // Five times over, so that vector instructions and the rest of a row are both used.
    const many = Array.from({length: 5}, () => values).flat();
    await sameAsPlain(kernel, {x: plain(many)}, ATTRIBUTES[kernel]);
  }
});

test("whole numbers and truth values", async () => {
  const numbers = new Numbers(4);
  const kernels = [
    "Abs",
    "Ceil",
    "ClipByValue",
    "Exp",
    "Floor",
    "Neg",
    "Relu",
    "Relu6",
    "Round",
    "Sign",
    "Square",
    "Step",
  ];
  for (const kernel of kernels) {
    await sameAsPlain(kernel, {x: numbers.tensor([3, 3], "int32", -9, 9)}, ATTRIBUTES[kernel]);
  }
  for (const kernel of ["Exp", "Relu", "IsNan", "IsFinite", "Square"]) {
    await sameAsPlain(kernel, {x: plain([1, 0, 1], "bool")});
  }
  await sameAsPlain("Exp", {x: plain([10, 0, -3, 88, 89, 1000, -103, -110, 2147483647], "int32")});
  await sameAsPlain("IsInf", {x: plain([1, 0, -7], "int32")});
});

test("casts follow JavaScript's typed arrays", async () => {
  const floats = plain([NaN, Infinity, -Infinity, 1.9, -1.9, 3e9, -3e9, 1e20, -0.5, 0]);
  for (const dtype of ["int32", "bool", "float32"]) await sameAsPlain("Cast", {x: floats}, {dtype});
  for (const dtype of ["int32", "bool", "float32"]) {
    await sameAsPlain("Cast", {x: plain([0, 1, -7], "int32")}, {dtype});
    await sameAsPlain("Cast", {x: plain([0, 1, 1], "bool")}, {dtype});
  }
  const [wrapped] = await runEager("Cast", {x: plain([3e9, NaN])}, {dtype: "int32"});
  assert.equal(wrapped?.values, [-1294967296, 0]);
});

test("sigmoid keeps its digits far below 0", async () => {
  const [result] = await runEager("Sigmoid", {x: plain([-15, -20, -40])});
  const expected = [3.0590223e-7, 2.0611537e-9, 4.248354e-18];
  result?.values.forEach((value, index) => {
    assert.ok(Math.abs(value / (expected[index] as number) - 1) < 1e-5, `${value}`);
  });
});

test("log1p and expm1 keep their digits near 0", async () => {
  for (const kernel of ["Log1p", "Expm1"]) {
    const [result] = await runEager(kernel, {x: plain([1e-7, -1e-7, 1e-4])});
    const expected = kernel === "Log1p" ? [1e-7, -1e-7, 9.9995e-5] : [1e-7, -1e-7, 1.00005e-4];
    result?.values.forEach((value, index) => {
      assert.ok(Math.abs(value / (expected[index] as number) - 1) < 1e-6, `${kernel} ${value}`);
    });
  }
});

test("steps other than 0, slopes and bounds", async () => {
  await sameAsPlain("Step", {x: plain(SPECIAL)}, {alpha: -1});
  await sameAsPlain(
    "ClipByValue",
    {x: plain([-5, 0, 5, 2], "int32")},
    {clipValueMin: -1.5, clipValueMax: 2.5},
  );
  const numbers = new Numbers(5);
  await sameAsPlain("Prelu", {x: numbers.tensor([2, 3, 4]), alpha: numbers.tensor([4])});
  await sameAsPlain("Prelu", {x: plain([NaN, -1, 1]), alpha: plain([0.5])});
  await sameAsPlain("EluGrad", {dy: numbers.tensor([3, 4]), y: numbers.tensor([3, 4], "float32", -0.9, 2)});
});

test.run();

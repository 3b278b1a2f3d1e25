import {test} from "uvu";
import * as assert from "uvu/assert";

import {Numbers, plain, runEager, sameAsPlain} from "./cpu-oracle.twin.js";

/** Shapes of a and b before transposition. */
const BATCHES: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[], []],
  [[3], [3]],
  [
    [2, 3],
    [2, 3],
  ],
  [[3], [1]],
  [[1], [3]],
  [[4], []],
  [[], [4]],
  [
    [2, 2, 2],
    [2, 2, 2],
  ],
];

function swap([rows, columns]: readonly [number, number], transpose: boolean): number[] {
  return transpose ? [columns, rows] : [rows, columns];
}

test("products of matrices and batches, transposed or not", async () => {
  const numbers = new Numbers(30);
  for (const [outerA, outerB] of BATCHES) {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const a = numbers.tensor([...outerA, ...swap([3, 4], transposeA)]);
        const b = numbers.tensor([...outerB, ...swap([4, 2], transposeB)]);
        await sameAsPlain("BatchMatMul", {a, b}, {transposeA, transposeB});
      }
    }
  }
});

test("batches broadcast from both sides at once", async () => {
  // Numbers worked out by hand: the plain JavaScript kernel computes too few batches here.
  const a = plain([1, 2], "float32", [2, 1, 1, 1]);
  const b = plain([3, 4, 5], "float32", [1, 3, 1, 1]);
  for (const transposeB of [false, true]) {
    const [result] = await runEager("BatchMatMul", {a, b}, {transposeA: false, transposeB});
    assert.equal(result?.shape, [2, 3, 1, 1]);
    assert.equal(result?.values, [3, 4, 5, 6, 8, 10]);
  }
});

test("whole numbers multiply exactly", async () => {
  const numbers = new Numbers(31);
  for (const transposeA of [false, true]) {
    const a = numbers.tensor([2, ...swap([3, 4], transposeA)], "int32", -50, 50);
    const b = numbers.tensor([2, 4, 2], "int32", -50, 50);
    await sameAsPlain("BatchMatMul", {a, b}, {transposeA, transposeB: false});
  }
});

test("a product worked out by hand", async () => {
  const a = plain([1, 2, 3, 4], "float32", [2, 2]);
  const b = plain([5, 6, 7, 8], "float32", [2, 2]);
  const [result] = await runEager("BatchMatMul", {a, b}, {transposeA: true, transposeB: false});
  assert.equal(result?.values, [26, 30, 38, 44]);
});

test("fused products with bias and every activation", async () => {
  const numbers = new Numbers(32);
  const a = numbers.tensor([2, 3, 4]);
  const b = numbers.tensor([2, 4, 5]);
  const flat = {a: numbers.tensor([3, 4]), b: numbers.tensor([4, 5])};
  const attrs = {transposeA: false, transposeB: false};
  for (const activation of ["linear", "relu", "relu6", "elu", "sigmoid", "leakyrelu"]) {
    const bias = numbers.tensor([5]);
    await sameAsPlain("_FusedMatMul", {a, b, bias}, {...attrs, activation, leakyreluAlpha: 0.3});
    await sameAsPlain("_FusedMatMul", {...flat, bias}, {...attrs, activation, leakyreluAlpha: 0.3});
  }
  await sameAsPlain("_FusedMatMul", {a, b, bias: numbers.tensor([3, 5])}, {...attrs, activation: "relu"});
  await sameAsPlain(
    "_FusedMatMul",
    {...flat, bias: numbers.tensor([5]), preluActivationWeights: numbers.tensor([5])},
    {...attrs, activation: "prelu"},
  );
  await sameAsPlain("_FusedMatMul", flat, {...attrs, transposeA: false, activation: "linear"});
});

test("sums of products in index notation", async () => {
  const numbers = new Numbers(33);
  const equations: [string, number[][]][] = [
    [
      "ij,jk->ik",
      [
        [2, 3],
        [3, 4],
      ],
    ],
    [
      "bij, bkj -> bik",
      [
        [2, 3, 4],
        [2, 5, 4],
      ],
    ],
    [
      "bhqd,bhkd->bhqk",
      [
        [2, 2, 3, 4],
        [2, 2, 5, 4],
      ],
    ],
    ["ij->ji", [[2, 3]]],
    ["i,i->", [[4], [4]]],
  ];
  for (const [equation, shapes] of equations) {
    await sameAsPlain(
      "Einsum",
      shapes.map((shape) => numbers.tensor(shape)),
      {equation},
    );
  }
});

test("index notation that TensorFlow.js does not take is refused in its words", async () => {
  const square = plain([1, 2, 3, 4], "float32", [2, 2]);
  for (const [equation, words] of [
    ["ii->i", /duplicate axes/],
    ["ij,jk", /arrow/],
    ["i,j,k->ijk", /more than 2/],
  ] as const) {
    const terms = equation.split("->")[0]?.split(",") ?? [];
    const error = await runEager(
      "Einsum",
      terms.map(() => square),
      {equation},
    ).catch((thrown: unknown) => thrown);
    assert.match(String(error), words);
  }
});

test.run();

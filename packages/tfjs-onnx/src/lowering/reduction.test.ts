import {test} from "uvu";
import * as assert from "uvu/assert";

import {Numbers, plain, runEager, sameAsPlain} from "./cpu-oracle.twin.js";

/** Attribute that names the axes, by kernel. */
const REDUCTIONS: Readonly<Record<string, string>> = {
  Sum: "axis",
  Mean: "axis",
  Prod: "axis",
  Max: "reductionIndices",
  Min: "axis",
};

function randomAxes(numbers: Numbers, rank: number): number[] {
  return Array.from({length: rank}, (_, axis) => axis)
    .filter(() => numbers.next() < 0.5)
    .map((axis) => (numbers.next() < 0.3 ? axis - rank : axis));
}

test("reductions over any axes, negative ones too, with and without kept dimensions", async () => {
  const numbers = new Numbers(10);
  for (const [kernel, attribute] of Object.entries(REDUCTIONS)) {
    for (let rank = 0; rank <= 6; rank++) {
      const dtype = numbers.choice(["float32", "int32"] as const);
      const attrs = {[attribute]: randomAxes(numbers, rank), keepDims: numbers.next() < 0.5};
      await sameAsPlain(kernel, {x: numbers.tensor(numbers.shape(rank), dtype)}, attrs);
    }
    await sameAsPlain(kernel, {x: numbers.tensor([2, 3], "float32")}, {[attribute]: [0, 1], keepDims: true});
  }
});

test("many short rows: sums over leading axes, whatever divides their number", async () => {
  const numbers = new Numbers(14);
  for (const shape of [
    [4096, 3],
    [640, 7, 8],
    [509, 5],
    [33, 31, 2],
    [2048, 1],
  ]) {
    const x = numbers.tensor(shape);
    for (let axes = 1; axes < shape.length; axes++) {
      const axis = Array.from({length: axes}, (_, index) => index);
      for (const keepDims of [true, false]) await sameAsPlain("Sum", {x}, {axis, keepDims});
    }
  }
});

test("truth values sum to int32; all and any stay truth values", async () => {
  const numbers = new Numbers(11);
  const x = numbers.tensor([3, 4], "bool");
  for (const kernel of ["Sum", "Prod", "Mean"]) await sameAsPlain(kernel, {x}, {axis: [1], keepDims: false});
  for (const kernel of ["All", "Any"]) {
    for (const axis of [[0], [1], [0, 1], [-1]])
      await sameAsPlain(kernel, {x}, {axis, keepDims: axis.length === 1});
  }
});

test("a NaN anywhere makes the maximum and the minimum NaN, infinities of both signs do not", async () => {
  const rows = [
    [1, NaN, 0, 2],
    [NaN, 1, 2, 3],
    [1, 2, 3, NaN],
    [Infinity, -Infinity, 1, 2],
    [-Infinity, -Infinity, -Infinity, -Infinity],
  ];
  const x = plain(rows.flat(), "float32", [5, 4]);
  for (const axes of [[1], [0], [0, 1]]) {
    await sameAsPlain("Max", {x}, {reductionIndices: axes, keepDims: false});
    await sameAsPlain("Min", {x}, {axis: axes, keepDims: false});
  }
  const [largest] = await runEager("Max", {x}, {reductionIndices: [1], keepDims: false});
  assert.equal(largest?.values, [NaN, NaN, NaN, Infinity, -Infinity]);
});

test("a NaN among many numbers is found along the first and the last axis", async () => {
  const numbers = new Numbers(13);
  for (const place of [0, 1, 63, 64, 150, 199]) {
    const values = [...numbers.tensor([200]).values];
    values[place] = NaN;
    for (const shape of [
      [1, 200],
      [200, 1],
      [20, 10],
    ]) {
      const x = plain(values, "float32", shape);
      for (const axis of [0, 1]) {
        await sameAsPlain("Max", {x}, {reductionIndices: [axis], keepDims: false});
        await sameAsPlain("Min", {x}, {axis: [axis], keepDims: false});
      }
    }
  }
});

test("sums of int32 wrap", async () => {
  const x = plain([2147483647, 1, 5], "int32");
  const [sum] = await sameAsPlain("Sum", {x}, {axis: [0], keepDims: false});
  assert.equal(sum?.values, [-2147483643]);
});

test("index of the largest and smallest: first among equals, NaN passed over unless it comes first", async () => {
  const numbers = new Numbers(12);
  for (const kernel of ["ArgMax", "ArgMin"]) {
    for (let rank = 1; rank <= 6; rank++) {
      const dtype = numbers.choice(["float32", "int32", "bool"] as const);
      const axis = numbers.integer(rank) - (numbers.next() < 0.5 ? rank : 0);
      await sameAsPlain(kernel, {x: numbers.tensor(numbers.shape(rank), dtype, -2, 2)}, {axis});
    }
    const x = plain([1, NaN, 3, 3, NaN, 1, 2, 9, 5, 5, 1, 1], "float32", [3, 4]);
    await sameAsPlain(kernel, {x}, {axis: 1});
    for (const values of [
      [0, 3, 5, NaN, 3],
      [5, 0, NaN, -1, 3],
      [NaN, 1, 2, 3, 4],
      [-Infinity, NaN, -Infinity, NaN],
    ]) {
      await sameAsPlain(kernel, {x: plain(values)}, {axis: 0});
    }
    // Long enough for vector instructions, with many ties.
    await sameAsPlain(kernel, {x: numbers.tensor([3, 100], "int32", 0, 5)}, {axis: 1});
    await sameAsPlain(kernel, {x: numbers.tensor([100, 3], "bool")}, {axis: 0});
  }
});

test.run();

import {test} from "uvu";
import * as assert from "uvu/assert";

import {Numbers, plain, runCompiled, runEager, sameAsPlain} from "./cpu-oracle.twin.js";

const TYPES = ["float32", "int32", "bool"] as const;

test("gather along every axis, with indices of any rank", async () => {
  const numbers = new Numbers(40);
  for (let rank = 1; rank <= 4; rank++) {
    for (let axis = 0; axis < rank; axis++) {
      const shape = numbers.shape(rank, 4);
      const indices = numbers.tensor(numbers.shape(numbers.integer(3)), "int32", 0, shape[axis]);
      await sameAsPlain(
        "GatherV2",
        {x: numbers.tensor(shape, numbers.choice(TYPES)), indices},
        {axis, batchDims: 0},
      );
    }
  }
});

test("gather inside batches", async () => {
  const numbers = new Numbers(41);
  const cases: [number[], number[], number, number][] = [
    [[2, 5], [2, 3], 1, 1],
    [[2, 5, 3], [2, 4], 1, 1],
    [[2, 3, 5, 2], [2, 4], 2, 1],
    [[2, 3, 5], [2, 3, 2], 2, 2],
    [[2, 3, 5, 4], [2, 3, 2, 2], 2, 2],
  ];
  for (const [shape, indexShape, axis, batchDims] of cases) {
    const indices = numbers.tensor(indexShape, "int32", 0, shape[axis]);
    await sameAsPlain("GatherV2", {x: numbers.tensor(shape), indices}, {axis, batchDims});
  }
});

test("gather by tuples of indices", async () => {
  const numbers = new Numbers(42);
  const params = numbers.tensor([3, 3, 3]);
  for (const depth of [1, 2, 3]) {
    await sameAsPlain("GatherNd", {params, indices: numbers.tensor([4, depth], "int32", 0, 3)});
    await sameAsPlain("GatherNd", {params, indices: numbers.tensor([2, 2, depth], "int32", 0, 3)});
  }
});

test("segment sums with repeated, missing, negative and too large numbers", async () => {
  const segmentIds = plain([2, 0, 2, 2, -1, 7, 0], "int32");
  const numbers = new Numbers(43);
  for (const shape of [[7], [7, 3], [7, 2, 2]]) {
    await sameAsPlain("UnsortedSegmentSum", {x: numbers.tensor(shape), segmentIds}, {numSegments: 4});
  }
  const [result] = await runEager(
    "UnsortedSegmentSum",
    {x: plain([1, 2, 4, 8, 16, 32, 64]), segmentIds},
    {numSegments: 4},
  );
  assert.equal(result?.values, [66, 0, 13, 0]);
});

test("segment sums over a large table add row by row and drop what lies outside", async () => {
  const segments = 3000;
  const ids = [2999, 0, 2999, 5, -1, 3000, 0];
  const x = plain([1, 2, 4, 8, 16, 32, 64]);
  for (const run of [runEager, runCompiled]) {
    const [result] = await run(
      "UnsortedSegmentSum",
      {x, segmentIds: plain(ids, "int32")},
      {numSegments: segments},
    );
    const expected = new Array<number>(segments).fill(0);
    expected[0] = 66;
    expected[5] = 8;
    expected[2999] = 5;
    assert.equal(result?.values, expected);
  }
});

test("two threads lose no update: 20 000 rows onto 64 and onto 2 000 targets", async () => {
  const rows = 20000;
  for (const segments of [64, 2000]) {
    const ids = Array.from({length: rows}, (_, row) => (row * 7919) % segments);
    const expected = new Array<number>(segments).fill(0);
    ids.forEach((id, row) => {
      expected[id] = (expected[id] as number) + (row % 5);
    });
    const x = plain(Array.from({length: rows}, (_, row) => row % 5));
    for (let repeat = 0; repeat < 3; repeat++) {
      const [sum] = await runCompiled(
        "UnsortedSegmentSum",
        {x, segmentIds: plain(ids, "int32")},
        {numSegments: segments},
      );
      assert.equal(sum?.values, expected);
      const [scattered] = await runCompiled(
        "ScatterNd",
        {indices: plain(ids, "int32", [rows, 1]), updates: x},
        {shape: [segments]},
      );
      assert.equal(scattered?.values, expected);
    }
  }
});

test("scatter adds repeated tuples, and overwrites in order", async () => {
  const numbers = new Numbers(44);
  for (const dtype of ["float32", "int32"] as const) {
    for (const depth of [1, 2]) {
      const indices = numbers.tensor([5, depth], "int32", 0, 3);
      const updates = numbers.tensor([5, ...(depth === 1 ? [3, 2] : [2])], dtype);
      await sameAsPlain("ScatterNd", {indices, updates}, {shape: [3, 3, 2]});
      await sameAsPlain("TensorScatterUpdate", {tensor: numbers.tensor([3, 3, 2], dtype), indices, updates});
    }
  }
});

test("one-hot rows are off for indices outside", async () => {
  for (const dtype of ["float32", "int32", "bool"]) {
    await sameAsPlain(
      "OneHot",
      {indices: plain([0, 3, -1, 4, 2, 1], "int32", [2, 3])},
      {depth: 4, onValue: 1, offValue: 0, dtype},
    );
  }
  await sameAsPlain(
    "OneHot",
    {indices: plain([1], "int32")},
    {depth: 3, onValue: 5, offValue: -1, dtype: "float32"},
  );
});

test("the k largest, lower index first among equals", async () => {
  const numbers = new Numbers(45);
  for (const dtype of ["float32", "int32"] as const) {
    for (const k of [1, 3, 6]) {
      await sameAsPlain("TopK", {x: numbers.tensor([2, 3, 6], dtype, -2, 2)}, {k, sorted: true});
    }
  }
  await sameAsPlain("TopK", {x: plain([3, 1, 3, 2, 3, Infinity, -Infinity])}, {k: 4, sorted: true});
});

test("diagonals", async () => {
  const numbers = new Numbers(46);
  for (const dtype of TYPES) await sameAsPlain("Diag", {x: numbers.tensor([2, 3], dtype)});
});

test("NaN and infinities in dropped rows reach no segment", async () => {
  const segmentIds = plain([0, -1, 1, 2], "int32");
  const x = plain([1, NaN, 3, Infinity]);
  for (const run of [runEager, runCompiled]) {
    const [result] = await run("UnsortedSegmentSum", {x, segmentIds}, {numSegments: 2});
    assert.equal(result?.values, [1, 3]);
  }
});

test.run();

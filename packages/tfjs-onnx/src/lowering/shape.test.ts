import {test} from "uvu";
import * as assert from "uvu/assert";

import {Numbers, plain, runCompiled, runEager, sameAsPlain} from "./cpu-oracle.twin.js";

const TYPES = ["float32", "int32", "bool"] as const;

function shuffled(numbers: Numbers, count: number): number[] {
  const order = Array.from({length: count}, (_, index) => index);
  for (let index = count - 1; index > 0; index--) {
    const other = numbers.integer(index + 1);
    [order[index], order[other]] = [order[other] as number, order[index] as number];
  }
  return order;
}

test("reshape, expandDims and transpose at every rank", async () => {
  const numbers = new Numbers(20);
  for (let rank = 0; rank <= 6; rank++) {
    const shape = numbers.shape(rank, 3);
    const x = numbers.tensor(shape, numbers.choice(TYPES));
    const size = shape.reduce((a, b) => a * b, 1);
    await sameAsPlain("Reshape", {x}, {shape: [size, 1]});
    await sameAsPlain("ExpandDims", {input: x}, {dim: numbers.integer(rank + 1)});
    if (rank > 0) await sameAsPlain("Transpose", {x}, {perm: shuffled(numbers, rank)});
    if (rank > 0) await sameAsPlain("Reverse", {x}, {dims: [numbers.integer(rank)]});
  }
  await sameAsPlain("ExpandDims", {input: numbers.tensor([2, 3])}, {dim: -1});
  await sameAsPlain("Reverse", {x: numbers.tensor([2, 3, 2])}, {dims: [0, -1]});
});

test("slice and strided slice", async () => {
  const numbers = new Numbers(21);
  for (let rank = 1; rank <= 6; rank++) {
    const shape = numbers.shape(rank, 4);
    const begin = shape.map((size) => numbers.integer(size));
    const size = shape.map((extent, axis) => 1 + numbers.integer(extent - (begin[axis] as number)));
    await sameAsPlain("Slice", {x: numbers.tensor(shape, numbers.choice(TYPES))}, {begin, size});
  }
  await sameAsPlain("Slice", {x: numbers.tensor([5, 4])}, {begin: [1, 2], size: [-1, -1]});
  const x = numbers.tensor([5, 6, 4]);
  const masks = {beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0};
  const bounds: [number[], number[], number[], Partial<typeof masks>][] = [
    [[0, 0, 0], [5, 6, 4], [2, 3, 1], {}],
    [[4, 5, 3], [0, 0, 0], [-1, -2, -1], {}],
    [[4, 5, 3], [0, 0, 0], [-1, -2, -3], {endMask: 7}],
    [[-3, 1, 0], [-1, -1, 4], [1, 1, 1], {}],
    [[1, 0, 0], [2, 6, 4], [1, 1, 1], {shrinkAxisMask: 1}],
    [[1, 0], [3, 2], [1, 1], {ellipsisMask: 2}],
    [[0, 0, 0, 0], [5, 1, 6, 4], [1, 1, 1, 1], {newAxisMask: 2}],
  ];
  for (const [begin, end, strides, some] of bounds) {
    await sameAsPlain("StridedSlice", {x}, {begin, end, strides, ...masks, ...some});
  }
});

test("concat, pack, split and unpack", async () => {
  const numbers = new Numbers(22);
  for (const dtype of TYPES) {
    const parts = [1, 3, 2].map((size) => numbers.tensor([2, size, 3], dtype));
    await sameAsPlain("Concat", parts, {axis: 1});
    await sameAsPlain("Concat", parts, {axis: -2});
    const alike = [1, 2, 3].map(() => numbers.tensor([2, 3], dtype));
    for (const axis of [0, 1, 2]) await sameAsPlain("Pack", alike, {axis});
    const x = numbers.tensor([2, 6, 3], dtype);
    await sameAsPlain("SplitV", {x}, {numOrSizeSplits: 3, axis: 1});
    await sameAsPlain("SplitV", {x}, {numOrSizeSplits: [1, 3, 2], axis: -2});
    await sameAsPlain("SplitV", {x}, {numOrSizeSplits: [2, -1], axis: 1});
    for (const axis of [0, 1, -1]) await sameAsPlain("Unpack", {value: x}, {axis});
  }
  await sameAsPlain("Concat", [numbers.tensor([2, 2])], {axis: 0});
  await sameAsPlain("Unpack", {value: numbers.tensor([1, 4])}, {axis: 0});
});

test("stacking different element types and axes out of range are refused", async () => {
  const [a, b] = [plain([1]), plain([1], "bool")];
  for (const [kernel, inputs, attrs, words] of [
    ["Pack", [a, b], {axis: 0}, /matching dtypes/],
    ["Pack", [a, a], {axis: 3}, /axis from -2 to 1/],
  ] as const) {
    const error = await runEager(kernel, inputs, attrs).catch((thrown: unknown) => thrown);
    assert.match(String(error), words);
  }
});

test("paddings", async () => {
  const numbers = new Numbers(23);
  for (const dtype of TYPES) {
    const x = numbers.tensor([3, 4], dtype);
    await sameAsPlain(
      "PadV2",
      {x},
      {
        paddings: [
          [1, 2],
          [0, 3],
        ],
        constantValue: 1,
      },
    );
    for (const mode of ["reflect", "symmetric"]) {
      await sameAsPlain(
        "MirrorPad",
        {x},
        {
          paddings: [
            [2, 1],
            [0, 3],
          ],
          mode,
        },
      );
    }
  }
  await sameAsPlain("PadV2", {x: numbers.tensor([2])}, {paddings: [[0, 0]], constantValue: 0});
  await sameAsPlain(
    "PadV2",
    {x: numbers.tensor([1, 2, 1, 2, 1])},
    {
      paddings: [
        [1, 0],
        [0, 0],
        [0, 1],
        [1, 1],
        [0, 0],
      ],
      constantValue: -2.5,
    },
  );
});

test("tile repeats, also without storing the copies", async () => {
  const numbers = new Numbers(24);
  for (let rank = 1; rank <= 6; rank++) {
    const shape = numbers.shape(rank, 2);
    const x = numbers.tensor(shape, numbers.choice(TYPES));
    await sameAsPlain("Tile", {x}, {reps: shape.map(() => 1 + numbers.integer(2))});
  }
  await sameAsPlain("Tile", {x: numbers.tensor([1, 3])}, {reps: [4, 1]});
  const x = plain([1, 2], "float32", [2, 1]);
  for (const run of [runEager, runCompiled]) {
    const [result] = await run("BroadcastTo", {x}, {shape: [2, 2, 3]});
    assert.equal(result?.shape, [2, 2, 3]);
    assert.equal(result?.values, [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2]);
  }
});

test("blocks between batch, space and depth", async () => {
  const numbers = new Numbers(25);
  const x = numbers.tensor([2, 4, 5, 3]);
  await sameAsPlain(
    "SpaceToBatchND",
    {x},
    {
      blockShape: [2, 3],
      paddings: [
        [0, 0],
        [1, 0],
      ],
    },
  );
  const y = numbers.tensor([12, 2, 2, 3]);
  await sameAsPlain(
    "BatchToSpaceND",
    {x: y},
    {
      blockShape: [2, 3],
      crops: [
        [1, 0],
        [0, 2],
      ],
    },
  );
  await sameAsPlain("DepthToSpace", {x: numbers.tensor([2, 3, 2, 8])}, {blockSize: 2, dataFormat: "NHWC"});
});

test.run();

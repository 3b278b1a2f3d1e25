import * as fc from "fast-check";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {layouts, publishedShape, toOurs, toPublished} from "./layout.js";
import type {Layout, ShapedArray} from "./layout.js";

function counting(shape: number[]): ShapedArray {
  const size = shape.reduce((product, length) => product * length, 1);
  return {shape, data: Float32Array.from({length: size}, (_, index) => index)};
}

test("linear: rows of outputs become rows of inputs", () => {
  const ours = toOurs("linear", {shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6)}, 0);
  assert.equal(ours.shape, [3, 2]);
  assert.equal([...ours.data], [1, 4, 2, 5, 3, 6]);
});

test("conv2d: one number followed by hand", () => {
  // Published [out 2, in 3, height 2, width 2]: output 1, input 2, row 0, column 1 lies at 12 + 8 + 0 + 1 = 21.
  const ours = toOurs("conv2d", counting([2, 3, 2, 2]), 0);
  assert.equal(ours.shape, [2, 2, 3, 2]);
  // Ours [height, width, in, out]: row 0, column 1, input 2, output 1 lies at 0 + 6 + 4 + 1 = 11.
  assert.is(ours.data[11], 21);
});

test("convTranspose2d: one number followed by hand", () => {
  // Published [in 2, out 3, 2, 2]: input 1, output 2, row 1, column 0 lies at 12 + 8 + 2 = 22.
  const ours = toOurs("convTranspose2d", counting([2, 3, 2, 2]), 0);
  assert.equal(ours.shape, [2, 2, 3, 2]);
  // Ours [height, width, out, in]: row 1, column 0, output 2, input 1 lies at 12 + 0 + 4 + 1 = 17.
  assert.is(ours.data[17], 22);
});

test("channelsFirstTable: channels go last", () => {
  const ours = toOurs("channelsFirstTable", {shape: [1, 2, 1, 2], data: Float32Array.of(1, 2, 3, 4)}, 0);
  assert.equal(ours.shape, [1, 1, 2, 2]);
  assert.equal([...ours.data], [1, 3, 2, 4]);
});

test("splitQkv: thirds of the rows, each turned as linear", () => {
  const fused = {shape: [6, 1], data: Float32Array.of(1, 2, 3, 4, 5, 6)};
  assert.equal(
    [0, 1, 2].map((part) => [...toOurs("splitQkv", fused, part).data]),
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  );
  assert.equal(toOurs("splitQkv", fused, 1).shape, [1, 2]);
  assert.equal([...toOurs("splitQkv", {shape: [3], data: Float32Array.of(7, 8, 9)}, 2).data], [9]);
});

test("refuses a rank that the layout does not have", () => {
  assert.throws(() => toOurs("conv2d", counting([2, 3]), 0), /expected 4 axes, got 2/);
  assert.throws(() => toOurs("splitQkv", counting([4]), 0), /splitQkv/);
});

test("every layout turns round, and its shape is known beforehand", () => {
  const ranks: Record<Layout, number> = {
    asIs: 3,
    linear: 2,
    conv2d: 4,
    convTranspose2d: 4,
    channelsFirstTable: 4,
    splitQkv: 2,
  };
  fc.assert(
    fc.property(
      fc.constantFrom(...layouts),
      fc.array(fc.integer({min: 1, max: 4}), {minLength: 4, maxLength: 4}),
      (layout, sizes) => {
        const shape = sizes.slice(0, ranks[layout]);
        if (layout === "splitQkv") shape[0] = (shape[0] ?? 1) * 3;
        const published = counting(shape);
        const parts = layout === "splitQkv" ? [0, 1, 2] : [0];
        const ours = parts.map((part) => toOurs(layout, published, part));
        assert.equal(toPublished(layout, ours), published);
        assert.equal(publishedShape(layout, ours[0]?.shape ?? []), shape);
      },
    ),
    {numRuns: 200, seed: 3},
  );
});

test.run();

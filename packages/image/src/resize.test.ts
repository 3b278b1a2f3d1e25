import {readFileSync} from "node:fs";
import {ConfigError, ShapeError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {createImage} from "./image.js";
import {createMask} from "./mask.js";
import type {Filter} from "./resample-weights.js";
import {resize} from "./resize.js";
import {resizeField} from "./resize-field.js";
import {resizeMask} from "./resize-mask.js";

interface Tensor {
  shape: number[];
  data: number[];
}
interface Fixture {
  pictures: Record<string, Tensor>;
  pillow: {picture: string; filter: Filter; size: [number, number]; data: number[]}[];
  torchInputs: Record<string, Tensor>;
  torch: {input: string; filter: Filter; antialias: boolean; size: [number, number]; data: number[]}[];
  masks: {shape: [number, number]; mask: number[]; size: [number, number]; data: number[]}[];
}
const fixture = JSON.parse(
  readFileSync(new URL("../fixtures/resize.json", import.meta.url), "utf8"),
) as Fixture;

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.is(a.length, b.length);
  return Array.from(a).reduce((worst, value, at) => Math.max(worst, Math.abs(value - (b[at] as number))), 0);
}

test("8-bit resizing equals recorded results of Pillow bit for bit", () => {
  assert.is(fixture.pillow.length >= 15, true);
  for (const {picture, filter, size, data} of fixture.pillow) {
    const {shape, data: input} = fixture.pictures[picture] as Tensor;
    const [height = 0, width = 0] = shape;
    const image = createImage({data: Uint8Array.from(input), height, width});
    const result = resize(image, {height: size[0], width: size[1], filter});
    assert.is(largestDifference(result.pixels.data, data), 0, `${picture} ${filter} ${size.join("x")}`);
  }
});

test("float resizing equals recorded results of torch, with and without antialias", () => {
  assert.is(fixture.torch.length, 4);
  for (const {input, filter, antialias, size, data} of fixture.torch) {
    const {shape, data: values} = fixture.torchInputs[input] as Tensor;
    const [images = 0, channels = 0, height = 0, width = 0] = shape;
    const area = height * width;
    const newArea = size[0] * size[1];
    for (let plane = 0; plane < images * channels; plane++) {
      const image = createImage({
        data: Float32Array.from(values.slice(plane * area, (plane + 1) * area)),
        height,
        width,
      });
      const result = resize(image, {height: size[0], width: size[1], filter, antialias});
      const expected = data.slice(plane * newArea, (plane + 1) * newArea);
      assert.is(largestDifference(result.pixels.data, expected) < 1e-4, true, `${filter} ${antialias}`);
      if (filter === "bilinear" && !antialias) {
        const field = resizeField(
          image.pixels.data as Float32Array,
          {height, width},
          {height: size[0], width: size[1]},
        );
        assert.is(largestDifference(field, expected) < 1e-4, true);
      }
    }
  }
});

test("masks are resized as Pillow's NEAREST, and ignored pixels stay", () => {
  for (const {shape, mask, size, data} of fixture.masks) {
    const values = Uint8Array.from(mask, (value) => (value > 0 ? 1 : 0));
    const result = resizeMask(createMask({data: values, height: shape[0], width: shape[1]}), {
      height: size[0],
      width: size[1],
    });
    assert.equal(
      [...result.pixels.data],
      data.map((value) => (value > 0 ? 1 : 0)),
    );
  }
  const ignored = createMask({data: Uint8Array.of(0, 255), height: 1, width: 2});
  assert.equal([...resizeMask(ignored, {height: 1, width: 4}).pixels.data], [0, 0, 255, 255]);
});

test("box means worked out by hand, in every number type", () => {
  const size = {height: 1, width: 1, filter: "box" as const};
  const bytes = createImage({data: Uint8Array.of(1, 2, 4, 10), height: 2, width: 2});
  // Columns first: (1 + 2) / 2 -> 2 and (4 + 10) / 2 = 7; then (2 + 7) / 2 -> 5, since each pass rounds.
  assert.equal([...resize(bytes, size).pixels.data], [5]);
  const words = createImage({data: Uint16Array.of(1000, 2000, 4000, 65535), height: 2, width: 2});
  assert.equal([...resize(words, size).pixels.data], [18134]);
  const floats = createImage({data: Float32Array.of(0.5, 0.25, 0.25, 1), height: 2, width: 2});
  assert.equal([...resize(floats, size).pixels.data], [0.5]);
});

test("spacing follows the size, and the same size gives a copy", () => {
  const image = createImage({
    data: Uint8Array.of(9, 8, 7, 6),
    height: 2,
    width: 2,
    spacing: {y: 10, x: 20},
  });
  assert.equal(resize(image, {height: 4, width: 1}).spacing, {y: 5, x: 40});
  const copy = resize(image, {height: 2, width: 2});
  assert.equal([...copy.pixels.data], [9, 8, 7, 6]);
  assert.is.not(copy.pixels.data, image.pixels.data);
});

test("wrong sizes and filters are refused by name", () => {
  const image = createImage({data: new Uint8Array(4), height: 2, width: 2});
  assert.throws(
    () => resize(image, {height: 0, width: 2}),
    (error: unknown) => error instanceof ShapeError && error.message.includes("got 0 x 2"),
  );
  assert.throws(
    () => resize(image, {height: 1, width: 1, filter: "bicubc" as Filter}),
    (error: unknown) => error instanceof ConfigError && error.message.includes('did you mean "bicubic"'),
  );
  assert.throws(
    () => resizeField(new Float32Array(3), {height: 2, width: 2}, {height: 1, width: 1}),
    (error: unknown) => error instanceof ShapeError && error.message.includes("got 3"),
  );
});

test.run();

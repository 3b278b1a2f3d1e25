import {readFileSync} from "node:fs";
import {ConfigError, ShapeError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {crop} from "./crop.js";
import {dropAlpha} from "./drop-alpha.js";
import {createImage} from "./image.js";
import {createMask} from "./mask.js";
import type {Filter} from "./resample-weights.js";
import {resize} from "./resize.js";
import type {ResizeOptions} from "./resize.js";
import {resizeField} from "./resize-field.js";
import {resizeMask} from "./resize-mask.js";

interface Tensor {
  shape: number[];
  data: number[];
}
interface Fixture {
  pictures: Record<string, Tensor>;
  pillow: {picture: string; filter: Filter; size: [number, number]; data: number[]}[];
  pillowOptions: ({picture: string; size: [number, number]; data: number[]} & Pick<
    ResizeOptions,
    "filter" | "box" | "reducingGap"
  >)[];
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

test("boxes, first steps by whole factors and the Hamming filter equal Pillow's bit for bit", () => {
  assert.is(fixture.pillowOptions.length, 16);
  for (const {picture, size, data, ...options} of fixture.pillowOptions) {
    const {shape, data: input} = fixture.pictures[picture] as Tensor;
    const [height = 0, width = 0] = shape;
    const image = createImage({data: Uint8Array.from(input), height, width});
    const result = resize(image, {height: size[0], width: size[1], ...options});
    assert.is(largestDifference(result.pixels.data, data), 0, `${picture} ${JSON.stringify(options)}`);
  }
});

test("a box is stretched to the result, and px beside it still count", () => {
  const image = createImage({data: Uint8Array.of(0, 100, 200, 250), height: 1, width: 4});
  const half = {height: 1, width: 2, box: [1, 0, 3, 1]} as const;
  assert.equal([...resize(image, half).pixels.data], [100, 200]);
  // Centres at 1.25 and so on; the tent of one px reaches the px on either side.
  const doubled = resize(image, {...half, width: 4}).pixels.data;
  assert.equal([...doubled], [75, 125, 175, 213]);
  const spaced = {...image, spacing: {y: 3, x: 8}};
  assert.equal(resize(spaced, {...half, width: 4}).spacing, {y: 3, x: 4});
});

test("a first step by whole factors takes means of blocks in every number type", () => {
  // 12 columns into 2 at a gap of 2: blocks of 3, whose means 2, 5, 8, 11 become (2 + 5) / 2 and (8 + 11) / 2.
  const values = Array.from({length: 12}, (_, at) => at + 1);
  const options = {height: 1, width: 2, filter: "box", reducingGap: 2} as const;
  const of = (data: Uint8Array | Uint16Array | Float32Array): number[] => [
    ...resize(createImage({data, height: 1, width: 12}), options).pixels.data,
  ];
  assert.equal(of(Uint8Array.from(values)), [4, 10]);
  assert.equal(of(Uint16Array.from(values)), [4, 10]);
  assert.equal(of(Float32Array.from(values)), [3.5, 9.5]);
});

test("a region is a crop of the whole result", () => {
  const {shape, data: input} = fixture.pictures["steps_16x24"] as Tensor;
  const [height = 0, width = 0] = shape;
  const image = createImage({data: Uint8Array.from(input), height, width});
  for (const filter of ["nearest", "bilinear", "lanczos"] as const) {
    for (const size of [
      {height: 5, width: 40},
      {height: 31, width: 7},
      {height, width},
    ]) {
      const whole = resize(image, {...size, filter});
      const region = [2, 1, 6, 4] as const;
      const part = resize(image, {...size, filter, region});
      assert.equal([part.height, part.width], [3, 4]);
      assert.is(largestDifference(part.pixels.data, crop(whole, region).pixels.data), 0);
    }
  }
});

test("torchvision's arithmetic: fewer bits, width first, rounded without antialias too", () => {
  const image = createImage({data: Uint8Array.of(0, 255), height: 1, width: 2});
  const options = {height: 1, width: 4, arithmetic: "torchvision"} as const;
  // Positions 0, 0.25, 0.75, 1: 63.75 and 191.25 are rounded.
  assert.equal([...resize(image, {...options, antialias: false}).pixels.data], [0, 64, 191, 255]);
  const one = {height: 1, width: 1, filter: "box"} as const;
  const last = createImage({data: Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0), height: 5, width: 2});
  // Down first: 1 / 5 -> 0 and 2 / 5 -> 0, so 0; across first: 1, 1, 1, 0, 0, then 3 / 5 -> 1.
  assert.equal([...resize(last, one).pixels.data], [0]);
  assert.equal([...resize(last, {...one, arithmetic: "torchvision"}).pixels.data], [1]);
  // Nearest: 3 px into 2 at (0.5, 1.5) * 1.5 = 0.75, 2.25.
  const three = createImage({data: Uint8Array.of(1, 2, 3), height: 1, width: 3});
  const nearest = {height: 1, width: 2, filter: "nearest", arithmetic: "torchvision"} as const;
  assert.equal([...resize(three, nearest).pixels.data], [1, 3]);
  const region = resize(three, {height: 1, width: 7, arithmetic: "torchvision", region: [2, 0, 5, 1]});
  const whole = resize(three, {height: 1, width: 7, arithmetic: "torchvision"});
  assert.equal([...region.pixels.data], [...whole.pixels.data.subarray(2, 5)]);
  assert.throws(
    () => resize(image, {...options, arithmetic: "torch" as "torchvision"}),
    (error: unknown) => error instanceof ConfigError && error.message.includes("arithmetic"),
  );
});

test("transparent pixels do not bleed, in every number type", () => {
  const words = createImage({
    data: Uint16Array.of(60000, 500, 0, 65535, 1, 2, 3, 0),
    height: 1,
    width: 2,
  });
  const one = {height: 1, width: 1, filter: "box"} as const;
  assert.equal([...resize(words, one).pixels.data], [60000, 500, 0, 32768]);
  const floats = createImage({data: Float32Array.of(0.5, 0.25, 0, 1, 1, 1, 1, 0), height: 1, width: 2});
  assert.equal([...resize(floats, one).pixels.data], [0.5, 0.25, 0, 0.5]);
});

test("alpha is dropped, or lets white through", () => {
  const image = createImage({data: Uint8Array.of(100, 0, 200, 51, 7, 8, 9, 255), height: 1, width: 2});
  assert.equal([...dropAlpha(image).pixels.data], [100, 0, 200, 7, 8, 9]);
  assert.equal([...dropAlpha(image, {over: "white"}).pixels.data], [224, 204, 244, 7, 8, 9]);
  const float = createImage({data: Float32Array.of(0.5, 0, 1, 0.5), height: 1, width: 1});
  assert.equal([...dropAlpha(float, {over: "white"}).pixels.data], [0.75, 0.5, 1]);
  const grey = createImage({data: Uint8Array.of(4), height: 1, width: 1});
  assert.is(dropAlpha(grey, {over: "white"}), grey);
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
  for (const [options, message] of [
    [{box: [0, 0, 3, 2]}, /box: expected a box inside \[0, 0, 2, 2\]/],
    [{box: [1, 0, 1, 2]}, /box: expected a box/],
    [{region: [0, 0, 0.5, 1]}, /region: expected whole numbers/],
    [{region: [0, 0, 2, 1]}, /inside \[0, 0, 1, 1\]/],
    [{box: [NaN, 0, 1, 1]}, /got \[NaN, 0, 1, 1\]/],
  ] as const) {
    assert.throws(
      () => resize(image, {height: 1, width: 1, ...options}),
      (error: unknown) => error instanceof ShapeError && message.test(error.message),
      String(message),
    );
  }
  assert.throws(
    () => resize(image, {height: 1, width: 1, reducingGap: 0.5}),
    (error: unknown) => error instanceof ConfigError && error.message.includes("reducingGap"),
  );
  assert.throws(
    () => resizeField(new Float32Array(3), {height: 2, width: 2}, {height: 1, width: 1}),
    (error: unknown) => error instanceof ShapeError && error.message.includes("got 3"),
  );
});

test.run();

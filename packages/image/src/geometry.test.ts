import {readFileSync} from "node:fs";
import {ConfigError, ShapeError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {crop, cropMask} from "./crop.js";
import {boxTargets} from "./box-targets.js";
import {fitExact, fitLongest, letterbox, longestFrame} from "./fit.js";
import {fitShortest, shortestFrame} from "./fit-shortest.js";
import {Frame} from "./frame.js";
import {createImage} from "./image.js";
import {createMask} from "./mask.js";
import {placeNormalized} from "./place-normalized.js";

function picture(height: number, width: number, channels = 1): ReturnType<typeof createImage> {
  const data = Uint8Array.from({length: height * width * channels}, (_, at) => 1 + (at % 250));
  return createImage({data, height, width});
}

test("createImage tells the channels and refuses what does not fit", () => {
  const image = createImage({data: new Uint16Array(2 * 3 * 3), height: 2, width: 3});
  assert.equal([image.channels, image.white, image.pixels.shape], [3, 65535, [2, 3, 3]]);
  assert.is(image.pixels.get(1, 2, 0), 0);
  assert.throws(
    () => createImage({data: new Uint8Array(12), height: 2, width: 3, id: "x"}),
    (error: unknown) =>
      error instanceof ShapeError && /"x".*2 x 3 x 1, 3 or 4 samples, got 12/.test(error.message),
  );
  assert.throws(() => createMask({data: Uint8Array.of(0, 128), height: 1, width: 2}), /got 128/);
  assert.throws(() => createMask({data: new Uint8Array(3), height: 2, width: 2}), /2 x 2 values, got 3/);
});

test("the longer side fits and the rest is padding on the right and below", () => {
  // 30 x 41 to 16: factor 16 / 41, height int(11.707 + 0.5) = 12.
  const {image, frame} = fitLongest(picture(30, 41, 3), 16);
  assert.equal([image.height, image.width, image.channels], [16, 16, 3]);
  assert.equal(frame.content, {height: 12, width: 16});
  assert.equal(frame.offset, {y: 0, x: 0});
  assert.is(image.pixels.get(11, 15, 2) > 0, true);
  assert.is(image.pixels.get(12, 0, 0), 0);
  const bare = fitLongest(picture(30, 41, 3), 16, {padding: "none"});
  assert.equal([bare.image.height, bare.image.width, bare.frame.model], [12, 16, {height: 16, width: 16}]);
});

test("a strip keeps at least one px", () => {
  assert.equal(fitLongest(picture(1, 2000), 64).frame.content, {height: 1, width: 64});
});

test("letterbox centres, an odd rest going right and below", () => {
  // 10 x 20 into 11 x 10: factor 0.5, content 5 x 10, rows 3 to 7.
  const {image, frame} = letterbox(picture(10, 20), {height: 11, width: 10});
  assert.equal(frame.content, {height: 5, width: 10});
  assert.equal(frame.offset, {y: 3, x: 0});
  assert.equal(
    [0, 2, 3, 7, 8].map((row) => image.pixels.get(row, 4, 0) > 0),
    [false, false, true, true, false],
  );
});

test("boxes and points go to the model's px and back", () => {
  const frame = new Frame({
    source: {height: 100, width: 200},
    model: {height: 64, width: 64},
    content: {height: 32, width: 64},
    offset: {y: 16, x: 0},
  });
  assert.equal(frame.boxToModel([0, 0, 200, 100]), [0, 16, 64, 48]);
  assert.equal(frame.boxToModel([50, 25, 100, 75]), [16, 24, 32, 40]);
  assert.equal(frame.boxToSource([16, 24, 32, 40]), [50, 25, 100, 75]);
  assert.equal(frame.pointToSource(frame.pointToModel({x: 25, y: 50})), {x: 25, y: 50});
});

test("masks land where their picture does", () => {
  const {frame} = letterbox(picture(4, 4), {height: 4, width: 8});
  const mask = createMask({
    data: Uint8Array.from({length: 16}, (_, at) => (at < 4 ? 1 : at === 15 ? 255 : 0)),
    height: 4,
    width: 4,
  });
  const placed = frame.maskToModel(mask).pixels.data;
  assert.equal([...placed.subarray(0, 8)], [0, 0, 1, 1, 1, 1, 0, 0]);
  assert.is(placed[3 * 8 + 5], 255);
  assert.throws(
    () => frame.maskToModel(createMask({height: 3, width: 4})),
    /4 x 4 px, as the source, got 3 x 4/,
  );
});

test("a field that is linear on the canvas comes back linear", () => {
  // Rows 0 to 31 of a 64 x 64 canvas hold a 16 x 32 picture; the field is the canvas column.
  const frame = new Frame({
    source: {height: 16, width: 32},
    model: {height: 64, width: 64},
    content: {height: 32, width: 64},
  });
  const field = Float32Array.from({length: 16 * 16}, (_, at) => 4 * (at % 16) + 2);
  const back = frame.fieldToSource(field, {height: 16, width: 16});
  assert.is(back.length, 16 * 32);
  // Column x of the source has its centre at canvas column 2 x + 1, away from the border.
  for (let x = 3; x < 28; x++) {
    assert.is(Math.abs((back[5 * 32 + x] as number) - (2 * x + 1)) < 1e-4, true, `column ${x}`);
  }
});

test("logits come to the source's size as SAM's recorded masks", () => {
  const {fields} = JSON.parse(readFileSync(new URL("../fixtures/resize.json", import.meta.url), "utf8")) as {
    fields: {
      shape: [number, number, number];
      logits: number[];
      source: [number, number];
      content: [number, number];
      model: [number, number];
      data: number[];
    }[];
  };
  assert.is(fields.length, 2);
  for (const {shape, logits, source, content, model, data} of fields) {
    const sizeOf = ([height, width]: [number, number]): {height: number; width: number} => ({height, width});
    const frame = new Frame({source: sizeOf(source), content: sizeOf(content), model: sizeOf(model)});
    const [planes, height, width] = shape;
    const area = source[0] * source[1];
    for (let plane = 0; plane < planes; plane++) {
      const field = Float32Array.from(logits.slice(plane * height * width, (plane + 1) * height * width));
      const result = frame.fieldToSource(field, {height, width});
      assert.is(result.length, area);
      result.forEach((value, at) => {
        assert.is(Math.abs(value - (data[plane * area + at] as number)) < 1e-4, true);
      });
    }
  }
});

test("an exact fit stretches, and canvas sizes are checked", () => {
  const {image, frame} = fitExact(picture(10, 20), {height: 8, width: 8});
  assert.equal([image.height, image.width, frame.content], [8, 8, {height: 8, width: 8}]);
  assert.throws(
    () => fitLongest(picture(2, 2), 0.5),
    (error: unknown) => error instanceof ConfigError,
  );
  const size = {height: 4, width: 4};
  assert.throws(
    () => new Frame({source: size, model: size, content: size, offset: {y: 1, x: 0}}),
    /inside the canvas/,
  );
});

test("a crop shows a part of the picture, and what it hides is NaN on the way back", () => {
  // 4 x 8 px at twice the scale, of which the middle 8 x 8 are seen: source columns 2 to 5.
  const frame = new Frame({
    source: {height: 4, width: 8},
    model: {height: 8, width: 8},
    content: {height: 8, width: 16},
    offset: {y: 0, x: -4},
    cropped: true,
  });
  assert.equal(frame.boxToModel([2, 0, 6, 4]), [0, 0, 8, 8]);
  assert.equal(frame.boxToSource(frame.boxToModel([0, 1, 8, 3])), [0, 1, 8, 3]);
  assert.not.ok(frame.isWhole());
  assert.is(frame.contentMask().pixels.data.indexOf(0), -1);
  const mask = createMask({
    data: Uint8Array.from({length: 32}, (_, at) => Number(at % 8 === 2)),
    height: 4,
    width: 8,
  });
  assert.equal([...frame.maskToModel(mask).pixels.data.subarray(0, 8)], [1, 1, 0, 0, 0, 0, 0, 0]);
  // The canvas column as a field: source column x has its centre at canvas column 2 x - 3, seen from 2 to 5.
  const field = Float32Array.from({length: 64}, (_, at) => (at % 8) + 0.5);
  const back = frame.fieldToSource(field, {height: 8, width: 8});
  assert.equal(
    [...back.subarray(8, 16)].map((value) => (Number.isNaN(value) ? "?" : value)),
    ["?", "?", 1, 3, 5, 7, "?", "?"],
  );
  const size = {height: 4, width: 4};
  for (const offset of [
    {y: -1, x: 0},
    {y: 0, x: 1},
  ]) {
    assert.throws(() => new Frame({source: size, model: size, content: size, offset}), /inside the canvas/);
  }
  assert.throws(
    () => new Frame({source: size, model: size, content: size, offset: {y: -4, x: 0}, cropped: true}),
    /that meets the canvas/,
  );
});

test("the shorter side fits unless the longer one would be too long", () => {
  const sizeOf = (height: number, width: number, maximum?: number): number[] => {
    const {content} = shortestFrame({height, width}, 30, maximum === undefined ? {} : {maximum});
    return [content.height, content.width];
  };
  // 30 * 45 / 31 = 43.5 is cut, not rounded.
  assert.equal(sizeOf(31, 45), [30, 43]);
  assert.equal(sizeOf(45, 31), [43, 30]);
  // At most 33: the short side is 33 * 40 / 56 = 23.57, rounded 24; the long one 33 from the unrounded 23.57.
  assert.equal(sizeOf(40, 56, 33), [24, 33]);
  assert.equal(sizeOf(30, 56), [30, 56]);
  // 33 * 30 / 44 = 22.5 rounds to the even 22.
  assert.equal(sizeOf(30, 44, 33), [22, 33]);
  assert.equal(sizeOf(1, 5000, 33), [1, 33]);
});

test("a batch has one canvas, and the content's mask tells picture from padding", () => {
  const {image, frame} = fitShortest(picture(2, 4), 2, {canvas: {height: 3, width: 5}});
  assert.equal([image.height, image.width], [3, 5]);
  assert.equal([...frame.contentMask().pixels.data], [1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  assert.is(fitShortest(picture(2, 4), 2, {canvas: {height: 3, width: 5}, padding: "none"}).image.height, 2);
  assert.throws(
    () => shortestFrame({height: 2, width: 4}, 2, {canvas: {height: 2, width: 3}}),
    /inside the canvas/,
  );
  assert.throws(
    () => shortestFrame({height: 2, width: 4}, 0),
    (error: unknown) => error instanceof ConfigError && /fitShortest, side/.test(error.message),
  );
  assert.equal(longestFrame({height: 30, width: 41}, 16).content, {height: 12, width: 16});
});

test("annotations are cut to the picture, and crowds and empty boxes left out", () => {
  const frame = shortestFrame({height: 10, width: 20}, 20);
  const {boxes, labels, areas} = boxTargets(
    [
      {box: [5, 0, 10, 5], label: 3},
      {box: [15, 5, 10, 10], label: 1, area: 8},
      {box: [1, 1, 0, 4], label: 2},
      {box: [30, 1, 4, 4], label: 5},
      {box: [1, 1, 4, 4], label: 4, crowd: true},
    ],
    frame,
  );
  assert.equal([...boxes], [0.5, 0.25, 0.5, 0.5, 0.875, 0.75, 0.25, 0.5]);
  assert.equal(labels, [3, 1]);
  // Twice the scale in both directions.
  assert.equal([...areas], [200, 32]);
});

test("normalised pictures are placed on a canvas of three channels", () => {
  const target = new Float32Array(2 * 2 * 3).fill(-7);
  const image = createImage({data: Uint8Array.of(255, 0), height: 1, width: 2});
  const settings = {mean: [0.5, 0, 0.25], deviation: [0.5, 1, 0.25]} as const;
  placeNormalized(target, image, {...settings, canvas: {height: 2, width: 2}, offset: {y: 1, x: 0}});
  assert.equal([...target], [-7, -7, -7, -7, -7, -7, 1, 1, 3, -1, 0, -1]);
  assert.throws(
    () => {
      placeNormalized(target, image, {...settings, canvas: {height: 2, width: 2}, offset: {y: 0, x: 1}});
    },
    (error: unknown) => error instanceof ShapeError && /row 0, column 1/.test(error.message),
  );
});

test("crop copies a box of whole px", () => {
  const image = picture(3, 4);
  assert.equal([...crop(image, [1, 1, 3, 3]).pixels.data], [6, 7, 10, 11]);
  const mask = createMask({data: Uint8Array.of(0, 1, 255, 0), height: 2, width: 2});
  assert.equal([...cropMask(mask, [1, 0, 2, 2]).pixels.data], [1, 0]);
  for (const box of [
    [0, 0, 5, 3],
    [2, 0, 2, 3],
    [0, 0.5, 2, 2],
  ] as const) {
    assert.throws(
      () => crop(image, box),
      (error: unknown) => error instanceof ShapeError && /inside \[0, 0, 4, 3\]/.test(error.message),
    );
  }
});

test.run();

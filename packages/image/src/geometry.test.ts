import {readFileSync} from "node:fs";
import {ConfigError, ShapeError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {crop, cropMask} from "./crop.js";
import {fitExact, fitLongest, letterbox} from "./fit.js";
import {Frame} from "./frame.js";
import {createImage} from "./image.js";
import {createMask} from "./mask.js";

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

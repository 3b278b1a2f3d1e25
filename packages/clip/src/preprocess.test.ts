import {ConfigError} from "@claps/core";
import {createImage, createMask} from "@claps/image";
import type {Image} from "@claps/image";
import {startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {clipPreprocess, prepareImage, preparePixels} from "./preprocess.js";
import type {ClipPreprocess} from "./preprocess.js";

await startTestEngine();

/** Levels of 0..255 come out unchanged. */
const levels: ClipPreprocess = {
  ...clipPreprocess,
  imageSize: 4,
  mean: [0, 0, 0],
  deviation: [1, 1, 1],
  rescale: 1,
};

function grey(values: number[][], kind: "8" | "16" | "float" = "8"): Image {
  const flat = values.flat();
  const data =
    kind === "8"
      ? Uint8Array.from(flat)
      : kind === "16"
        ? Uint16Array.from(flat, (value) => value * 257)
        : Float32Array.from(flat, (value) => value / 255);
  return createImage({data, height: values.length, width: values[0]?.length ?? 0});
}

function channel(data: Float32Array, which = 0): number[] {
  return [...data].filter((_, at) => at % 3 === which);
}

test("values are shifted by the mean and divided by the deviation, channel by channel", () => {
  // A picture of one px at 51 / 255 = 0.2: (0.2 - 0.48145466) / 0.26862954 = -1.04774, and so on.
  const image = createImage({data: Uint8Array.of(51, 102, 255), height: 1, width: 1});
  const {data, frame} = prepareImage(image, {...clipPreprocess, imageSize: 2});
  assert.is(data.length, 12);
  for (let px = 0; px < 4; px++) {
    [-1.0477427, -0.2213022, 2.1458969].forEach((expected, index) => {
      assert.ok(Math.abs((data[px * 3 + index] as number) - expected) < 1e-5, `${data[px * 3 + index]}`);
    });
  }
  assert.equal(frame.boxToModel([0, 0, 1, 1]), [0, 0, 2, 2]);
});

test("the middle of a long picture is cut out, an odd rest as the setting says", () => {
  // 7 columns into 4: 3 are too many; floor leaves 1 out on the left, half to even leaves round(1.5) = 2.
  const row = [10, 20, 30, 40, 50, 60, 70];
  const image = grey([row, row, row, row]);
  const floor = prepareImage(image, levels);
  assert.equal(channel(floor.data).slice(0, 4), [20, 30, 40, 50]);
  assert.equal([floor.frame.offset.y, floor.frame.offset.x], [0, -1]);
  const even = prepareImage(image, {...levels, cropRounding: "halfEven"});
  assert.equal(channel(even.data).slice(0, 4), [30, 40, 50, 60]);
  // 5 columns into 4: half of 1 rounds to the even 0 both ways.
  const five = grey([row.slice(0, 5), row.slice(0, 5), row.slice(0, 5), row.slice(0, 5)]);
  assert.equal(channel(prepareImage(five, levels).data).slice(0, 4), [10, 20, 30, 40]);
  const fiveEven = prepareImage(five, {...levels, cropRounding: "halfEven"});
  assert.equal(channel(fiveEven.data).slice(0, 4), [10, 20, 30, 40]);
});

test("a canvas larger than the picture is filled around it, an odd rest as the setting says", () => {
  const image = grey([[200]]);
  const settings = {...levels, fit: "none", fill: 7} as const;
  // 3 px are missing: Hugging Face puts 2 of them on the left and above, torchvision 1.
  const floor = prepareImage(image, settings);
  assert.is(channel(floor.data).indexOf(200), 2 * 4 + 2);
  assert.is(channel(floor.data).filter((value) => value === 7).length, 15);
  assert.equal(floor.frame.pointToModel({x: 0.5, y: 0.5}), {x: 2.5, y: 2.5});
  const even = prepareImage(image, {...settings, cropRounding: "halfEven"});
  assert.is(channel(even.data).indexOf(200), 4 + 1);
});

test("the long side fits, or both sides are stretched", () => {
  const image = grey(Array.from({length: 8}, () => [100, 100, 100, 100]));
  const long = prepareImage(image, {...levels, fit: "longest", fill: 9, cropRounding: "halfEven"});
  assert.equal(channel(long.data).slice(0, 4), [9, 100, 100, 9]);
  assert.equal(long.frame.content, {height: 4, width: 2});
  const squashed = prepareImage(image, {...levels, fit: "squash"});
  assert.equal(new Set(squashed.data), new Set([100]));
  assert.equal(squashed.frame.boxToSource([0, 0, 4, 4]), [0, 0, 4, 8]);
});

test("a canvas need not be a square, nor the short side be the canvas's", () => {
  const image = grey(Array.from({length: 6}, (_, y) => [0, 1, 2, 3, 4, 5].map((x) => 10 * y + x)));
  const cut = prepareImage(image, {...levels, imageSize: 2, canvas: {height: 2, width: 4}, shortSide: 6});
  assert.equal(channel(cut.data), [21, 22, 23, 24, 31, 32, 33, 34]);
  // Covered: 6 / 4 = 1.5 is the smaller ratio, so the picture becomes 4 x 4 of which 2 rows are seen.
  const covered = prepareImage(image, {...levels, imageSize: 2, canvas: {height: 2, width: 4}});
  assert.equal(covered.frame.content, {height: 4, width: 4});
  assert.is(covered.data.length, 2 * 4 * 3);
});

test("grey is three equal channels, and 16-bit and float pictures are what their 8-bit picture is", () => {
  const values = Array.from({length: 9}, (_, y) =>
    Array.from({length: 6}, (_, x) => (37 * y + 11 * x) % 256),
  );
  const eight = prepareImage(grey(values), levels).data;
  assert.equal(channel(eight, 0), channel(eight, 1));
  assert.equal(channel(eight, 0), channel(eight, 2));
  for (const kind of ["16", "float"] as const) {
    const {data} = prepareImage(grey(values, kind), levels);
    // The 8-bit path rounds after each of two passes.
    data.forEach((value, at) => {
      assert.ok(Math.abs(value - (eight[at] as number)) <= 1, `${kind}: ${value} ${eight[at]}`);
      assert.ok(value >= 0 && value <= 255);
    });
  }
  // 65535 is white, whatever is seen of the picture; half of it is 127.5.
  const one = createImage({data: Uint16Array.of(65535), height: 1, width: 1});
  assert.equal(new Set(prepareImage(one, levels).data), new Set([255]));
  const half = createImage({data: Float32Array.of(0.5), height: 1, width: 1});
  assert.equal(new Set(prepareImage(half, levels).data), new Set([127.5]));
});

test("alpha lets white through, is dropped, or weighs colours", () => {
  const image = createImage({data: Uint8Array.of(100, 0, 200, 51), height: 1, width: 1});
  const first = (alpha: "white" | "drop" | "dropLast"): number[] => [
    ...prepareImage(image, {...levels, imageSize: 1, alpha}).data,
  ];
  // A fifth of the colour and four fifths of white: 20 + 204, 0 + 204, 40 + 204.
  assert.equal(first("white"), [224, 204, 244]);
  assert.equal(first("drop"), [100, 0, 200]);
  assert.equal(first("dropLast"), [100, 0, 200]);
  // A transparent black px does not darken its neighbour when colours are weighed.
  const pair = createImage({data: Uint8Array.of(90, 90, 90, 255, 0, 0, 0, 0), height: 1, width: 2});
  const squash = {...levels, imageSize: 1, fit: "squash", alpha: "dropLast"} as const;
  // Half of 90 and of 255 are 45 and, rounded, 128; 45 * 255 / 128 = 89.6 is cut off.
  assert.equal([...prepareImage(pair, squash).data], [89, 89, 89]);
});

test("boxes and masks go through a crop and back", () => {
  const image = grey(Array.from({length: 8}, () => Array.from({length: 16}, (_, x) => x)));
  const {frame} = prepareImage(image, levels);
  // 8 x 16 becomes 4 x 8 of which columns 2 to 5 are seen.
  assert.equal(frame.boxToModel([4, 0, 12, 8]), [0, 0, 4, 4]);
  assert.equal(frame.boxToSource(frame.boxToModel([0, 1, 16, 7])), [0, 1, 16, 7]);
  const mask = createMask({
    height: 8,
    width: 16,
    data: Uint8Array.from({length: 128}, (_, at) => +(at % 16 > 7)),
  });
  assert.equal([...frame.maskToModel(mask).pixels.data.subarray(0, 4)], [0, 0, 1, 1]);
  const field = frame.fieldToSource(new Float32Array(16).fill(3), {height: 4, width: 4});
  assert.equal(
    [...field.subarray(0, 16)].map((value) => value === 3),
    [
      ...Array.from({length: 4}, () => false),
      ...Array.from({length: 8}, () => true),
      ...Array.from({length: 4}, () => false),
    ],
  );
  assert.ok(Number.isNaN(field[3]));
  assert.not.ok(frame.isWhole());
});

test("a strip of 1 x 60000 px needs no more memory than what is seen of it", () => {
  const data = Uint8Array.from({length: 60000}, (_, at) => (at === 30000 ? 255 : 0));
  const strip = createImage({data, height: 1, width: 60000});
  const {data: seen} = prepareImage(strip, {...levels, imageSize: 64, filter: "nearest"});
  // The scaled strip is 64 x 3 840 000; its middle shows the halves of px 29999 and 30000.
  assert.is(seen[31 * 3], 0);
  assert.is(seen[32 * 3], 255);
});

test("batches hold one picture after the other", async () => {
  const pixels = preparePixels([grey([[1]]), grey([[2]])], {...levels, imageSize: 2});
  assert.equal(pixels.shape, [2, 2, 2, 3]);
  assert.equal([...(await pixels.data())], [...Array<number>(12).fill(1), ...Array<number>(12).fill(2)]);
  tf.dispose(pixels);
  assert.equal(preparePixels([], levels).shape, [0, 4, 4, 3]);
});

test("settings that make no sense are refused by name", () => {
  for (const [settings, name] of [
    [{imageSize: 0}, /imageSize/],
    [{fit: "shorter"}, /fit: expected shortest or longest or squash or none, got "shorter"/],
    [{deviation: [1, 0, 1]}, /deviation: expected three positive numbers/],
    [{mean: [1, 2]}, /mean: expected three numbers, got \[1, 2\]/],
    [{canvas: {height: 3, width: 0.5}}, /canvas\.width/],
    [{filter: "cubic"}, /filter/],
    [{fill: 300}, /fill/],
    [{rescale: NaN}, /rescale/],
  ] as const) {
    assert.throws(
      () => prepareImage(grey([[1]]), {...levels, ...settings} as unknown as ClipPreprocess),
      (error: unknown) => error instanceof ConfigError && name.test(error.message),
      String(name),
    );
  }
});

test.run();

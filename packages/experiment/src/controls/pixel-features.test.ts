import {createImage} from "@claps/image";
import {expectClose} from "@claps/layers/testing";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {FEATURES, pixelFeatures} from "./pixel-features.js";

test("one colour: it is its own blur, and places run from -1 to 1 with their squares", () => {
  const [height, width] = [4, 8];
  const data = Float32Array.from({length: height * width * 3}, (_, index) => [0.2, 0.4, 0.6][index % 3] ?? 0);
  const {size, values} = pixelFeatures(createImage({data, height, width, white: 1}));
  assert.equal(size, {height, width});
  assert.is(values.length, height * width * FEATURES);
  const rowOf = (x: number, y: number): Float32Array =>
    values.subarray((y * width + x) * FEATURES, (y * width + x + 1) * FEATURES);
  const colours = [0.2, 0.4, 0.6, 0.2, 0.4, 0.6, 0.2, 0.4, 0.6];
  expectClose(rowOf(0, 0), [...colours, -1, -1, 1, 1], 1e-6);
  // x = 6 of 8 is 2 * 6 / 8 - 1 = 0.5; y = 1 of 4 is -0.5.
  expectClose(rowOf(6, 1), [...colours, 0.5, -0.5, 0.25, 0.25], 1e-6);
});

test("a picture larger than 384 px is made small, a small one is left as it is", () => {
  const large = createImage({data: new Float32Array(30 * 768 * 3), height: 30, width: 768, white: 1});
  assert.equal(pixelFeatures(large).size, {height: 15, width: 384});
  const small = createImage({data: new Float32Array(30 * 40 * 3), height: 30, width: 40, white: 1});
  assert.equal(pixelFeatures(small).size, {height: 30, width: 40});
});

test("a bright px raises its neighbours in the blurred colours only", () => {
  const [height, width] = [128, 128];
  const data = new Float32Array(height * width * 3);
  data[(64 * width + 64) * 3] = 1;
  const {values} = pixelFeatures(createImage({data, height, width, white: 1}));
  const at = (x: number, y: number): Float32Array => values.subarray((y * width + x) * FEATURES);
  assert.is(at(64, 64)[0], 1);
  assert.is(at(65, 64)[0], 0);
  assert.ok((at(65, 64)[3] ?? 0) > 0.05);
  assert.is(at(65, 64)[4], 0, "green stays dark");
  assert.ok((at(70, 64)[6] ?? 0) > (at(70, 64)[3] ?? 0), "the wider blur reaches further");
});

test.run();

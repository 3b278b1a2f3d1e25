import {DataError} from "@claps/core";
import {createImage} from "@claps/image";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {toColour, toGrey} from "./prepare.js";

function rounded(values: Iterable<number>): number[] {
  return Array.from(values, (value) => Math.round(value * 1e6) / 1e6);
}

test("colour: bytes become fractions of white", () => {
  const image = createImage({data: Uint8Array.of(255, 0, 51, 102, 204, 153), height: 1, width: 2, id: "a"});
  const prepared = toColour(image);
  assert.equal(rounded(prepared.pixels.data), [1, 0, 0.2, 0.4, 0.8, 0.6]);
  assert.is(prepared.white, 1);
  assert.is(prepared.id, "a");
});

test("colour: grey is repeated, 16 bits are scaled, alpha is dropped", () => {
  const grey = createImage({data: Uint16Array.of(65535, 13107), height: 2, width: 1});
  assert.equal(rounded(toColour(grey).pixels.data), [1, 1, 1, 0.2, 0.2, 0.2]);
  const alpha = createImage({data: Uint8Array.of(255, 51, 0, 7), height: 1, width: 1});
  assert.equal(rounded(toColour(alpha).pixels.data), [1, 0.2, 0]);
});

test("grey: luma in three equal channels, grey stays exact", () => {
  const red = createImage({data: Uint8Array.of(255, 0, 0), height: 1, width: 1});
  assert.equal(rounded(toGrey(red).pixels.data), [0.299, 0.299, 0.299]);
  const grey = createImage({data: Uint8Array.of(51), height: 1, width: 1});
  assert.equal([...toGrey(grey).pixels.data], Array<number>(3).fill(Math.fround(51 / 255)));
});

test("cuts what lies outside, keeps size and spacing", () => {
  const image = createImage({data: Float32Array.of(-0.5, 1.5), height: 1, width: 2, spacing: {y: 3, x: 11}});
  const prepared = toColour(image);
  assert.equal([...prepared.pixels.data], [0, 0, 0, 1, 1, 1]);
  assert.equal(prepared.spacing, {y: 3, x: 11});
  assert.equal([prepared.height, prepared.width, prepared.channels], [1, 2, 3]);
});

test("refuses samples that are not finite and says where", () => {
  const image = createImage({data: Float32Array.of(0, 0, NaN, 0), height: 2, width: 2, id: "bad"});
  assert.throws(
    () => toGrey(image),
    (error: unknown) => error instanceof DataError && /"bad".*NaN at row 1, column 0/.test(error.message),
  );
});

test.run();

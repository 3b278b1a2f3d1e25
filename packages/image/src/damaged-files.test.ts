import {deflateSync} from "node:zlib";
import {createRandom, DataError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {decodeImage} from "./decode-image.js";
import {encodeGif} from "./encode-gif.js";
import {encodeJpeg} from "./encode-jpeg.js";
import {encodePng} from "./encode-png.js";
import {encodeTiff} from "./encode-tiff.js";
import {makeTiff, packLzw, packPackBits} from "./file-forms.twin.js";
import {createImage} from "./image.js";

const random = createRandom("damaged files");
const [height, width] = [20, 24];
const samples = Uint8Array.from({length: height * width * 3}, (_, at) =>
  at % 5 === 0 ? random.integer(256) : 40 + (at % 97),
);
const image = createImage({data: samples, height, width});
const grey = createImage({data: samples.filter((_, at) => at % 3 === 0), height, width});

function tiffOf(compression: number, pack: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  return makeTiff({
    width,
    height,
    tags: {258: [8, 8, 8], 259: [compression], 262: [2], 277: [3], 278: [height]},
    blocks: [pack(samples)],
  });
}

/** A file of each kind, and how many last bytes may be missing before a pixel is. */
const files: Record<string, {bytes: Uint8Array; spare: number}> = {
  png: {bytes: encodePng(image), spare: 0},
  jpeg: {bytes: encodeJpeg(image), spare: 0},
  gif: {bytes: encodeGif(grey), spare: 1},
  "tiff, plain": {bytes: encodeTiff(image), spare: 0},
  "tiff, LZW": {bytes: tiffOf(5, packLzw), spare: 0},
  "tiff, PackBits": {bytes: tiffOf(32773, packPackBits), spare: 0},
  "tiff, Deflate": {bytes: tiffOf(8, (bytes) => deflateSync(bytes)), spare: 0},
};

/** `read` with the picture's area, or `refused` with a typed error; anything else is a defect. */
async function outcome(bytes: Uint8Array): Promise<{kind: "read" | "refused"; area: number}> {
  try {
    const result = await decodeImage(bytes, {name: "x", maxPixels: 100_000});
    return {kind: "read", area: result.pixels.data.length};
  } catch (error) {
    assert.instance(error, DataError, error instanceof Error ? (error.stack ?? "") : String(error));
    assert.match((error as Error).message, /^x: expected .*, got .*\. \w/);
    return {kind: "refused", area: 0};
  }
}

for (const [name, {bytes, spare}] of Object.entries(files)) {
  test(`${name}: the whole file is read, any truncated one refused`, async () => {
    assert.is((await outcome(bytes)).kind, "read");
    const step = Math.max(1, Math.floor(bytes.length / 150));
    for (let length = 0; length < bytes.length - spare; length += step) {
      assert.is(
        (await outcome(bytes.slice(0, length))).kind,
        "refused",
        `${length} of ${bytes.length} bytes`,
      );
    }
    assert.is((await outcome(bytes.slice(0, bytes.length - spare - 1))).kind, "refused");
  });

  test(`${name}: flipped bits give a picture or a typed error`, async () => {
    const flips = random.fork(name);
    let refused = 0;
    for (let round = 0; round < 250; round++) {
      const broken = bytes.slice();
      // Headers are short, so half of the damage goes there.
      const end = round % 2 === 0 ? Math.min(200, broken.length) : broken.length;
      for (let flip = 0; flip <= round % 4; flip++) {
        const at = flips.integer(end);
        broken[at] = (broken[at] as number) ^ (1 << flips.integer(8));
      }
      const {kind, area} = await outcome(broken);
      assert.is(area <= 300_000, true);
      refused += kind === "refused" ? 1 : 0;
    }
    assert.is(refused > 10, true, `${refused} of 250 refused`);
  });
}

test("png: every single flipped bit in the compressed data is found", async () => {
  const {bytes} = files.png as {bytes: Uint8Array};
  const start = 8 + 25 + 8;
  for (let at = start; at < bytes.length - 16; at += 7) {
    const broken = bytes.slice();
    broken[at] = (broken[at] as number) ^ 4;
    assert.is((await outcome(broken)).kind, "refused", `byte ${at}`);
  }
});

test.run();

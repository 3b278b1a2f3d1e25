import {deflateSync} from "node:zlib";
import {createRandom, DataError} from "@claps/core";
import {encode as encodeFastPng} from "fast-png";
import {fromArrayBuffer} from "geotiff";
import {GifReader} from "omggif";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {decodeImage} from "./decode-image.js";
import {encodeGif} from "./encode-gif.js";
import {encodeJpeg} from "./encode-jpeg.js";
import {encodePng} from "./encode-png.js";
import {encodeTiff} from "./encode-tiff.js";
import {makePng, makeTiff, packLzw, packPackBits, pngChunk} from "./file-forms.twin.js";
import {createImage} from "./image.js";
import type {Image} from "./image.js";
import {createMask} from "./mask.js";
import {decodeMask} from "./read-mask.js";

const random = createRandom("pictures");

function samplesOf(image: Image): number[] {
  return [...image.pixels.data];
}

async function problemOf(promise: Promise<unknown>): Promise<DataError> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, DataError);
    return error as DataError;
  }
  throw new Error("expected a DataError");
}

function bytesOf(length: number, label: string): Uint8Array {
  const source = random.fork(label);
  return Uint8Array.from({length}, () => source.integer(256));
}

test("PNG of 1, 2, 4 bits grey is stretched to 0..255", async () => {
  // Rows start on a byte: 10 pixels of 1 bit are two bytes.
  const one = makePng({
    width: 10,
    height: 1,
    depth: 1,
    colourType: 0,
    rows: Uint8Array.of(0b10100000, 0b01000000),
  });
  assert.equal(samplesOf(await decodeImage(one)), [255, 0, 255, 0, 0, 0, 0, 0, 0, 255]);
  const two = makePng({width: 4, height: 1, depth: 2, colourType: 0, rows: Uint8Array.of(0b00011011)});
  assert.equal(samplesOf(await decodeImage(two)), [0, 85, 170, 255]);
  const four = makePng({width: 3, height: 1, depth: 4, colourType: 0, rows: Uint8Array.of(0x0f, 0x30)});
  assert.equal(samplesOf(await decodeImage(four)), [0, 255, 51]);
});

test("PNG of 16 bits keeps its samples, and alpha is dropped", async () => {
  const grey = makePng({
    width: 2,
    height: 1,
    depth: 16,
    colourType: 0,
    rows: Uint8Array.of(0xf2, 0x30, 0, 7),
  });
  const deep = await decodeImage(grey);
  assert.equal([samplesOf(deep), deep.white, deep.channels], [[62000, 7], 65535, 1]);
  const rgba = makePng({width: 1, height: 1, depth: 8, colourType: 6, rows: Uint8Array.of(10, 20, 30, 0)});
  assert.equal(samplesOf(await decodeImage(rgba)), [10, 20, 30]);
  const greyAlpha = makePng({
    width: 2,
    height: 1,
    depth: 8,
    colourType: 4,
    rows: Uint8Array.of(9, 0, 8, 255),
  });
  assert.equal(samplesOf(await decodeImage(greyAlpha)), [9, 8]);
});

test("palettes become colours, or grey if they hold nothing else", async () => {
  const palette = [0, 0, 0, 255, 0, 0, 0, 0, 255];
  const colour = makePng({
    width: 4,
    height: 1,
    depth: 2,
    colourType: 3,
    rows: Uint8Array.of(0b00011000),
    palette,
  });
  const image = await decodeImage(colour);
  assert.equal([image.channels, samplesOf(image)], [3, [0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 0]]);
  const greys = [0, 0, 0, 128, 128, 128];
  const grey = makePng({
    width: 8,
    height: 1,
    depth: 1,
    colourType: 3,
    rows: Uint8Array.of(0b1),
    palette: greys,
  });
  const plain = await decodeImage(grey);
  assert.equal([plain.channels, samplesOf(plain)], [1, [0, 0, 0, 0, 0, 0, 0, 128]]);
});

test("interlaced PNG equals the plain one; fewer than 8 bits interlaced are refused by name", async () => {
  const data = bytesOf(11 * 13 * 3, "interlaced");
  const bytes = encodeFastPng({width: 11, height: 13, channels: 3, data}, {interlace: "Adam7"});
  assert.equal(samplesOf(await decodeImage(bytes)), [...data]);
  const low = makePng({width: 8, height: 1, depth: 1, colourType: 0, rows: Uint8Array.of(1), interlace: 1});
  assert.is((await problemOf(decodeImage(low))).code, "unsupported");
});

test("a bomb in an ancillary chunk is never unpacked", async () => {
  const bomb = pngChunk("iCCP", [65, 0, 0, ...deflateSync(new Uint8Array(1e6))]);
  const broken = pngChunk("iCCP", [65, 0, 0, 1, 2, 3]);
  const rows = Uint8Array.of(5);
  const bytes = makePng({width: 1, height: 1, depth: 8, colourType: 0, rows, extra: [bomb, broken]});
  assert.equal(samplesOf(await decodeImage(bytes)), [5]);
});

test("picture data that unpack to more than the header promises are refused", async () => {
  const bytes = makePng({width: 1, height: 1, depth: 8, colourType: 0, rows: new Uint8Array(1e6)});
  const problem = await problemOf(decodeImage(bytes, {name: "bomb.png"}));
  assert.match(problem.message, "bomb.png: expected a complete PNG file");
  assert.match(problem.message, "more than the 2 bytes");
});

test("a header of 65 500 x 65 500 px is refused before decoding, in every format", async () => {
  const png = makePng({width: 65500, height: 65500, depth: 8, colourType: 0, rows: new Uint8Array(65500)});
  const tiff = makeTiff({
    width: 65500,
    height: 65500,
    tags: {258: [8], 262: [1], 278: [65500]},
    blocks: [new Uint8Array(4)],
  });
  const gif = encodeGif(createMask({height: 1, width: 1}));
  gif.set([0xdc, 0xff, 0xdc, 0xff], 6);
  const jpeg = encodeJpeg(createMask({height: 8, width: 8}));
  const frame = jpeg.findIndex((value, at) => value === 0xff && jpeg[at + 1] === 0xc0);
  jpeg.set([0xff, 0xdc, 0xff, 0xdc], frame + 5);
  for (const bytes of [png, tiff, gif, jpeg]) {
    const problem = await problemOf(decodeImage(bytes));
    assert.is(problem.code, "too-large");
    assert.match(problem.message, "65500 x 65500");
  }
  const small = makePng({width: 3, height: 2, depth: 8, colourType: 0, rows: new Uint8Array(6)});
  assert.is((await problemOf(decodeImage(small, {maxPixels: 5}))).code, "too-large");
  assert.is((await decodeImage(small, {maxPixels: 6})).width, 3);
});

test("TIFF with every compression that is read gives the same samples", async () => {
  // 300 columns of a pattern with runs and noise make the LZW table grow past 12 bits and start again.
  const [width, height] = [300, 40];
  const noise = bytesOf(width * height, "tiff");
  const samples = noise.map((value, at) => (at % 7 < 3 ? 200 : value));
  const half = (width * height) / 2;
  const strips = [samples.subarray(0, half), samples.subarray(half)];
  const packers: [number, (bytes: Uint8Array) => Uint8Array][] = [
    [1, (bytes) => bytes],
    [5, packLzw],
    [8, (bytes) => deflateSync(bytes)],
    [32773, packPackBits],
  ];
  for (const [compression, pack] of packers) {
    const bytes = makeTiff({
      width,
      height,
      tags: {258: [8], 259: [compression], 262: [1], 277: [1], 278: [height / 2]},
      blocks: strips.map(pack),
    });
    assert.equal(samplesOf(await decodeImage(bytes)), [...samples], `compression ${compression}`);
    // An independent reader of the same bytes.
    const other = await (await fromArrayBuffer(bytes.buffer as ArrayBuffer)).getImage();
    const raster = await other.readRasters({interleave: true});
    assert.equal([...(raster as unknown as Uint8Array)], [...samples], `geotiff ${compression}`);
  }
});

test("TIFF: white is zero, 16 bits of either byte order, predictor, planes, tiles, palette", async () => {
  const inverted = makeTiff({
    width: 8,
    height: 1,
    tags: {258: [1], 262: [0]},
    blocks: [Uint8Array.of(0b00000011)],
  });
  assert.equal(samplesOf(await decodeImage(inverted)), [255, 255, 255, 255, 255, 255, 0, 0]);

  for (const bigEndian of [false, true]) {
    const block = bigEndian ? Uint8Array.of(0xf2, 0x30, 0, 7) : Uint8Array.of(0x30, 0xf2, 7, 0);
    const bytes = makeTiff({width: 2, height: 1, tags: {258: [16], 262: [1]}, blocks: [block], bigEndian});
    assert.equal(samplesOf(await decodeImage(bytes)), [62000, 7]);
  }

  // Differences to the left neighbour of the same channel, modulo 256.
  const differences = Uint8Array.of(250, 10, 0, 10, 246, 1);
  const predicted = makeTiff({
    width: 2,
    height: 1,
    tags: {258: [8, 8, 8], 262: [2], 277: [3], 317: [2]},
    blocks: [differences],
  });
  assert.equal(samplesOf(await decodeImage(predicted)), [250, 10, 0, 4, 0, 1]);

  const planes = [Uint8Array.of(1, 2), Uint8Array.of(3, 4), Uint8Array.of(5, 6)];
  const planar = makeTiff({
    width: 2,
    height: 1,
    tags: {258: [8, 8, 8], 262: [2], 277: [3], 284: [2]},
    blocks: planes,
  });
  assert.equal(samplesOf(await decodeImage(planar)), [1, 3, 5, 2, 4, 6]);

  // A canvas of 18 x 17 px in tiles of 16: the second column and row of tiles hang over.
  const full = bytesOf(17 * 18, "tiles");
  const tiles = [0, 1, 2, 3].map((tile) => {
    const [top, left] = [Math.floor(tile / 2) * 16, (tile % 2) * 16];
    return Uint8Array.from({length: 256}, (_, at) => {
      const [y, x] = [top + Math.floor(at / 16), left + (at % 16)];
      return y < 17 && x < 18 ? (full[y * 18 + x] as number) : 77;
    });
  });
  const tiled = makeTiff({
    width: 18,
    height: 17,
    tags: {258: [8], 262: [1], 322: [16], 323: [16]},
    blocks: tiles,
    isTiled: true,
  });
  assert.equal(samplesOf(await decodeImage(tiled)), [...full]);

  const map = Array.from({length: 768}, (_, at) => (at === 1 ? 65535 : 0));
  const palette = makeTiff({
    width: 2,
    height: 1,
    tags: {258: [8], 262: [3], 320: map},
    blocks: [Uint8Array.of(1, 0)],
  });
  assert.equal(samplesOf(await decodeImage(palette)), [255, 0, 0, 0, 0, 0]);
});

test("kinds of TIFF and JPEG that are not read are named", async () => {
  const cmyk = makeTiff({
    width: 1,
    height: 1,
    tags: {258: [8, 8, 8, 8], 262: [5], 277: [4]},
    blocks: [new Uint8Array(4)],
  });
  assert.match((await problemOf(decodeImage(cmyk))).message, "5 is CMYK");
  const jpegInTiff = makeTiff({
    width: 1,
    height: 1,
    tags: {258: [8], 259: [7], 262: [1]},
    blocks: [new Uint8Array(4)],
  });
  assert.match((await problemOf(decodeImage(jpegInTiff))).message, "compression code 7");
  const jpeg = encodeJpeg(createMask({height: 8, width: 8}));
  const frame = jpeg.findIndex((value, at) => value === 0xff && jpeg[at + 1] === 0xc0);
  const lossless = jpeg.slice();
  lossless[frame + 1] = 0xc3;
  assert.match((await problemOf(decodeImage(lossless))).message, "frame type 3");
  const deep = jpeg.slice();
  deep[frame + 4] = 12;
  assert.match((await problemOf(decodeImage(deep))).message, "one of 12 bits");
});

test("what is written is read back exactly: PNG, TIFF, GIF", async () => {
  const rgb = createImage({data: bytesOf(5 * 7 * 3, "rgb"), height: 5, width: 7});
  const deep = createImage({
    data: Uint16Array.from({length: 6}, (_, at) => at * 12345),
    height: 2,
    width: 3,
  });
  for (const image of [rgb, deep]) {
    for (const encode of [encodePng, encodeTiff]) {
      const back = await decodeImage(encode(image), {id: "x"});
      assert.equal(
        [samplesOf(back), back.white, back.channels],
        [samplesOf(image), image.white, image.channels],
      );
    }
  }
  const float = createImage({data: Float32Array.of(0, 0.5, 1, 2), height: 2, width: 2});
  assert.equal(samplesOf(await decodeImage(encodeTiff(float))), [0, 0.5, 1, 2]);
  assert.equal(samplesOf(await decodeImage(encodePng(float))), [0, 128, 255, 255]);
  assert.equal(samplesOf(await decodeImage(encodeGif(rgb))), samplesOf(rgb));
  const mask = createMask({data: Uint8Array.of(0, 1, 255, 1), height: 2, width: 2});
  for (const bytes of [encodePng(mask), encodeTiff(mask), encodeGif(mask)]) {
    assert.equal(samplesOf(await decodeImage(bytes)), [0, 255, 128, 255]);
    const back = await decodeMask(bytes, {
      foreground: (value) => value === 255,
      ignore: (value) => value === 128,
    });
    assert.equal([...back.pixels.data], [0, 1, 255, 1]);
  }
});

test("GIF frames equal those of another reader, also with many codes", async () => {
  const source = random.fork("gif");
  const data = Uint8Array.from({length: 120 * 130}, (_, at) => (at % 5 < 2 ? source.integer(256) : at >> 8));
  const image = createImage({data, height: 120, width: 130});
  const bytes = encodeGif(image);
  const reader = new GifReader(bytes);
  const rgba = new Uint8Array(120 * 130 * 4);
  reader.decodeAndBlitFrameRGBA(0, rgba);
  const ours = await decodeImage(bytes);
  assert.equal(samplesOf(ours), [...data]);
  assert.equal(
    samplesOf(ours),
    [...data].map((_, at) => rgba[at * 4]),
  );
});

test("GIF refuses more than 256 colours", () => {
  const data = new Uint8Array(300 * 3).map((_, at) => (at % 3 === 0 ? (at / 3) % 256 : at > 800 ? 1 : 0));
  assert.throws(() => encodeGif(createImage({data, height: 1, width: 300})), /at most 256 colours.*PNG/);
});

test("JPEG comes back close, grey as one channel only if stored so", async () => {
  const [height, width] = [40, 48];
  const data = new Uint8Array(height * width * 3).map((_, at) => {
    const pixel = Math.floor(at / 3);
    return [60 + (pixel % width) * 2, 50 + Math.floor(pixel / width) * 3, 120][at % 3] as number;
  });
  const back = await decodeImage(encodeJpeg(createImage({data, height, width}), 95));
  assert.equal([back.height, back.width, back.channels], [height, width, 3]);
  const mean =
    samplesOf(back).reduce((sum, value, at) => sum + Math.abs(value - (data[at] as number)), 0) / data.length;
  assert.is(mean < 3, true, `mean difference ${mean}`);
});

/** A grey JPEG of three blocks, 8 x 24 px, restarting after two; every block is flat. */
function greyJpeg(components: readonly number[][]): Uint8Array {
  const segment = (marker: number, data: readonly number[]): number[] => [
    0xff,
    marker,
    0,
    data.length + 2,
    ...data,
  ];
  const lengths = (...counts: number[]): number[] => [
    ...counts,
    ...Array<number>(16 - counts.length).fill(0),
  ];
  return Uint8Array.from([
    ...[0xff, 0xd8],
    ...segment(0xdb, [0, ...Array<number>(64).fill(8)]),
    ...segment(0xc0, [8, 0, 8, 0, 24, components.length, ...components.flat()]),
    // DC: code 0 is "no change", code 10 is "a change of seven bits". AC: code 0 is "end of block".
    ...segment(0xc4, [0x00, ...lengths(1, 1), 0, 7]),
    ...segment(0xc4, [0x10, ...lengths(1), 0]),
    ...segment(0xdd, [0, 2]),
    ...segment(0xda, [1, 1, 0, 0, 63, 0]),
    // 10 1000000 0 | 0 0, filled up with ones; a restart; 0 0, filled up.
    ...[0xa0, 0x0f, 0xff, 0xd0, 0x3f],
    ...[0xff, 0xd9],
  ]);
}

test("a grey JPEG with restarts, worked by hand; CMYK is refused", async () => {
  const image = await decodeImage(greyJpeg([[1, 0x11, 0]]));
  assert.equal([image.height, image.width, image.channels], [8, 24, 1]);
  // A first coefficient of 64 times 8 is 512, and an eighth of it above the middle grey of 128 is 192.
  const row = [...Array<number>(16).fill(192), ...Array<number>(8).fill(128)];
  assert.equal(samplesOf(image), Array.from({length: 8}, () => row).flat());
  const four = greyJpeg([1, 2, 3, 4].map((id) => [id, 0x11, 0]));
  const problem = await problemOf(decodeImage(four));
  assert.is(problem.code, "unsupported");
  assert.match(problem.message, "CMYK");
});

test("EXIF orientation is ignored unless asked", async () => {
  const data = new Uint8Array(16 * 8 * 3).fill(250);
  data.fill(5, 0, 8 * 8 * 3); // upper half dark
  const jpeg = encodeJpeg(createImage({data, height: 16, width: 8}));
  const exif = [
    ...[0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1],
    ...[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0],
  ];
  const turned = Uint8Array.from([0xff, 0xd8, 0xff, 0xe1, 0, exif.length + 2, ...exif, ...jpeg.subarray(2)]);
  const stored = await decodeImage(turned);
  assert.equal([stored.height, stored.width], [16, 8]);
  const upright = await decodeImage(turned, {orientation: "apply"});
  assert.equal([upright.height, upright.width], [8, 16]);
  // Orientation 6 wants a clockwise turn: what was above is on the right.
  assert.is((upright.pixels.data[0] as number) > 200, true);
  assert.is((upright.pixels.data[15 * 3] as number) < 50, true);
});

test("files that are no pictures are named for what they are", async () => {
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);
  const cases: [Uint8Array, string, RegExp][] = [
    [new Uint8Array(), "empty", /0 bytes/],
    [
      text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n"),
      "placeholder",
      /git lfs pull/,
    ],
    [text("../../.git/annex/objects/aa/bb/SHA256E-s1--x.png\n"), "placeholder", /git annex get/],
    [text("\n<!DOCTYPE html><html>login</html>"), "not-a-picture", /web page/],
    [text("BM000000"), "unsupported", /a BMP file/],
    [text("hello"), "not-a-picture", /68 65 6c 6c 6f/],
  ];
  for (const [bytes, code, message] of cases) {
    const problem = await problemOf(decodeImage(bytes, {name: "folder/x.png"}));
    assert.is(problem.code, code);
    assert.match(problem.message, message);
    assert.match(problem.message, /^folder\/x\.png: expected /);
  }
});

test("mask rules: raw index, value, colour, and the size that is expected", async () => {
  const palette = [255, 255, 255, 0, 0, 0, 200, 10, 10];
  const bytes = makePng({
    width: 4,
    height: 1,
    depth: 2,
    colourType: 3,
    rows: Uint8Array.of(0b00011000),
    palette,
  });
  const inside = async (options: Parameters<typeof decodeMask>[1]): Promise<number[]> => [
    ...(await decodeMask(bytes, options)).pixels.data,
  ];
  assert.equal(await inside({}), [1, 0, 1, 1]);
  assert.equal(await inside({foreground: "nonzero index"}), [0, 1, 1, 0]);
  assert.equal(await inside({foreground: {index: (index) => index === 2}}), [0, 0, 1, 0]);
  assert.equal(await inside({foreground: (value) => value >= 128}), [1, 0, 1, 1]);
  assert.equal(await inside({foreground: {rgb: (red, green) => red > 127 && green < 128}}), [0, 0, 1, 0]);
  const problem = await problemOf(decodeMask(bytes, {name: "m.png", expect: {height: 2, width: 4}}));
  assert.is(problem.code, "mask-size");
  assert.match(problem.message, "m.png: expected a mask of 2 x 4 px, as its picture, got 1 x 4 px");
});

test.run();

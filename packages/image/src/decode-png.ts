import {decode} from "fast-png";
import {damaged, unsupported} from "./data-problem.js";
import {InflatedTooLong, inflatedLength} from "./inflate.js";
import {checkPixelLimit} from "./pixel-limit.js";
import type {DecoderOptions, RawPicture} from "./raw-picture.js";
import {stretchBits, unpackBits} from "./unpack-bits.js";

const SIGNATURE_LENGTH = 8;
const NEEDED = new Set(["IHDR", "PLTE", "IDAT", "IEND"]);
const DEPTHS: Record<number, readonly number[]> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};
const SAMPLES: Record<number, 1 | 2 | 3 | 4> = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4};
/** First column, first row and steps of the seven passes of an interlaced file. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface Chunk {
  type: string;
  /** Offset of the length field. */
  start: number;
  /** The chunk's own data. */
  data: Uint8Array;
}

function chunksOf(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  let start = SIGNATURE_LENGTH;
  for (;;) {
    if (start + 12 > bytes.length) {
      throw new Error("the file ends before its IEND chunk");
    }
    const length = view.getUint32(start);
    const type = String.fromCharCode(...bytes.subarray(start + 4, start + 8));
    if (start + 12 + length > bytes.length) {
      throw new Error(`the file ends inside a chunk of type ${JSON.stringify(type)}`);
    }
    chunks.push({type, start, data: bytes.subarray(start + 8, start + 8 + length)});
    if (type === "IEND") {
      return chunks;
    }
    start += 12 + length;
  }
}

interface Header {
  width: number;
  height: number;
  depth: number;
  colourType: number;
  interlaced: boolean;
}

function headerOf(chunks: readonly Chunk[]): Header {
  const first = chunks[0];
  if (first?.type !== "IHDR" || first.data.length !== 13) {
    throw new Error("the first chunk is not a valid IHDR");
  }
  const view = new DataView(first.data.buffer, first.data.byteOffset, 13);
  const [depth = 0, colourType = 0, , , interlace = 0] = first.data.subarray(8);
  if (DEPTHS[colourType]?.includes(depth) !== true || interlace > 1) {
    throw new Error(
      `colour type ${colourType}, depth ${depth} and interlace ${interlace} do not go together`,
    );
  }
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    depth,
    colourType,
    interlaced: interlace === 1,
  };
}

function expectedLength({width, height, depth, colourType, interlaced}: Header): number {
  const bits = depth * (SAMPLES[colourType] as number);
  const bytesOf = (w: number, h: number): number =>
    w > 0 && h > 0 ? h * (1 + Math.ceil((w * bits) / 8)) : 0;
  if (!interlaced) {
    return bytesOf(width, height);
  }
  return PASSES.reduce(
    (sum, [x, y, dx, dy]) => sum + bytesOf(Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)),
    0,
  );
}

/** The file without its ancillary chunks: these may be bombs of their own, and no pixel depends on them. */
function strip(bytes: Uint8Array, chunks: readonly Chunk[]): Uint8Array {
  const kept = chunks.filter(({type}) => NEEDED.has(type));
  const length = kept.reduce((sum, {data}) => sum + data.length + 12, SIGNATURE_LENGTH);
  const result = new Uint8Array(length);
  result.set(bytes.subarray(0, SIGNATURE_LENGTH));
  let at = SIGNATURE_LENGTH;
  for (const {start, data} of kept) {
    result.set(bytes.subarray(start, start + data.length + 12), at);
    at += data.length + 12;
  }
  return result;
}

function paletteOf(colours: readonly number[][]): Uint8Array {
  const palette = new Uint8Array(256 * 3);
  colours.slice(0, 256).forEach((colour, index) => palette.set(colour.slice(0, 3), index * 3));
  return palette;
}

async function decodeChecked(bytes: Uint8Array, {name, maxPixels}: DecoderOptions): Promise<RawPicture> {
  const chunks = chunksOf(bytes);
  const header = headerOf(chunks);
  const {width, height, depth, colourType, interlaced} = header;
  checkPixelLimit(header, maxPixels, name);
  if (interlaced && depth < 8) {
    throw unsupported(
      name,
      "a PNG of fewer than 8 bits without interlacing",
      `an interlaced one of ${depth} bits`,
    );
  }
  const expected = expectedLength(header);
  const compressed = chunks.filter(({type}) => type === "IDAT").map(({data}) => data);
  const found = await inflatedLength(compressed, expected);
  if (found < expected) {
    throw new Error(`the data unpack to ${found} of ${expected} bytes`);
  }
  const decoded = decode(strip(bytes, chunks), {checkCrc: true});
  const channels = SAMPLES[colourType] as 1 | 2 | 3 | 4;
  const white = depth === 16 ? 65535 : 255;
  let data = decoded.data as Uint8Array | Uint16Array;
  if (depth < 8) {
    data = unpackBits(data as Uint8Array, {depth, samples: width * channels, rows: height});
  }
  if (colourType === 3) {
    if (decoded.palette === undefined) {
      throw new Error("an indexed picture without a PLTE chunk");
    }
    return {width, height, channels, data, white, palette: paletteOf(decoded.palette)};
  }
  return {width, height, channels, data: depth < 8 ? stretchBits(data as Uint8Array, depth) : data, white};
}

/**
 * Reads a PNG of 1 to 16 bits: grey, RGB, either with alpha, or indexed.
 *
 * Checksums, chunk lengths and the unpacked size are verified; ancillary chunks are not looked at.
 *
 * @throws DataError if the file is damaged, too large or interlaced with fewer than 8 bits.
 */
export async function decodePng(bytes: Uint8Array, options: DecoderOptions): Promise<RawPicture> {
  try {
    return await decodeChecked(bytes, options);
  } catch (error) {
    throw damaged(options.name, "PNG", error instanceof InflatedTooLong ? new Error(error.message) : error);
  }
}

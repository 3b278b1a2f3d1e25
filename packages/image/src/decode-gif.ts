import {GifReader} from "omggif";
import type {Frame as GifFrame} from "omggif";
import {damaged} from "./data-problem.js";
import {decodeGifLzw} from "./gif-lzw.js";
import {checkPixelLimit} from "./pixel-limit.js";
import type {DecoderOptions, RawPicture} from "./raw-picture.js";

/** The sub-blocks of a frame as one array. */
function joinBlocks(bytes: Uint8Array, start: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let at = start;
  let total = 0;
  for (let length = bytes[at] as number; length > 0; length = bytes[at] as number) {
    pieces.push(bytes.subarray(at + 1, at + 1 + length));
    total += length;
    at += 1 + length;
  }
  const joined = new Uint8Array(total);
  let to = 0;
  for (const piece of pieces) {
    joined.set(piece, to);
    to += piece.length;
  }
  return joined;
}

/** Row of the frame in which the n-th stored row belongs. */
function rowOrder(height: number, interlaced: boolean): number[] {
  const rows = Array.from({length: height}, (_, row) => row);
  if (!interlaced) {
    return rows;
  }
  const passes = [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const;
  return passes.flatMap(([first, step]) => rows.filter((row) => row >= first && (row - first) % step === 0));
}

function paletteOf(bytes: Uint8Array, frame: GifFrame): Uint8Array {
  if (frame.palette_offset === null || frame.palette_size === null) {
    throw new Error("a frame without a palette");
  }
  const palette = new Uint8Array(256 * 3);
  const start = frame.palette_offset;
  palette.set(bytes.subarray(start, start + Math.min(256, frame.palette_size) * 3));
  return palette;
}

function decodeChecked(bytes: Uint8Array, {name, maxPixels}: DecoderOptions): RawPicture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)];
  const background = view.getUint8(11);
  checkPixelLimit({height, width}, maxPixels, name);
  const reader = new GifReader(bytes);
  if (reader.numFrames() === 0) {
    throw new Error("no frame in the file");
  }
  const frame = reader.frameInfo(0);
  if (frame.x + frame.width > width || frame.y + frame.height > height) {
    throw new Error(`a frame of ${frame.height} x ${frame.width} px outside the canvas`);
  }
  const minimumSize = bytes[frame.data_offset] as number;
  const codes = joinBlocks(bytes, frame.data_offset + 1);
  const indices = decodeGifLzw(codes, minimumSize, frame.width * frame.height);
  const data = new Uint8Array(width * height).fill(background);
  rowOrder(frame.height, frame.interlaced).forEach((row, stored) => {
    const line = indices.subarray(stored * frame.width, (stored + 1) * frame.width);
    data.set(line, (frame.y + row) * width + frame.x);
  });
  return {height, width, channels: 1, data, white: 255, palette: paletteOf(bytes, frame)};
}

/**
 * Reads the first frame of a GIF, as palette indices on the whole canvas.
 *
 * Transparency is dropped: a transparent pixel keeps its index, what the frame leaves free has the background's.
 *
 * @throws DataError if the file is damaged, cut short or too large.
 */
export function decodeGif(bytes: Uint8Array, options: DecoderOptions): RawPicture {
  try {
    return decodeChecked(bytes, options);
  } catch (error) {
    throw damaged(options.name, "GIF", error);
  }
}

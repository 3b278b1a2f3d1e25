import {damaged} from "./data-problem.js";
import type {Samples} from "./image.js";
import {checkPixelLimit} from "./pixel-limit.js";
import type {DecoderOptions, RawPicture} from "./raw-picture.js";
import {unpackStrip} from "./tiff-compression.js";
import {readTiffDirectory} from "./tiff-directory.js";
import type {TiffDirectory} from "./tiff-directory.js";
import {stretchBits, unpackBits} from "./unpack-bits.js";

const hostIsLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Reverses the bytes of every sample, in place. */
function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at + size <= bytes.length; at += size) {
    bytes.subarray(at, at + size).reverse();
  }
}

interface BlockShape {
  rows: number;
  columns: number;
  /** Samples per pixel inside the block. */
  samples: number;
}

/** The samples of an unpacked strip or tile in the byte order of this machine. */
function samplesOf(
  bytes: Uint8Array,
  directory: TiffDirectory,
  {rows, columns, samples}: BlockShape,
): Samples {
  const {depth, isFloat, littleEndian, hasPredictor} = directory;
  if (depth < 8) {
    return unpackBits(bytes, {depth, samples: columns, rows});
  }
  let values: Samples = bytes;
  if (depth > 8) {
    const own = bytes.slice();
    if (littleEndian !== hostIsLittleEndian) {
      swapBytes(own, depth / 8);
    }
    values = isFloat ? new Float32Array(own.buffer) : new Uint16Array(own.buffer);
  }
  if (hasPredictor) {
    const rowLength = columns * samples;
    for (let row = 0; row < rows; row++) {
      const end = (row + 1) * rowLength;
      for (let at = row * rowLength + samples; at < end; at++) {
        values[at] = (values[at] as number) + (values[at - samples] as number);
      }
    }
  }
  return values;
}

async function readSamples(bytes: Uint8Array, directory: TiffDirectory): Promise<Samples> {
  const {height, width, depth, isFloat, samplesPerPixel, isPlanar, isTiled, blockHeight, blockWidth} =
    directory;
  const length = height * width * samplesPerPixel;
  const result: Samples =
    depth <= 8 ? new Uint8Array(length) : isFloat ? new Float32Array(length) : new Uint16Array(length);
  const across = Math.ceil(width / blockWidth);
  const down = Math.ceil(height / blockHeight);
  const planes = isPlanar ? samplesPerPixel : 1;
  const samples = isPlanar ? 1 : samplesPerPixel;
  const {offsets, byteCounts} = directory;
  if (offsets.length < across * down * planes || byteCounts.length < across * down * planes) {
    throw new Error(`${offsets.length} strips or tiles of ${across * down * planes}`);
  }
  for (let index = 0; index < across * down * planes; index++) {
    const plane = Math.floor(index / (across * down));
    const top = Math.floor((index % (across * down)) / across) * blockHeight;
    const left = (index % across) * blockWidth;
    const rows = isTiled ? blockHeight : Math.min(blockHeight, height - top);
    const start = offsets[index] as number;
    const count = byteCounts[index] as number;
    if (start + count > bytes.length) {
      throw new Error("the file ends inside a strip");
    }
    const rowBytes = Math.ceil((blockWidth * samples * depth) / 8);
    const unpacked = await unpackStrip(
      bytes.subarray(start, start + count),
      directory.compression,
      rows * rowBytes,
    );
    const block = samplesOf(unpacked, directory, {rows, columns: blockWidth, samples});
    const usedRows = Math.min(rows, height - top);
    const usedColumns = Math.min(blockWidth, width - left);
    for (let row = 0; row < usedRows; row++) {
      const from = row * blockWidth * samples;
      const to = ((top + row) * width + left) * samplesPerPixel + plane;
      if (isPlanar) {
        for (let column = 0; column < usedColumns; column++) {
          result[to + column * samplesPerPixel] = block[from + column] as number;
        }
      } else {
        result.set(block.subarray(from, from + usedColumns * samples), to);
      }
    }
  }
  return result;
}

/** 8-bit palette of a ColorMap; some writers store 8-bit values where the standard wants 16. */
function paletteOf(colourMap: readonly number[], depth: number): Uint8Array {
  const entries = 1 << depth;
  if (colourMap.length < entries * 3) {
    throw new Error(`a palette of ${colourMap.length} of ${entries * 3} values`);
  }
  const shift = colourMap.every((value) => value < 256) ? 0 : 8;
  const palette = new Uint8Array(256 * 3);
  for (let entry = 0; entry < entries; entry++) {
    for (let channel = 0; channel < 3; channel++) {
      palette[entry * 3 + channel] = (colourMap[channel * entries + entry] as number) >> shift;
    }
  }
  return palette;
}

async function decodeChecked(bytes: Uint8Array, {name, maxPixels}: DecoderOptions): Promise<RawPicture> {
  const directory = await readTiffDirectory(bytes, name);
  const {height, width, depth, isFloat, photometric, colourMap, orientation} = directory;
  checkPixelLimit(directory, maxPixels, name);
  checkPixelLimit({height: directory.blockHeight, width: directory.blockWidth}, maxPixels, name);
  const data = await readSamples(bytes, directory);
  const white = isFloat ? 1 : depth === 16 ? 65535 : 255;
  const raw: RawPicture = {
    height,
    width,
    channels: directory.samplesPerPixel as 1 | 2 | 3 | 4,
    data,
    white,
    ...(orientation === undefined ? {} : {orientation}),
  };
  if (photometric === 3) {
    return {...raw, palette: paletteOf(colourMap ?? [], depth)};
  }
  if (depth < 8) {
    stretchBits(data as Uint8Array, depth);
  }
  if (photometric === 0) {
    for (let at = 0; at < data.length; at++) {
      data[at] = white - (data[at] as number);
    }
  }
  // A grey picture with several extra samples: only the first is the picture.
  if (photometric !== 2 && raw.channels > 2) {
    const grey = data.filter((_, at) => at % raw.channels === 0) as Samples;
    return {...raw, channels: 1, data: grey};
  }
  return raw;
}

/**
 * Reads the first picture of a TIFF: grey, palette or RGB, 1 to 16 bits or 32-bit float, strips or tiles,
 * stored plain or with LZW, Deflate or PackBits, either byte order.
 *
 * @throws DataError if the file is damaged, cut short, too large or of another kind.
 */
export async function decodeTiff(bytes: Uint8Array, options: DecoderOptions): Promise<RawPicture> {
  try {
    return await decodeChecked(bytes, options);
  } catch (error) {
    throw damaged(options.name, "TIFF", error);
  }
}

import {fromArrayBuffer} from "geotiff";
import {unsupported} from "./data-problem.js";
import {COMPRESSIONS} from "./tiff-compression.js";

/** What the first directory of a TIFF file says, checked for what this library reads. */
export interface TiffDirectory {
  height: number;
  width: number;
  /** Bits per sample: 1, 2, 4, 8, 16 or 32 (float). */
  depth: number;
  samplesPerPixel: number;
  isFloat: boolean;
  compression: number;
  photometric: number;
  hasPredictor: boolean;
  /** Whether each sample has strips of its own. */
  isPlanar: boolean;
  isTiled: boolean;
  /** Size of a strip or tile, px. */
  blockHeight: number;
  blockWidth: number;
  offsets: readonly number[];
  byteCounts: readonly number[];
  colourMap?: readonly number[];
  littleEndian: boolean;
  orientation?: number;
}

const TYPE_SIZES: Record<number, number> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
  16: 8,
  17: 8,
  18: 8,
};
const EXPECTED = "a grey, palette or RGB TIFF of 1 to 16 bits (or 32 bit float)";

/** Throws if an entry of the first directory points outside the file or claims more values than fit in it. */
function checkDirectory(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49;
  const big = view.getUint16(2, little) === 43;
  const long = (at: number): number =>
    big ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little);
  const start = long(big ? 8 : 4);
  const entries = big ? long(start) : view.getUint16(start, little);
  const [head, step, inline] = big ? [8, 20, 8] : [2, 12, 4];
  if (start + head + entries * step > bytes.length) {
    throw new Error("the file ends inside its directory");
  }
  for (let entry = 0; entry < entries; entry++) {
    const at = start + head + entry * step;
    const size = (TYPE_SIZES[view.getUint16(at + 2, little)] ?? 1) * long(at + 4);
    if (size > inline && long(at + (big ? 12 : 8)) + size > bytes.length) {
      throw new Error(`the file ends inside the values of tag ${view.getUint16(at, little)}`);
    }
  }
  return little;
}

function numbersOf(value: unknown): number[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "number" || typeof value === "bigint") return [Number(value)];
  return Array.from(value as ArrayLike<number | bigint>, Number);
}

/**
 * Reads and checks the first directory.
 *
 * @throws Error if it is broken; DataError if the file is of a kind that is not read.
 */
export async function readTiffDirectory(bytes: Uint8Array, name: string): Promise<TiffDirectory> {
  const littleEndian = checkDirectory(bytes);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const {fileDirectory} = await (await fromArrayBuffer(buffer)).getImage(0);
  const values = async (tag: number): Promise<number[]> => numbersOf(await fileDirectory.loadValue(tag));
  const one = async (tag: number, otherwise: number): Promise<number> => (await values(tag))[0] ?? otherwise;

  const width = await one(256, 0);
  const height = await one(257, 0);
  const depths = await values(258);
  const depth = depths[0] ?? 1;
  const compression = await one(259, 1);
  const photometric = await one(262, 1);
  const samplesPerPixel = await one(277, 1);
  const predictor = await one(317, 1);
  const sampleFormat = await one(339, 1);
  const isTiled = fileDirectory.hasTag(324);
  const rowsPerStrip = await one(278, height);
  const colourMap = photometric === 3 ? await values(320) : undefined;
  const orientation = await one(274, 1);

  const refuse = (got: string): never => {
    throw unsupported(name, EXPECTED, got);
  };
  const isFloat = sampleFormat === 3;
  if (!COMPRESSIONS.has(compression)) {
    const known = [...new Set(COMPRESSIONS.values())].join(", ");
    throw unsupported(
      name,
      `a TIFF with one of the compressions ${known}`,
      `compression code ${compression}`,
    );
  }
  if (photometric > 4) refuse(`colour space code ${photometric} (5 is CMYK, 6 YCbCr, 8 Lab)`);
  if (depths.some((other) => other !== depth)) refuse(`${depths.join(", ")} bits per sample`);
  if (!(isFloat ? [32] : [1, 2, 4, 8, 16]).includes(depth)) refuse(`${depth} bits per sample`);
  if (sampleFormat !== 1 && !isFloat) refuse(`sample format code ${sampleFormat}`);
  if (samplesPerPixel < 1 || samplesPerPixel > 4) refuse(`${samplesPerPixel} samples per pixel`);
  if (photometric === 2 && samplesPerPixel < 3) refuse(`RGB of ${samplesPerPixel} samples per pixel`);
  if (depth < 8 && samplesPerPixel > 1) refuse(`${samplesPerPixel} samples of ${depth} bits`);
  if (depth < 8 && (await one(266, 1)) !== 1) refuse("reversed bit order");
  if (predictor > 2 || (predictor === 2 && (isFloat || depth < 8))) refuse(`predictor ${predictor}`);
  if (photometric === 3 && (samplesPerPixel !== 1 || depth > 8)) refuse("a palette of more than 8 bits");

  return {
    height,
    width,
    depth,
    samplesPerPixel,
    isFloat,
    compression,
    photometric,
    hasPredictor: predictor === 2,
    isPlanar: samplesPerPixel > 1 && (await one(284, 1)) === 2,
    isTiled,
    blockHeight: isTiled ? await one(323, 0) : Math.min(rowsPerStrip || height, height),
    blockWidth: isTiled ? await one(322, 0) : width,
    offsets: await values(isTiled ? 324 : 273),
    byteCounts: await values(isTiled ? 325 : 279),
    ...(colourMap === undefined ? {} : {colourMap}),
    littleEndian,
    ...(orientation > 1 && orientation <= 8 ? {orientation} : {}),
  };
}

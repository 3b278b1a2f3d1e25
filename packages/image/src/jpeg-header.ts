import {unsupported} from "./data-problem.js";

/** What the markers of a JPEG file say before any pixel is decoded. */
export interface JpegHeader {
  height: number;
  width: number;
  /** Number of colour components: 1 grey, 3 colour, 4 CMYK. */
  components: number;
  /** Whether the three components are stored as RGB instead of luminance and chroma. */
  storedAsRgb: boolean;
  /** EXIF orientation, 1 to 8; absent without EXIF. */
  orientation?: number;
}

/** More scans than any encoder writes; a file of thousands would keep a decoder busy for hours. */
const MAX_SCANS = 100;
const FRAMES_READ = new Set([0xc0, 0xc1, 0xc2]);
const NOT_FRAMES = new Set([0xc4, 0xc8, 0xcc]);
const ORIENTATION_TAG = 0x0112;

/** Orientation from the data of an APP1 segment, or `undefined`. */
function orientationOf(segment: Uint8Array): number | undefined {
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
  const start = 6; // after "Exif\0\0"
  if (segment.length < start + 8 || String.fromCharCode(...segment.subarray(0, 4)) !== "Exif") {
    return undefined;
  }
  const little = view.getUint16(start) === 0x4949;
  const directory = start + view.getUint32(start + 4, little);
  if (directory + 2 > segment.length) {
    return undefined;
  }
  const entries = view.getUint16(directory, little);
  for (let entry = 0, at = directory + 2; entry < entries && at + 12 <= segment.length; entry++, at += 12) {
    if (view.getUint16(at, little) === ORIENTATION_TAG) {
      const value = view.getUint16(at + 8, little);
      return value >= 1 && value <= 8 ? value : undefined;
    }
  }
  return undefined;
}

/** Offset of the next marker after entropy-coded data. */
function endOfScan(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(0xff, start); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== undefined && next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) {
      return at;
    }
  }
  throw new Error("the file ends inside the picture data");
}

/**
 * Walks all markers to the end of the picture.
 *
 * A JPEG has no checksum and a lenient decoder fills what is missing with grey, so a truncated file is
 * found here: by the absence of its end marker.
 *
 * @throws Error if the file is broken; DataError if it is of a kind that is not read.
 */
export function readJpegHeader(bytes: Uint8Array, name: string): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let frame: {height: number; width: number; components: number; ids: string} | undefined;
  let orientation: number | undefined;
  let adobeTransform: number | undefined;
  let hasJfif = false;
  let scans = 0;
  let at = 2;
  for (;;) {
    if (at + 2 > bytes.length) {
      throw new Error("the file ends before its end marker");
    }
    if (bytes[at] !== 0xff) {
      throw new Error(`no marker at byte ${at}`);
    }
    const marker = bytes[at + 1] as number;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === 0xd9) {
      break;
    }
    if (at + 4 > bytes.length) {
      throw new Error("the file ends before its end marker");
    }
    const length = view.getUint16(at + 2);
    if (length < 2 || at + 2 + length > bytes.length) {
      throw new Error("the file ends inside a header");
    }
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (marker >= 0xc0 && marker <= 0xcf && !NOT_FRAMES.has(marker)) {
      const depth = segment[0];
      if (!FRAMES_READ.has(marker) || depth !== 8) {
        throw unsupported(
          name,
          "a baseline or progressive JPEG of 8 bits",
          `one of ${depth ?? "unknown"} bits with frame type ${marker - 0xc0}`,
        );
      }
      const components = segment[5] ?? 0;
      if (frame !== undefined || segment.length < 6 + 3 * components) {
        throw new Error("a second or incomplete frame header");
      }
      const ids = String.fromCharCode(...Array.from({length: components}, (_, c) => segment[6 + 3 * c] ?? 0));
      frame = {height: view.getUint16(at + 5), width: view.getUint16(at + 7), components, ids};
    }
    if (marker === 0xe0 && segment[0] === 0x4a) hasJfif = true;
    if (marker === 0xe1) orientation ??= orientationOf(segment);
    if (marker === 0xee && String.fromCharCode(...segment.subarray(0, 5)) === "Adobe") {
      adobeTransform = segment[11];
    }
    at += 2 + length;
    if (marker === 0xda) {
      if (++scans > MAX_SCANS) {
        throw new Error(`more than ${MAX_SCANS} scans`);
      }
      at = endOfScan(bytes, at);
    }
  }
  if (frame === undefined || scans === 0) {
    throw new Error("no picture before the end marker");
  }
  const {height, width, components, ids} = frame;
  const namedRgb = ids === "RGB" && !hasJfif && adobeTransform === undefined;
  const storedAsRgb = adobeTransform === 0 || namedRgb;
  return {height, width, components, storedAsRgb, ...(orientation === undefined ? {} : {orientation})};
}

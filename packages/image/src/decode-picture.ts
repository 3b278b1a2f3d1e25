import {ConfigError} from "@claps/core";
import {decodeGif} from "./decode-gif.js";
import {decodeJpeg} from "./decode-jpeg.js";
import {decodePng} from "./decode-png.js";
import {decodeTiff} from "./decode-tiff.js";
import {applyOrientation} from "./orientation.js";
import {detectFormat} from "./picture-format.js";
import {DEFAULT_MAX_PIXELS} from "./pixel-limit.js";
import type {RawPicture} from "./raw-picture.js";

/** Options of everything that decodes a picture. */
export interface DecodeOptions {
  /** Path or name for messages; default `picture`. */
  name?: string;
  /** Largest allowed number of pixels, checked before decoding; default 128 000 000. */
  maxPixels?: number;
  /**
   * What to do with an EXIF orientation: `ignore` (default) gives the pixels as stored, so that a picture
   * and its mask, which has no EXIF, stay aligned; `apply` turns the picture upright.
   */
  orientation?: "ignore" | "apply";
}

/** The stored samples of a picture file of any format that is read. */
export async function decodePicture(bytes: Uint8Array, options: DecodeOptions = {}): Promise<RawPicture> {
  const {name = "picture", maxPixels = DEFAULT_MAX_PIXELS, orientation = "ignore"} = options;
  if (!(maxPixels >= 1)) {
    throw new ConfigError(`maxPixels: expected a number of at least 1, got ${maxPixels}.`);
  }
  const decoders = {png: decodePng, jpeg: decodeJpeg, tiff: decodeTiff, gif: decodeGif};
  const raw = await decoders[detectFormat(bytes, name)](bytes, {name, maxPixels});
  return orientation === "apply" ? applyOrientation(raw) : raw;
}

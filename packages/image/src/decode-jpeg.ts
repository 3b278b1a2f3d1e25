import {decode} from "jpeg-js";
import {damaged, unsupported} from "./data-problem.js";
import {readJpegHeader} from "./jpeg-header.js";
import {checkPixelLimit} from "./pixel-limit.js";
import type {DecoderOptions, RawPicture} from "./raw-picture.js";

/** Bytes per pixel that the decoder needs at most: coefficients, lines and result of three channels. */
const DECODER_BYTES_PER_PIXEL = 32;

function firstOfThree(rgb: Uint8Array): Uint8Array {
  const grey = new Uint8Array(rgb.length / 3);
  for (let at = 0; at < grey.length; at++) {
    grey[at] = rgb[at * 3] as number;
  }
  return grey;
}

function decodeChecked(bytes: Uint8Array, {name, maxPixels}: DecoderOptions): RawPicture {
  const {height, width, components, storedAsRgb, orientation} = readJpegHeader(bytes, name);
  checkPixelLimit({height, width}, maxPixels, name);
  if (components !== 1 && components !== 3) {
    const kind = components === 4 ? "4 (CMYK or YCCK)" : String(components);
    throw unsupported(name, "a JPEG with 1 or 3 components", kind);
  }
  const padded = (height + 64) * (width + 64);
  const {data} = decode(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    ...(storedAsRgb ? {colorTransform: false} : {}),
    // The strict mode stumbles over restart intervals of grey files; truncation is found by the header walk.
    tolerantDecoding: components === 1,
    maxResolutionInMP: padded / 1e6,
    maxMemoryUsageInMB: 64 + (padded * DECODER_BYTES_PER_PIXEL) / 1e6,
  });
  if (data.length !== height * width * 3) {
    throw new Error("the picture is not of the size in its header");
  }
  return {
    height,
    width,
    channels: components,
    data: components === 1 ? firstOfThree(data) : data,
    white: 255,
    ...(orientation === undefined ? {} : {orientation}),
  };
}

/**
 * Reads a baseline or progressive JPEG of 8 bits, grey or colour.
 *
 * Chroma is enlarged by repetition, so colours differ by a few levels from libjpeg's smooth enlargement.
 *
 * @throws DataError if the file is damaged, cut short, too large, CMYK or of another JPEG kind.
 */
export function decodeJpeg(bytes: Uint8Array, options: DecoderOptions): RawPicture {
  try {
    return decodeChecked(bytes, options);
  } catch (error) {
    throw damaged(options.name, "JPEG", error);
  }
}

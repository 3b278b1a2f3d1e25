import {encode} from "fast-png";
import {eightBitSamples} from "./eight-bit.js";
import type {Image} from "./image.js";
import {imageOfMask} from "./mask-rule.js";
import type {Mask} from "./mask.js";

/** Whether a value is a picture and not a mask. */
export function isImage(picture: Image | Mask): picture is Image {
  return "channels" in picture;
}

/** The picture itself, or the picture of a mask. */
export function asImage(picture: Image | Mask): Image {
  return isImage(picture) ? picture : imageOfMask(picture);
}

/**
 * The bytes of a PNG file.
 *
 * 16-bit pictures are written with 16 bits, all others with 8 (float samples are scaled by `white`); masks as
 * grey 0 and 255, ignored pixels as 128.
 *
 * @example
 * ```ts
 * const bytes = encodePng(createMask({height: 2, width: 2}));
 * ```
 */
export function encodePng(picture: Image | Mask): Uint8Array {
  const image = asImage(picture);
  const {height, width, channels, pixels, white} = image;
  const isDeep = pixels.data instanceof Uint16Array && white === 65535;
  const data = isDeep ? (pixels.data as Uint16Array) : eightBitSamples(image);
  return encode({width, height, channels, depth: isDeep ? 16 : 8, data});
}

import {checkRange} from "@claps/core";
import {encode} from "jpeg-js";
import {eightBitRgb} from "./eight-bit.js";
import {asImage} from "./encode-png.js";
import type {Image} from "./image.js";
import type {Mask} from "./mask.js";

/**
 * The bytes of a baseline JPEG file, always 8-bit colour.
 *
 * Lossy: never for masks that are to be read back.
 *
 * @param quality - 1 to 100; default 95.
 */
export function encodeJpeg(picture: Image | Mask, quality = 95): Uint8Array {
  checkRange(quality, {min: 1, max: 100}, "JPEG quality");
  const image = asImage(picture);
  const {height, width} = image;
  const rgb = eightBitRgb(image);
  const rgba = new Uint8Array(height * width * 4).fill(255);
  for (let from = 0, to = 0; from < rgb.length; to++) {
    rgba[to++] = rgb[from++] as number;
    rgba[to++] = rgb[from++] as number;
    rgba[to++] = rgb[from++] as number;
  }
  return new Uint8Array(encode({height, width, data: rgba}, quality).data);
}

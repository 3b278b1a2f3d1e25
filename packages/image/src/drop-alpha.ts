import {createImage} from "./image.js";
import type {Image} from "./image.js";
import {emptyLike} from "./resample.js";

/** Options of {@link dropAlpha}. */
export interface DropAlphaOptions {
  /** `white` lays the picture over white first; left out, colours stay as they are. */
  over?: "white";
}

/**
 * The picture without its alpha channel; pictures that have none come back as they are.
 *
 * Shapes: [H, W, 4] → [H, W, 3].
 *
 * @param image - Any picture.
 * @param options - Whether transparency shows white, or nothing of it is left.
 * @returns A new picture, or the same one.
 * @example
 * ```ts
 * const colours = dropAlpha(drawing, {over: "white"});
 * ```
 *
 * Source: Pillow's `convert("RGB")` and `alpha_composite`.
 */
export function dropAlpha(image: Image, {over}: DropAlphaOptions = {}): Image {
  if (image.channels !== 4) return image;
  const {pixels, height, width, white, id, spacing} = image;
  const {data} = pixels;
  const rounds = !(data instanceof Float32Array);
  const colours = emptyLike(data, height * width * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    const alpha = data[from + 3] as number;
    for (let channel = 0; channel < 3; channel++) {
      const sample = data[from + channel] as number;
      const laid = over === "white" ? (sample * alpha + white * (white - alpha)) / white : sample;
      colours[to++] = rounds ? Math.floor(laid + 0.5) : laid;
    }
  }
  return createImage({data: colours, height, width, white, id, ...(spacing === undefined ? {} : {spacing})});
}

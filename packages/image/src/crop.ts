import {ShapeError} from "@claps/core";
import type {Box} from "./box.js";
import {createImage} from "./image.js";
import type {Image, Samples, Size} from "./image.js";
import {wrapMask} from "./mask.js";
import type {Mask} from "./mask.js";

function cut<T extends Samples>(data: T, {height, width}: Size, channels: number, box: Box): T {
  const [x0, y0, x1, y1] = box;
  const isInside = 0 <= x0 && x0 < x1 && x1 <= width && 0 <= y0 && y0 < y1 && y1 <= height;
  if (!isInside || !box.every(Number.isInteger)) {
    throw new ShapeError(
      `crop: expected whole numbers inside [0, 0, ${width}, ${height}] with x0 < x1 and y0 < y1, ` +
        `got [${box.join(", ")}].`,
    );
  }
  const rowLength = (x1 - x0) * channels;
  const result = new (data.constructor as new (length: number) => T)((y1 - y0) * rowLength);
  for (let y = y0; y < y1; y++) {
    const from = (y * width + x0) * channels;
    result.set(data.subarray(from, from + rowLength), (y - y0) * rowLength);
  }
  return result;
}

/**
 * The part of a picture inside a box, copied.
 *
 * @param box - Whole px of the picture's frame, inside the picture.
 * @throws ShapeError if the box is empty, fractional or outside.
 * @example
 * ```ts
 * const right = crop(pair, [pair.width / 2, 0, pair.width, pair.height]);
 * ```
 */
export function crop(image: Image, box: Box): Image {
  const data = cut(image.pixels.data, image, image.channels, box);
  const {white, id, spacing} = image;
  const size = {height: box[3] - box[1], width: box[2] - box[0]};
  return createImage({data, ...size, white, id, ...(spacing === undefined ? {} : {spacing})});
}

/** The part of a mask inside a box, copied; see {@link crop}. */
export function cropMask(mask: Mask, box: Box): Mask {
  const data = cut(mask.pixels.data, mask, 1, box);
  return wrapMask(data, {height: box[3] - box[1], width: box[2] - box[0]});
}

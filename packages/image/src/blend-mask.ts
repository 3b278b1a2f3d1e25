import {checkRange, ShapeError} from "@claps/core";
import {eightBitRgb} from "./eight-bit.js";
import {createImage} from "./image.js";
import type {Image} from "./image.js";
import {wrapMask} from "./mask.js";
import type {Mask} from "./mask.js";

/** Options of {@link blendMask}. */
export interface BlendOptions {
  /** Share of the colour inside the mask, 0 to 1; default 0.4. */
  opacity?: number;
  /** Width of the full-colour outline inside the mask's edge, px; `true` is 1, `false` or 0 none; default 1. */
  outline?: number | boolean;
}

/**
 * The pixels of a mask that lie within `width` px of its edge.
 *
 * Each px of width takes away one layer of pixels that share a side with the outside; what lies beyond the
 * picture counts as outside.
 *
 * @param width - Layers; default 1.
 */
export function outlineOf(mask: Mask, width = 1): Mask {
  checkRange(width, {min: 0, integer: true}, "outline width");
  const {height, width: columns, pixels} = mask;
  const rest = pixels.data.map((value) => (value === 1 ? 1 : 0));
  const outline = new Uint8Array(rest.length);
  for (let layer = 1; layer <= width; layer++) {
    // Pixels of this layer are marked 2 first, so that they do not uncover their own neighbours.
    for (let row = 0, at = 0; row < height; row++) {
      for (let column = 0; column < columns; column++, at++) {
        if (rest[at] === 0) continue;
        const isEdge =
          row === 0 ||
          row === height - 1 ||
          column === 0 ||
          column === columns - 1 ||
          rest[at - columns] === 0 ||
          rest[at + columns] === 0 ||
          rest[at - 1] === 0 ||
          rest[at + 1] === 0;
        if (isEdge) rest[at] = 2;
      }
    }
    for (let at = 0; at < rest.length; at++) {
      if (rest[at] === 2) {
        rest[at] = 0;
        outline[at] = 1;
      }
    }
  }
  return wrapMask(outline, mask);
}

/**
 * The picture with a mask laid over it in a colour, for people to look at.
 *
 * Shapes: [H, W, 3], 8-bit, whatever the picture was. Ignored pixels stay as they are.
 *
 * @param colour - Red, green and blue, 0..255.
 * @throws ShapeError if mask and picture differ in size; ConfigError if an option is out of range.
 * @example
 * ```ts
 * const overlay = blendMask(image, mask, [255, 220, 0], {opacity: 0.3, outline: 2});
 * ```
 */
export function blendMask(
  image: Image,
  mask: Mask,
  colour: readonly [number, number, number],
  {opacity = 0.4, outline = 1}: BlendOptions = {},
): Image {
  const {height, width, id} = image;
  if (mask.height !== height || mask.width !== width) {
    throw new ShapeError(
      `blendMask: expected a mask of ${height} x ${width} px, as the picture, got ${mask.height} x ${mask.width} px.`,
    );
  }
  checkRange(opacity, {min: 0, max: 1}, "blendMask, opacity");
  const edge = outlineOf(mask, Number(outline)).pixels.data;
  const inside = mask.pixels.data;
  const data = eightBitRgb(image).slice();
  for (let at = 0, to = 0; at < inside.length; at++, to += 3) {
    const share = edge[at] === 1 ? 1 : inside[at] === 1 ? opacity : 0;
    if (share > 0) {
      for (let channel = 0; channel < 3; channel++) {
        const value = data[to + channel] as number;
        data[to + channel] = Math.round(value + ((colour[channel] as number) - value) * share);
      }
    }
  }
  return createImage({data, height, width, id});
}

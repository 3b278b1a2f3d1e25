import {ShapeError} from "@claps/core";
import ndarray from "ndarray";
import type {NdArray} from "ndarray";
import {checkSize} from "./image.js";
import type {Size} from "./image.js";

/** Value of mask pixels that neither count as inside nor as outside. */
export const IGNORE = 255;

/**
 * One binary mask with ignored pixels.
 *
 * Shapes: pixels [H, W], row-major and contiguous.
 * Units: 0 outside, 1 inside, {@link IGNORE} not to be counted.
 */
export interface Mask extends Size {
  /** Values [H, W]. */
  readonly pixels: NdArray<Uint8Array>;
}

/** What {@link createMask} needs. */
export interface MaskOptions extends Size {
  /** Values row by row; kept, not copied. Left out means an empty mask. */
  data?: Uint8Array;
}

/**
 * Wraps a flat array as a mask, or makes an empty one.
 *
 * @param options - `data`: H × W values of 0, 1 or {@link IGNORE}.
 * @throws ShapeError if the length is not H × W or another value occurs.
 * @example
 * ```ts
 * const mask = createMask({data: Uint8Array.of(0, 1, 1, 0), height: 2, width: 2});
 * ```
 */
export function createMask({height, width, data}: MaskOptions): Mask {
  checkSize({height, width}, "Mask");
  const values = data ?? new Uint8Array(height * width);
  if (values.length !== height * width) {
    throw new ShapeError(`Mask: expected ${height} x ${width} values, got ${values.length}.`);
  }
  const stranger = values.find((value) => value > 1 && value !== IGNORE);
  if (stranger !== undefined) {
    throw new ShapeError(
      `Mask: expected the values 0, 1 and ${IGNORE} (ignore), got ${stranger}. Apply a threshold first.`,
    );
  }
  return wrapMask(values, {height, width});
}

/** A mask around values that are known to be valid. */
export function wrapMask(data: Uint8Array, {height, width}: Size): Mask {
  return {height, width, pixels: ndarray(data, [height, width])};
}

import {emptyLike} from "./resample.js";
import type {Plane} from "./resample.js";

/** Whole factors by which a plane shrinks. */
export interface Factors {
  y: number;
  x: number;
}

/**
 * The mean of 8-bit samples as Pillow takes it: half is added, then a reciprocal with 24 bits below the point is
 * multiplied, which falls short of the true mean by a hair.
 */
function eightBitMean(sum: number, count: number): number {
  const reciprocal = Math.trunc(Math.fround(2 ** 32 / (256 * count)));
  return Math.floor(((sum + Math.floor(count / 2)) * reciprocal) / 2 ** 24);
}

function meanOf(data: Uint8Array | Float32Array, sum: number, count: number): number {
  return data instanceof Uint8Array ? eightBitMean(sum, count) : sum * (1 / count);
}

/**
 * A plane shrunk by whole factors: each sample is the mean of a block; blocks at the right and lower border hold
 * what is left.
 *
 * Shapes: [H, W, C] → [⌈H / y⌉, ⌈W / x⌉, C].
 *
 * Source: Pillow's Image.reduce.
 */
export function reducePlane<T extends Uint8Array | Float32Array>(plane: Plane<T>, {y, x}: Factors): Plane<T> {
  const {data, height, width, channels} = plane;
  const newHeight = Math.ceil(height / y);
  const newWidth = Math.ceil(width / x);
  const result = emptyLike(data, newHeight * newWidth * channels);
  let to = 0;
  for (let top = 0; top < height; top += y) {
    const bottom = Math.min(height, top + y);
    for (let left = 0; left < width; left += x) {
      const right = Math.min(width, left + x);
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let row = top; row < bottom; row++) {
          const end = (row * width + right) * channels;
          for (let at = (row * width + left) * channels + channel; at < end; at += channels) {
            sum += data[at] as number;
          }
        }
        result[to++] = meanOf(data, sum, (bottom - top) * (right - left));
      }
    }
  }
  return {data: result, height: newHeight, width: newWidth, channels};
}

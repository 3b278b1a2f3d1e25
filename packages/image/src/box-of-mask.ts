import type {Box} from "./box.js";
import type {Mask} from "./mask.js";

/**
 * The smallest box around the inside of a mask, or `undefined` if it is empty.
 *
 * Units: px between pixels, so one pixel at the origin gives [0, 0, 1, 1]. Ignored pixels are outside.
 *
 * @example
 * ```ts
 * const box = boxOfMask(disc);
 * ```
 */
export function boxOfMask(mask: Mask): Box | undefined {
  const {height, width, pixels} = mask;
  const {data} = pixels;
  let [x0, y0, x1, y1] = [width, -1, 0, 0];
  for (let row = 0; row < height; row++) {
    const base = row * width;
    let first = 0;
    while (first < width && data[base + first] !== 1) first++;
    if (first === width) continue;
    let end = width;
    while (data[base + end - 1] !== 1) end--;
    if (y0 < 0) y0 = row;
    y1 = row + 1;
    if (first < x0) x0 = first;
    if (end > x1) x1 = end;
  }
  return y0 < 0 ? undefined : [x0, y0, x1, y1];
}

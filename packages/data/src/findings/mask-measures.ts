import type {Mask, Point} from "@claps/image";

/**
 * Mean place of the pixels inside a mask.
 *
 * Units: px from the upper left corner; the centre of the first pixel is (0.5, 0.5).
 *
 * @returns Nothing if the mask is empty.
 */
export function centreOf({pixels: {data}, width}: Mask): Point | undefined {
  let x = 0;
  let y = 0;
  let area = 0;
  for (let at = data.indexOf(1); at !== -1; at = data.indexOf(1, at + 1)) {
    x += (at % width) + 0.5;
    y += Math.floor(at / width) + 0.5;
    area++;
  }
  return area === 0 ? undefined : {x: x / area, y: y / area};
}

/**
 * How far the nearest pixel of a mask lies from a point.
 *
 * Units: px, to the pixel's centre.
 *
 * @returns Infinity if the mask is empty.
 */
export function distanceTo({pixels: {data}, width}: Mask, {x, y}: Point): number {
  let nearest = Infinity;
  for (let at = data.indexOf(1); at !== -1; at = data.indexOf(1, at + 1)) {
    const distance = Math.hypot((at % width) + 0.5 - x, Math.floor(at / width) + 0.5 - y);
    nearest = Math.min(nearest, distance);
  }
  return nearest;
}

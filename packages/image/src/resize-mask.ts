import {checkSize} from "./image.js";
import type {Size} from "./image.js";
import {wrapMask} from "./mask.js";
import type {Mask} from "./mask.js";
import {pickPixels} from "./resample.js";
import {nearestSources, wholeAxis} from "./resample-weights.js";

/**
 * The mask at another size by nearest neighbour, so that no new value appears and ignored pixels stay ignored.
 *
 * @throws ShapeError for a size below 1 px.
 *
 * Source: Pillow's NEAREST.
 */
export function resizeMask(mask: Mask, {height, width}: Size): Mask {
  checkSize({height, width}, "resizeMask");
  const plane = {data: mask.pixels.data, height: mask.height, width: mask.width, channels: 1};
  const {data} = pickPixels(
    plane,
    nearestSources(wholeAxis(mask.height, height)),
    nearestSources(wholeAxis(mask.width, width)),
  );
  return wrapMask(data, {height, width});
}

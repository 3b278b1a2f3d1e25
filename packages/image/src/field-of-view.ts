import type {Image} from "./image.js";
import {wrapMask} from "./mask.js";
import type {Mask} from "./mask.js";
import {labelRuns} from "./runs.js";

/** Luminance above which a pixel is lit, on the scale of 0 to 255. */
const DARK = 10;

/** 1 where the luminance 0.299 R + 0.587 G + 0.114 B is above the threshold. */
function litPixels({pixels, channels, white, height, width}: Image): Uint8Array {
  const {data} = pixels;
  const threshold = (DARK / 255) * white;
  const lit = new Uint8Array(height * width);
  for (let at = 0, from = 0; at < lit.length; at++, from += channels) {
    const luminance =
      channels === 1
        ? (data[from] as number)
        : 0.299 * (data[from] as number) +
          0.587 * (data[from + 1] as number) +
          0.114 * (data[from + 2] as number);
    lit[at] = luminance > threshold ? 1 : 0;
  }
  return lit;
}

/**
 * The lit part of a fundus photograph: luminance above 10 of 255, the largest connected part, holes filled.
 *
 * A fixed threshold, because one fitted to the histogram cuts into dark photographs. A picture that is dark
 * everywhere gives an empty mask.
 *
 * @example
 * ```ts
 * const inside = fieldOfView(photograph);
 * ```
 */
export function fieldOfView(image: Image): Mask {
  const {height, width} = image;
  const lit = litPixels(image);
  const parts = labelRuns(lit, image, 1, true);
  const areas = new Float64Array(parts.count);
  parts.components.forEach((component, run) => {
    areas[component] =
      (areas[component] as number) + (parts.ends[run] as number) - (parts.starts[run] as number);
  });
  const largest = areas.reduce((best, area, part) => (area > (areas[best] as number) ? part : best), 0);
  const field = new Uint8Array(height * width);
  parts.components.forEach((component, run) => {
    if (component === largest) {
      const base = (parts.rows[run] as number) * width;
      field.fill(1, base + (parts.starts[run] as number), base + (parts.ends[run] as number));
    }
  });
  if (parts.count === 0) {
    return wrapMask(field, image);
  }
  // What is dark and not connected to the border is a hole.
  const dark = labelRuns(field, image, 0, false);
  const open = new Uint8Array(dark.count);
  dark.components.forEach((component, run) => {
    const row = dark.rows[run];
    if (row === 0 || row === height - 1 || dark.starts[run] === 0 || dark.ends[run] === width) {
      open[component] = 1;
    }
  });
  dark.components.forEach((component, run) => {
    if (open[component] === 0) {
      const base = (dark.rows[run] as number) * width;
      field.fill(1, base + (dark.starts[run] as number), base + (dark.ends[run] as number));
    }
  });
  return wrapMask(field, image);
}

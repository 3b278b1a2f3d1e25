import {dataProblem} from "./data-problem.js";
import type {Size} from "./image.js";

/** Largest number of pixels that is decoded unless the caller allows more: 128 Mpx. */
export const DEFAULT_MAX_PIXELS = 128_000_000;

/**
 * Throws unless a header's size can be decoded; called before any pixel is.
 *
 * A few bytes of header may promise gigabytes of picture, so the promise is checked, not the file's length.
 */
export function checkPixelLimit({height, width}: Size, maxPixels: number, name: string): void {
  if (height < 1 || width < 1) {
    throw dataProblem({
      name,
      expected: "a picture of at least 1 x 1 px",
      got: `a header with height ${height} and width ${width}`,
      wayOut: "Copy or download it again.",
      code: "damaged",
    });
  }
  if (height * width > maxPixels) {
    throw dataProblem({
      name,
      expected: `at most ${maxPixels} px`,
      got: `${height} x ${width} = ${height * width} px`,
      wayOut: "Pass a larger maxPixels if the file is trusted, or make the picture smaller.",
      code: "too-large",
    });
  }
}

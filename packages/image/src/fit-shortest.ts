import {checkRange} from "@claps/core";
import {fitFrame} from "./fit.js";
import type {Fit, FitOptions} from "./fit.js";
import {Frame} from "./frame.js";
import type {Image, Size} from "./image.js";

/** Options of {@link shortestFrame}. */
export interface ShortestOptions {
  /** Most px of the long side; the short side gives way to it. Default: no limit. */
  maximum?: number;
  /** Canvas, padded on the right and below; default the picture's own size, so nothing is padded. */
  canvas?: Size;
}

/** Options of {@link fitShortest}. */
export interface FitShortestOptions extends FitOptions, ShortestOptions {}

/** Python's rounding. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}

function shortestSize({height, width}: Size, side: number, maximum: number | undefined): Size {
  const short = Math.min(height, width);
  const long = Math.max(height, width);
  const isOver = maximum !== undefined && (long / short) * side > maximum;
  const exact = isOver ? (maximum * short) / long : side;
  const newShort = isOver ? roundHalfEven(exact) : side;
  if (newShort === short) return {height, width};
  // The long side follows the short one from before it was rounded.
  const newLong = Math.max(1, Math.trunc((exact * long) / short));
  const [a, b] = [Math.max(1, newShort), newLong];
  return width < height ? {height: b, width: a} : {height: a, width: b};
}

/**
 * The frame of {@link fitShortest}, for masks and boxes without their picture, or to find the canvas of a batch.
 *
 * @param source - Size of the picture.
 * @param side - Short side, px.
 * @param options - Limit of the long side and canvas.
 * @throws ConfigError if `side` or `maximum` is no whole number of at least 1; ShapeError if the canvas is too small.
 */
export function shortestFrame(source: Size, side: number, {maximum, canvas}: ShortestOptions = {}): Frame {
  checkRange(side, {min: 1, integer: true}, "fitShortest, side");
  if (maximum !== undefined) checkRange(maximum, {min: 1, integer: true}, "fitShortest, maximum");
  const content = shortestSize(source, side, maximum);
  return new Frame({source, model: canvas ?? content, content});
}

/**
 * The picture with its shorter side at `side` px unless its longer side would go over `maximum`.
 *
 * Nothing is cut off. `frame.contentMask()` tells picture from padding.
 *
 * @param image - Any picture.
 * @param side - Short side, px.
 * @param options - Limit of the long side, canvas, filter and padding.
 * @throws ConfigError if `side` or `maximum` is no whole number of at least 1; ShapeError if the canvas is too small.
 * @example
 * ```ts
 * const {image, frame} = fitShortest(photograph, 800, {maximum: 1333});
 * ```
 *
 * Source: get_size_with_aspect_ratio of the DETR family in Hugging Face transformers: the long side is cut to a
 * whole number, and where it is limited the short one is rounded half to even.
 * Differs: a side is never below 1 px.
 */
export function fitShortest(image: Image, side: number, options: FitShortestOptions = {}): Fit {
  return fitFrame(image, shortestFrame(image, side, options), options);
}

import {checkRange} from "@claps/core";
import type {Arithmetic} from "./fixed-weights.js";
import {Frame} from "./frame.js";
import {checkSize, createImage} from "./image.js";
import type {Image, Samples, Size} from "./image.js";
import {resize} from "./resize.js";
import type {Filter} from "./resample-weights.js";

/** A picture brought to a model's size, and the way back. */
export interface Fit {
  /** The picture on the canvas; with `padding: "none"` the content alone. */
  image: Image;
  /** How canvas and source belong together. */
  frame: Frame;
}

/** Options of the fits. */
export interface FitOptions {
  /** Default `bilinear`, with antialias. */
  filter?: Filter;
  /**
   * `zeros` (default) fills the canvas with black; `none` gives the content alone, for models that pad with
   * zeros after normalising. The frame is the same.
   */
  padding?: "zeros" | "none";
  /** Whose whole-number arithmetic resizes 8-bit pictures; default Pillow's. */
  arithmetic?: Arithmetic;
}

function place(image: Image, {model, offset}: Frame): Image {
  const {pixels, channels, height, width, white, id, spacing} = image;
  if (height === model.height && width === model.width) {
    return image;
  }
  const {data} = pixels;
  const canvas = new (data.constructor as new (length: number) => Samples)(
    model.height * model.width * channels,
  );
  const rowLength = width * channels;
  for (let row = 0; row < height; row++) {
    const to = ((row + offset.y) * model.width + offset.x) * channels;
    canvas.set(data.subarray(row * rowLength, (row + 1) * rowLength), to);
  }
  return createImage({data: canvas, ...model, white, id, ...(spacing === undefined ? {} : {spacing})});
}

/** The picture as its frame says. */
export function fitFrame(image: Image, frame: Frame, options: FitOptions): Fit {
  const {filter = "bilinear", padding = "zeros", arithmetic = "pillow"} = options;
  const content = resize(image, {...frame.content, filter, arithmetic});
  return {image: padding === "none" ? content : place(content, frame), frame};
}

/** The picture's size times a factor, rounded at the half, at least one px. */
function scaled({height, width}: Size, factor: number): Size {
  const rounded = (side: number): number => Math.max(1, Math.floor(side * factor + 0.5));
  return {height: rounded(height), width: rounded(width)};
}

/**
 * The picture with its longer side at `side` px, padded on the right and below to a square.
 *
 * @param side - Side of the canvas, px.
 * @throws ConfigError if `side` is no whole number of at least 1.
 * @example
 * ```ts
 * const {image, frame} = fitLongest(photograph, 1024);
 * ```
 *
 * Source: segment-anything, ResizeLongestSide; sides are int(side * scale + 0.5).
 * Differs: a side is never below 1 px; the padding is black before normalising unless `padding` is `none`.
 */
export function fitLongest(image: Image, side: number, options: FitOptions = {}): Fit {
  return fitFrame(image, longestFrame(image, side), options);
}

/**
 * The frame of {@link fitLongest}, for masks and boxes without their picture.
 *
 * @param source - Size of the picture.
 * @param side - Side of the canvas, px.
 * @throws ConfigError if `side` is no whole number of at least 1.
 */
export function longestFrame(source: Size, side: number): Frame {
  checkRange(side, {min: 1, integer: true}, "fitLongest, side");
  const content = scaled(source, side / Math.max(source.height, source.width));
  return new Frame({source, model: {height: side, width: side}, content});
}

/**
 * The picture stretched to a size; nothing is padded.
 *
 * @throws ShapeError for a size below 1 px.
 */
export function fitExact(image: Image, {height, width}: Size, options: FitOptions = {}): Fit {
  checkSize({height, width}, "fitExact");
  const frame = new Frame({source: image, model: {height, width}, content: {height, width}});
  return fitFrame(image, frame, options);
}

/**
 * The picture as large as it fits into a size with its aspect kept, centred, padded with black.
 *
 * An odd rest goes to the right and below.
 *
 * @throws ShapeError for a size below 1 px.
 */
export function letterbox(image: Image, {height, width}: Size, options: FitOptions = {}): Fit {
  checkSize({height, width}, "letterbox");
  const content = scaled(image, Math.min(height / image.height, width / image.width));
  const offset = {
    y: Math.floor((height - content.height) / 2),
    x: Math.floor((width - content.width) / 2),
  };
  const frame = new Frame({source: image, model: {height, width}, content, offset});
  return fitFrame(image, frame, options);
}

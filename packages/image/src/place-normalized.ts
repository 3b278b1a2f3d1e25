import {ShapeError} from "@claps/core";
import type {Image, Size} from "./image.js";

/** What turns samples into standard deviations; plain data. */
export interface Normalization {
  /** Mean per channel of RGB, after scaling. */
  readonly mean: readonly [number, number, number];
  /** Standard deviation per channel of RGB, after scaling. */
  readonly deviation: readonly [number, number, number];
  /** Factor from levels of 0..255 to what mean and deviation speak of; default 1/255. */
  readonly rescale?: number;
}

/** Where {@link placeNormalized} writes. */
export interface PlaceOptions extends Normalization {
  /** Size of the canvas, px. */
  canvas: Size;
  /** Where the picture begins on it; default the upper left corner. */
  offset?: {y: number; x: number};
}

/** The normalised value of a sample in a channel; rounded after each operation as the references do in float32. */
export function normalizer(
  {mean, deviation, rescale = 1 / 255}: Normalization,
  white: number,
): (sample: number, channel: number) => number {
  const means = mean.map(Math.fround);
  const deviations = deviation.map(Math.fround);
  const toLevels = 255 / white;
  return (sample, channel) => {
    const scaled = Math.fround(Math.min(Math.max(sample, 0), white) * toLevels * rescale);
    return Math.fround(Math.fround(scaled - (means[channel] as number)) / (deviations[channel] as number));
  };
}

/**
 * Writes a picture, normalised, into a canvas of three channels; what it does not cover is left as it is.
 *
 * Shapes: [H, W, 1, 3 or 4] into [canvas.height, canvas.width, 3]; grey becomes three equal channels, alpha is
 * left out.
 * Units: samples of 0 to the picture's `white`, clipped to that; the result in standard deviations.
 *
 * @param target - The canvas, row by row.
 * @param image - A picture at the canvas's scale.
 * @param options - Size of the canvas, place and normalisation.
 * @throws ShapeError if the picture does not lie on the canvas, or the canvas has another length.
 * @example
 * ```ts
 * const pixels = new Float32Array(800 * 1333 * 3);
 * placeNormalized(pixels, image, {canvas: {height: 800, width: 1333}, mean: [0.5, 0.5, 0.5], deviation: [1, 1, 1]});
 * ```
 *
 * Source: rescale and normalize of Hugging Face's image processors, in their order of float32 operations.
 */
export function placeNormalized(target: Float32Array, image: Image, options: PlaceOptions): void {
  const {canvas, offset = {y: 0, x: 0}} = options;
  const {pixels, channels, height, width, white, id} = image;
  const isInside =
    offset.y >= 0 && offset.x >= 0 && offset.y + height <= canvas.height && offset.x + width <= canvas.width;
  if (!isInside || target.length !== canvas.height * canvas.width * 3) {
    throw new ShapeError(
      `placeNormalized, picture "${id}": expected ${height} x ${width} px inside a canvas of ${canvas.height} x ` +
        `${canvas.width} px with 3 channels, got row ${offset.y}, column ${offset.x} and ${target.length} numbers.`,
    );
  }
  const {data} = pixels;
  const normalize = normalizer(options, white);
  const table =
    data instanceof Uint8Array
      ? Float32Array.from({length: 256 * 3}, (_, at) => normalize(Math.floor(at / 3), at % 3))
      : undefined;
  const step = channels === 1 ? 0 : 1;
  for (let y = 0, from = 0; y < height; y++) {
    let to = ((y + offset.y) * canvas.width + offset.x) * 3;
    for (let x = 0; x < width; x++, from += channels) {
      for (let channel = 0; channel < 3; channel++) {
        const sample = data[from + channel * step] as number;
        target[to++] =
          table === undefined ? normalize(sample, channel) : (table[sample * 3 + channel] as number);
      }
    }
  }
}

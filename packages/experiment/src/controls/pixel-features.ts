import {fitLongest, gaussianBlur} from "@claps/image";
import type {Image, Size} from "@claps/image";

/** Longest side at which pixels are classified, px: colour needs no more, and large photographs stay quick. */
const LONGEST_SIDE = 384;

/** Numbers per pixel: three colours, the same blurred at two scales, and position with its squares. */
export const FEATURES = 13;

/** Features of every pixel of one picture. */
export interface PixelFeatures {
  readonly size: Size;
  /** [H × W × FEATURES] row by row; colours 0..1, positions -1..1. */
  readonly values: Float32Array;
}

/**
 * Colour, colour blurred at two scales, and position of every pixel of a picture made small.
 *
 * @param image - Prepared picture, float RGB 0..1.
 * @returns Features at the small size; the size is the picture's own scaled so that the long side is at most 384 px.
 */
export function pixelFeatures(image: Image): PixelFeatures {
  const longest = Math.max(image.height, image.width);
  const {image: square, frame} = fitLongest(image, Math.min(LONGEST_SIDE, longest));
  const size = frame.content;
  const values = new Float32Array(size.height * size.width * FEATURES);
  const scales = [size.height / 128, size.height / 24];
  for (let channel = 0; channel < 3; channel++) {
    const plane = planeOf(square, size, channel);
    const planes = [plane, ...scales.map((sigma) => gaussianBlur(plane, size, sigma))];
    planes.forEach((field, index) => {
      for (let pixel = 0; pixel < field.length; pixel++) {
        values[pixel * FEATURES + index * 3 + channel] = field[pixel] ?? 0;
      }
    });
  }
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const [across, down] = [(2 * x) / size.width - 1, (2 * y) / size.height - 1];
      values.set([across, down, across * across, down * down], (y * size.width + x) * FEATURES + 9);
    }
  }
  return {size, values};
}

function planeOf(image: Image, size: Size, channel: number): Float32Array {
  const {data} = image.pixels;
  const plane = new Float32Array(size.height * size.width);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      plane[y * size.width + x] = data[(y * image.width + x) * image.channels + channel] ?? 0;
    }
  }
  return plane;
}

import {checkRange, ShapeError} from "@claps/core";
import type {Size} from "./image.js";

/** Kernel half-widths beyond this many standard deviations are cut off. */
const TRUNCATE = 4;

/** Half of a normalised Gaussian: entry 0 is the centre. */
function halfKernel(sigma: number): Float64Array {
  const radius = Math.floor(TRUNCATE * sigma + 0.5);
  const kernel = Float64Array.from({length: radius + 1}, (_, at) =>
    Math.exp(-(at * at) / (2 * sigma * sigma)),
  );
  const sum = kernel.reduce((total, weight, at) => total + (at === 0 ? weight : 2 * weight), 0);
  return kernel.map((weight) => weight / sum);
}

/** Index of a sample beyond the border when the samples are mirrored with the border sample repeated. */
function mirrored(index: number, length: number): number {
  const period = 2 * length;
  const place = ((index % period) + period) % period;
  return place < length ? place : period - 1 - place;
}

/**
 * A field of numbers smoothed by a Gaussian.
 *
 * Shapes: field [H, W], row by row; the result has the same.
 * Units: sigma in px. Beyond the border the field is mirrored; the kernel ends at 4 sigma. Time grows with sigma.
 *
 * @param sigma - Standard deviation; 0 gives a copy.
 * @throws ShapeError if the length is not H × W; ConfigError if sigma is negative.
 * @example
 * ```ts
 * const background = gaussianBlur(green, image, 8);
 * ```
 *
 * Source: the conventions of scipy.ndimage.gaussian_filter (mode reflect, truncate 4).
 */
export function gaussianBlur(field: Float32Array, {height, width}: Size, sigma: number): Float32Array {
  checkRange(sigma, {min: 0}, "gaussianBlur, sigma");
  if (field.length !== height * width) {
    throw new ShapeError(`gaussianBlur: expected ${height} x ${width} numbers, got ${field.length}.`);
  }
  const kernel = halfKernel(Math.max(sigma, 1e-12));
  const radius = kernel.length - 1;
  if (radius === 0) {
    return field.slice();
  }
  const centre = kernel[0] as number;
  const across = new Float32Array(field.length);
  const padded = new Float64Array(width + 2 * radius);
  for (let row = 0; row < height; row++) {
    const base = row * width;
    for (let at = 0; at < padded.length; at++) {
      padded[at] = field[base + mirrored(at - radius, width)] as number;
    }
    for (let column = 0; column < width; column++) {
      let sum = centre * (padded[column + radius] as number);
      for (let tap = 1; tap <= radius; tap++) {
        const pair = (padded[column + radius - tap] as number) + (padded[column + radius + tap] as number);
        sum += (kernel[tap] as number) * pair;
      }
      across[base + column] = sum;
    }
  }
  const result = new Float32Array(field.length);
  const sums = new Float64Array(width);
  for (let row = 0; row < height; row++) {
    sums.fill(0);
    for (let tap = -radius; tap <= radius; tap++) {
      const weight = kernel[Math.abs(tap)] as number;
      const base = mirrored(row + tap, height) * width;
      for (let column = 0; column < width; column++) {
        sums[column] = (sums[column] as number) + weight * (across[base + column] as number);
      }
    }
    result.set(sums, row * width);
  }
  return result;
}

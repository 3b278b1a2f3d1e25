import type {Samples} from "./image.js";
import type {AxisWeights} from "./resample-weights.js";

/** A flat array [height, width, channels]. */
export interface Plane<T extends Samples = Samples> {
  data: T;
  height: number;
  width: number;
  channels: number;
}

/** An array of the same number type. */
export function emptyLike<T extends Samples>(data: T, length: number): T {
  return new (data.constructor as new (length: number) => T)(length);
}

/** Writes sums into the row of a result in its own number type. */
function store(sums: Float64Array, target: Samples, to: number, bits: number | undefined): void {
  if (bits === undefined) {
    target.set(sums, to);
    return;
  }
  const half = 1 << (bits - 1);
  for (let at = 0; at < sums.length; at++) {
    const value = ((sums[at] as number) + half) >> bits;
    target[to + at] = value < 0 ? 0 : value > 255 ? 255 : value;
  }
}

/**
 * Resamples along the rows.
 *
 * Uint8Array data want fixed-point weights and give rounded, clipped values; Float32Array data want plain weights.
 */
export function resampleWidth<T extends Uint8Array | Float32Array>(
  {data, height, width, channels}: Plane<T>,
  {starts, counts, weights, stride, bits}: AxisWeights,
): Plane<T> {
  const newWidth = starts.length;
  const result = emptyLike(data, height * newWidth * channels);
  const sums = new Float64Array(newWidth * channels);
  for (let row = 0; row < height; row++) {
    const rowStart = row * width * channels;
    for (let column = 0; column < newWidth; column++) {
      const count = counts[column] as number;
      const weightStart = column * stride;
      const from = rowStart + (starts[column] as number) * channels;
      if (channels === 3) {
        let [red, green, blue] = [0, 0, 0];
        for (let tap = 0, at = from; tap < count; tap++, at += 3) {
          const weight = weights[weightStart + tap] as number;
          red += (data[at] as number) * weight;
          green += (data[at + 1] as number) * weight;
          blue += (data[at + 2] as number) * weight;
        }
        sums[column * 3] = red;
        sums[column * 3 + 1] = green;
        sums[column * 3 + 2] = blue;
      } else {
        for (let channel = 0; channel < channels; channel++) {
          let sum = 0;
          for (let tap = 0, at = from + channel; tap < count; tap++, at += channels) {
            sum += (data[at] as number) * (weights[weightStart + tap] as number);
          }
          sums[column * channels + channel] = sum;
        }
      }
    }
    store(sums, result, row * newWidth * channels, bits);
  }
  return {data: result, height, width: newWidth, channels};
}

/** Resamples along the columns; see {@link resampleWidth}. */
export function resampleHeight<T extends Uint8Array | Float32Array>(
  {data, width, channels}: Plane<T>,
  {starts, counts, weights, stride, bits}: AxisWeights,
): Plane<T> {
  const newHeight = starts.length;
  const rowLength = width * channels;
  const result = emptyLike(data, newHeight * rowLength);
  const sums = new Float64Array(rowLength);
  for (let row = 0; row < newHeight; row++) {
    sums.fill(0);
    for (let tap = 0; tap < (counts[row] as number); tap++) {
      const weight = weights[row * stride + tap] as number;
      const from = ((starts[row] as number) + tap) * rowLength;
      for (let at = 0; at < rowLength; at++) {
        sums[at] = (sums[at] as number) + (data[from + at] as number) * weight;
      }
    }
    store(sums, result, row * rowLength, bits);
  }
  return {data: result, height: newHeight, width, channels};
}

/** Picks whole pixels: row `rows[y]`, column `columns[x]`. */
export function pickPixels<T extends Samples>(
  {data, width, channels}: Plane<T>,
  rows: Int32Array,
  columns: Int32Array,
): Plane<T> {
  const result = emptyLike(data, rows.length * columns.length * channels);
  let to = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * width + column) * channels;
      for (let channel = 0; channel < channels; channel++) {
        result[to++] = data[from + channel] as number;
      }
    }
  }
  return {data: result, height: rows.length, width: columns.length, channels};
}

/** The part of a plane inside a box of whole px; shares its samples where whole rows are taken. */
export function cutPlane<T extends Samples>(
  plane: Plane<T>,
  [x0, y0, x1, y1]: readonly [number, number, number, number],
): Plane<T> {
  const {data, width, channels} = plane;
  const [height, newWidth] = [y1 - y0, x1 - x0];
  if (newWidth === width) {
    const rowLength = width * channels;
    return {...plane, data: data.subarray(y0 * rowLength, y1 * rowLength) as T, height};
  }
  const result = emptyLike(data, height * newWidth * channels);
  for (let row = 0; row < height; row++) {
    const from = ((row + y0) * width + x0) * channels;
    result.set(data.subarray(from, from + newWidth * channels), row * newWidth * channels);
  }
  return {data: result, height, width: newWidth, channels};
}

import {ShapeError} from "@claps/core";
import ndarray from "ndarray";
import type {NdArray} from "ndarray";

/** Height and width in px. */
export interface Size {
  /** Rows. */
  height: number;
  /** Columns. */
  width: number;
}

/** Sample arrays that an {@link Image} may hold. */
export type Samples = Uint8Array | Uint16Array | Float32Array;

/** Number of channels of an {@link Image}: grey, RGB or RGB with alpha. */
export type Channels = 1 | 3 | 4;

/**
 * One picture on the CPU.
 *
 * Shapes: pixels [H, W, C], row-major and contiguous, so `pixels.data` may be walked as one flat array.
 * Units: samples from 0 to `white`.
 */
export interface Image extends Size {
  /** Name used in messages and reports; file name without extension when read from disk. */
  readonly id: string;
  /** 1 grey, 3 RGB, 4 RGB and alpha. */
  readonly channels: Channels;
  /** Samples [H, W, C]. */
  readonly pixels: NdArray<Samples>;
  /** Sample value of full brightness: 255, 65535 or 1. */
  readonly white: number;
  /** Physical size of a pixel, µm per px; absent when unknown. */
  readonly spacing?: {y: number; x: number};
}

/** What {@link createImage} needs. */
export interface ImageOptions extends Size {
  /** Samples, row by row, channels last; not copied. */
  data: Samples;
  /** Full brightness; default 255, 65535 or 1 by the kind of array. */
  white?: number;
  /** Name for messages; default `image`. */
  id?: string;
  /** µm per px; left out means unknown. */
  spacing?: {y: number; x: number};
}

/** The value of full brightness that a sample array implies. */
export function whiteOf(data: Samples): number {
  return data instanceof Uint8Array ? 255 : data instanceof Uint16Array ? 65535 : 1;
}

/** Throws unless both sides are whole numbers of at least one. */
export function checkSize({height, width}: Size, what: string): void {
  if (!Number.isInteger(height) || !Number.isInteger(width) || height < 1 || width < 1) {
    throw new ShapeError(`${what}: expected a height and width of at least 1 px, got ${height} x ${width}.`);
  }
}

/**
 * Wraps a flat array as a picture; the number of channels follows from the length.
 *
 * Shapes: data H × W × C values, row by row, channels last.
 *
 * @param options - `data`: The samples; kept, not copied.
 * @throws ShapeError if the length is not H × W × 1, 3 or 4.
 * @example
 * ```ts
 * const red = createImage({data: new Uint8Array([255, 0, 0]), height: 1, width: 1});
 * ```
 */
export function createImage(options: ImageOptions): Image {
  const {data, height, width, white = whiteOf(data), id = "image", spacing} = options;
  checkSize({height, width}, `Image "${id}"`);
  const channels = data.length / (height * width);
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new ShapeError(
      `Image "${id}": expected ${height} x ${width} x 1, 3 or 4 samples, got ${data.length}. ` +
        "Check height and width, and drop other channels first.",
    );
  }
  const pixels = ndarray(data, [height, width, channels]);
  return spacing === undefined
    ? {id, height, width, channels, pixels, white}
    : {id, height, width, channels, pixels, white, spacing};
}

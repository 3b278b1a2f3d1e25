import {patchify} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";

/** Height and width of a grid, in cells. */
export interface GridSize {
  /** Rows. */
  height: number;
  /** Columns. */
  width: number;
}

function windows(size: number, windowSize: number): number {
  return Math.ceil(size / windowSize);
}

/**
 * Cuts grids into square windows, padded with zeros on the right and below where they do not fit.
 *
 * Shapes: x [N, h, w, C]; returns [N * windows, windowSize, windowSize, C], row by row.
 *
 * @param x - Grids.
 * @param windowSize - Edge of a window, cells.
 * @returns The windows; the caller disposes them.
 *
 * Source: Li et al. 2022 (ViTDet), section 3; padding as in the original code of Segment Anything.
 */
export function windowPartition(x: tf.Tensor, windowSize: number): tf.Tensor4D {
  const [images, height, width, channels] = x.shape as [number, number, number, number];
  const rows = windows(height, windowSize);
  const columns = windows(width, windowSize);
  const below = rows * windowSize - height;
  const right = columns * windowSize - width;
  const padded =
    below === 0 && right === 0
      ? x
      : tf.pad(x, [
          [0, 0],
          [0, below],
          [0, right],
          [0, 0],
        ]);
  return tf.reshape(patchify(padded, windowSize), [
    images * rows * columns,
    windowSize,
    windowSize,
    channels,
  ]);
}

/**
 * Puts windows together again and cuts the padding off.
 *
 * Shapes: x [N * windows, windowSize, windowSize, C]; returns [N, h, w, C].
 *
 * @param x - Windows as `windowPartition` gave them.
 * @param size - Height and width of the grids, cells.
 * @returns The grids; the caller disposes them.
 */
export function windowUnpartition(x: tf.Tensor, size: GridSize): tf.Tensor4D {
  const [count, windowSize, , channels] = x.shape as [number, number, number, number];
  const rows = windows(size.height, windowSize);
  const columns = windows(size.width, windowSize);
  const images = count / (rows * columns);
  const split = tf.reshape(x, [images * rows, columns, windowSize, windowSize * channels]);
  const joined = tf.transpose(split, [0, 2, 1, 3]);
  const padded: tf.Tensor4D = tf.reshape(joined, [images, rows * windowSize, columns * windowSize, channels]);
  if (padded.shape[1] === size.height && padded.shape[2] === size.width) {
    return padded;
  }
  return tf.slice(padded, [0, 0, 0, 0], [images, size.height, size.width, channels]);
}

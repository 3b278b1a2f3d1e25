import {ShapeError, checkRange} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/**
 * How many rows a number of truths is padded to: the next power of two, at least 1.
 *
 * Every number of rows means one more compiled graph; powers of two keep them few.
 *
 * @param count - Number of truths, 0 or more.
 * @returns 1, 2, 4, 8 and so on.
 * @throws ConfigError if the count is not a whole number of at least 0.
 * @example
 * ```ts
 * truthBucket(5); // 8
 * ```
 */
export function truthBucket(count: number): number {
  checkRange(count, {min: 0, integer: true}, "number of truths");
  let bucket = 1;
  while (bucket < count) bucket *= 2;
  return bucket;
}

/**
 * Truths as a tensor, with rows of zeros up to the bucket.
 *
 * Shapes: K rows of the given width → [bucket, width].
 *
 * @param rows - The truths, row by row; may be empty.
 * @param width - Numbers in a row.
 * @param bucket - Number of rows that come out, see {@link truthBucket}.
 * @returns The tensor; the caller disposes it.
 * @throws ShapeError if the rows are not whole or do not fit.
 * @example
 * ```ts
 * padTruths([0.5, 0.5, 0.2, 0.1], 4, 2); // [[0.5, 0.5, 0.2, 0.1], [0, 0, 0, 0]]
 * ```
 */
export function padTruths(rows: ArrayLike<number>, width: number, bucket: number): tf.Tensor2D {
  const count = rows.length / width;
  if (!Number.isInteger(count) || count > bucket) {
    throw new ShapeError(
      `padTruths: expected at most ${bucket} whole rows of ${width} numbers, got ${rows.length} numbers.`,
    );
  }
  const padded = new Float32Array(bucket * width);
  padded.set(rows);
  return tf.tensor2d(padded, [bucket, width]);
}

/**
 * Which rows of padded truths are real.
 *
 * Shapes: [bucket].
 *
 * @param count - Number of truths.
 * @param bucket - Number of rows, see {@link truthBucket}.
 * @returns Ones and then zeros; the caller disposes them.
 * @throws ShapeError if there are more truths than rows.
 */
export function truthMask(count: number, bucket: number): tf.Tensor1D {
  const mask = padTruths(new Float32Array(count).fill(1), 1, bucket);
  const flat: tf.Tensor1D = tf.reshape(mask, [bucket]);
  mask.dispose();
  return flat;
}

/**
 * The prediction of each truth, layer by layer, with -1 up to the bucket.
 *
 * Shapes: L layers of K numbers → [L, bucket] int32.
 *
 * @param layers - For each layer the number of the prediction that stands for each truth, or -1 for none.
 * @param bucket - Number of columns, see {@link truthBucket}.
 * @returns The tensor; the caller disposes it.
 * @throws ShapeError if a layer has more truths than the bucket.
 * @example
 * ```ts
 * padAssignments([[3, 0], [1, 3]], 4); // [[3, 0, -1, -1], [1, 3, -1, -1]]
 * ```
 */
export function padAssignments(layers: readonly ArrayLike<number>[], bucket: number): tf.Tensor2D {
  const padded = new Int32Array(layers.length * bucket).fill(-1);
  layers.forEach((assignment, layer) => {
    if (assignment.length > bucket) {
      throw new ShapeError(
        `padAssignments: expected at most ${bucket} truths, got ${assignment.length} in layer ${layer}.`,
      );
    }
    padded.set(assignment, layer * bucket);
  });
  return tf.tensor2d(padded, [layers.length, bucket], "int32");
}

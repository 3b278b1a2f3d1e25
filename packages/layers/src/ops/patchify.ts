import {ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/**
 * Cuts grids into square patches and lays each out as one row of numbers.
 *
 * Shapes: x [N, H, W, C]; returns [N, H/p, W/p, p * p * C], each row in the order (y, x, channel).
 *
 * A convolution whose stride equals its kernel is this followed by a matrix product.
 *
 * @param x - Grids.
 * @param patchSize - Edge of a patch in px.
 * @returns The patches; the caller disposes them.
 * @throws ShapeError if height or width is no multiple of the patch.
 */
export function patchify(x: tf.Tensor, patchSize: number): tf.Tensor4D {
  const [images, height, width, channels] = x.shape as [number, number, number, number];
  if (x.rank !== 4 || height % patchSize !== 0 || width % patchSize !== 0) {
    throw new ShapeError(
      `patchify: expected [N, H, W, C] with H and W multiples of ${patchSize}, got [${x.shape.join(", ")}]; pad or resize first.`,
    );
  }
  const rows = height / patchSize;
  const columns = width / patchSize;
  const split = tf.reshape(x, [images * rows, patchSize, columns, patchSize * channels]);
  const grouped = tf.transpose(split, [0, 2, 1, 3]);
  return tf.reshape(grouped, [images, rows, columns, patchSize * patchSize * channels]);
}

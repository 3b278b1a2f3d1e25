import {checkShape} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/**
 * Transposed convolution with kernel 2 and stride 2: every pixel becomes a square of four.
 *
 * Shapes: x [N, H, W, in], filter [2, 2, out, in], bias [out]; returns [N, 2H, 2W, out].
 *
 * The squares never overlap, so that this is one matrix product and a rearrangement.
 *
 * @param x - Grids.
 * @param filter - Weights, output channels before input channels as in TensorFlow.
 * @param bias - Added per output channel; left out means none.
 * @returns The enlarged grids; the caller disposes them.
 * @throws ShapeError if the filter is not [2, 2, out, in].
 */
export function convTranspose2x2(x: tf.Tensor, filter: tf.Tensor, bias?: tf.Tensor): tf.Tensor4D {
  const [images, height, width, inputs] = x.shape as [number, number, number, number];
  checkShape(filter.shape, [2, 2, null, inputs], "filter of convTranspose2x2 [2, 2, out, in]");
  const outputs = filter.shape[2] as number;
  const matrix: tf.Tensor2D = tf.reshape(filter, [4 * outputs, inputs]);
  const rows: tf.Tensor2D = tf.reshape(x, [images * height * width, inputs]);
  const product = tf.matMul(rows, matrix, false, true);
  const biased =
    bias === undefined
      ? tf.reshape(product, [-1, outputs])
      : tf.add(tf.reshape(product, [-1, outputs]), bias);
  // [rows, columns, y in square, x in square * out]: the last two axes stay together.
  const squares = tf.reshape(biased, [images * height, width, 2, 2 * outputs]);
  const lines = tf.transpose(squares, [0, 2, 1, 3]);
  return tf.reshape(lines, [images, 2 * height, 2 * width, outputs]);
}

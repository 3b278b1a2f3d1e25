import * as tf from "@tensorflow/tfjs-core";
import {linear} from "./linear.js";
import {patchify} from "./patchify.js";

/** Options of {@link conv2d}. */
export interface Conv2dOptions {
  /** Added per output channel; left out means none. */
  bias?: tf.Tensor;
  /** Step in px, both directions; default 1. */
  stride?: number;
  /** Zeros added on every side, px; default 0. */
  padding?: number;
}

/**
 * Two-dimensional cross-correlation of channels-last grids.
 *
 * Shapes: x [N, H, W, in], filter [kh, kw, in, out], bias [out]; returns [N, H', W', out] with
 * H' = floor((H + 2 padding - kh) / stride) + 1.
 *
 * Kernels of 1 px and those as large as their stride become matrix products.
 *
 * @param x - Grids.
 * @param filter - Weights in this project's layout.
 * @param options - Bias, stride and padding.
 * @returns The filtered grids; the caller disposes them.
 */
export function conv2d(x: tf.Tensor, filter: tf.Tensor, options: Conv2dOptions = {}): tf.Tensor4D {
  const {bias, stride = 1, padding = 0} = options;
  const [height, width, inputs, outputs] = filter.shape as [number, number, number, number];
  if (padding === 0 && height === stride && width === stride) {
    const matrix = tf.reshape(filter, [height * width * inputs, outputs]);
    const patches = stride === 1 ? x : patchify(x, stride);
    return linear(patches, matrix, bias) as tf.Tensor4D;
  }
  const pad: [[number, number], [number, number], [number, number], [number, number]] = [
    [0, 0],
    [padding, padding],
    [padding, padding],
    [0, 0],
  ];
  const result = tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad);
  return bias === undefined ? result : tf.add(result, bias);
}

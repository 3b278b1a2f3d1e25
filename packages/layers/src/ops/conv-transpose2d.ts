import {checkRange, checkShape} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {bothSteps, checkGroups} from "./conv2d.js";
import type {Conv2dOptions, Steps} from "./conv2d.js";
import {convTranspose2x2} from "./conv-transpose2x2.js";
import {dilateFilter} from "./dilate-filter.js";

/** Options of {@link convTranspose2d}: those of a convolution, whose gradient this is. */
export interface ConvTranspose2dOptions extends Conv2dOptions {
  /** Rows and columns added at the lower and right end, px; default 0. */
  outputPadding?: Steps;
}

/**
 * Transposed convolution of channels-last grids: every pixel is spread over the kernel.
 *
 * Shapes: x [N, H, W, in], filter [kh, kw, out / groups, in], bias [out]; returns [N, H', W', out] with
 * H' = (H - 1) stride - 2 padding + dilation (kh - 1) + 1 + outputPadding.
 *
 * @param x - Grids.
 * @param filter - Weights, output channels before input channels as in TensorFlow.
 * @param options - Bias, stride, padding (what is cut off at both ends), dilation, groups, output padding.
 * @returns The enlarged grids; the caller disposes them.
 * @throws ConfigError if the groups do not divide the channels or nothing is left after padding; ShapeError if the
 * filter has other channels than x.
 * @example
 * ```ts
 * convTranspose2d(tf.ones([1, 2, 2, 3]), tf.ones([3, 3, 4, 3]), {stride: 2, padding: 1, outputPadding: 1}).shape;
 * // [1, 4, 4, 4]
 * ```
 *
 * Source: Dumoulin and Visin 2016, chapter 4; conventions of PyTorch's `conv_transpose2d`.
 */
export function convTranspose2d(
  x: tf.Tensor,
  filter: tf.Tensor,
  options: ConvTranspose2dOptions = {},
): tf.Tensor4D {
  const {bias, groups = 1} = options;
  checkShape(x.shape, [null, null, null, null], "convTranspose2d's input [N, H, W, in]");
  const [, height, width, inputs] = x.shape as [number, number, number, number];
  checkShape(filter.shape, [null, null, null, inputs], "convTranspose2d's filter [kh, kw, out / groups, in]");
  const outputs = (filter.shape[2] as number) * groups;
  checkGroups({inputs, outputs, groups}, "convTranspose2d");
  const stride = bothSteps(options.stride ?? 1);
  const padding = bothSteps(options.padding ?? 0);
  const added = bothSteps(options.outputPadding ?? 0);
  const dilated = dilateFilter(filter, bothSteps(options.dilation ?? 1)) as tf.Tensor4D;
  const [kernelHeight, kernelWidth] = dilated.shape;
  const steps = [stride.height, stride.width, kernelHeight, kernelWidth];
  const cuts = [padding.height, padding.width, added.height, added.width];
  if (groups === 1 && steps.every((step) => step === 2) && cuts.every((cut) => cut === 0)) {
    return convTranspose2x2(x, dilated, bias);
  }
  const full = {
    height: (height - 1) * stride.height + kernelHeight,
    width: (width - 1) * stride.width + kernelWidth,
  };
  const images = groups === 1 ? [x as tf.Tensor4D] : tf.split<tf.Tensor4D>(x, groups, 3);
  const filters = groups === 1 ? [dilated] : tf.split<tf.Tensor4D>(dilated, groups, 3);
  const parts = images.map((image, group): tf.Tensor4D => {
    const kernel = filters[group] as tf.Tensor4D;
    const shape: [number, number, number, number] = [
      image.shape[0],
      full.height,
      full.width,
      kernel.shape[2],
    ];
    return tf.conv2dTranspose(image, kernel, shape, [stride.height, stride.width], "valid");
  });
  const spread = parts.length === 1 ? (parts[0] as tf.Tensor4D) : tf.concat(parts, 3);
  const result = crop(spread, padding, added);
  return bias === undefined ? result : tf.add(result, bias);
}

/** Without `padding` rows and columns at all sides, then with `added` ones at the lower and right end. */
function crop(
  x: tf.Tensor4D,
  padding: {height: number; width: number},
  added: {height: number; width: number},
): tf.Tensor4D {
  const [images, height, width, channels] = x.shape;
  const size = {
    height: height - 2 * padding.height + added.height,
    width: width - 2 * padding.width + added.width,
  };
  checkRange(size.height, {min: 1}, "height of convTranspose2d's result");
  checkRange(size.width, {min: 1}, "width of convTranspose2d's result");
  const lower = Math.max(0, added.height - padding.height);
  const right = Math.max(0, added.width - padding.width);
  const extended =
    lower + right === 0
      ? x
      : tf.pad(x, [
          [0, 0],
          [0, lower],
          [0, right],
          [0, 0],
        ]);
  if (extended.shape[1] === size.height && extended.shape[2] === size.width) return extended;
  return tf.slice(
    extended,
    [0, padding.height, padding.width, 0],
    [images, size.height, size.width, channels],
  );
}

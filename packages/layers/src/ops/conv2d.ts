import {checkRange, checkShape, ConfigError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {dilateFilter} from "./dilate-filter.js";
import {linear} from "./linear.js";
import {patchify} from "./patchify.js";

/** A number of px for both directions, or one for each. */
export type Steps = number | {height: number; width: number};

/** Options of {@link conv2d}. */
export interface Conv2dOptions {
  /** Added per output channel; left out means none. */
  bias?: tf.Tensor;
  /** Step in px; default 1. */
  stride?: Steps;
  /** Zeros added on both sides, px; default 0. */
  padding?: Steps;
  /** Distance of the kernel's elements in px; default 1. */
  dilation?: Steps;
  /** Groups of channels that do not see each other; divides both channel counts. Default 1. */
  groups?: number;
}

/** Both directions of {@link Steps}. */
export function bothSteps(steps: Steps): {height: number; width: number} {
  return typeof steps === "number" ? {height: steps, width: steps} : steps;
}

/**
 * Two-dimensional cross-correlation of channels-last grids.
 *
 * Shapes: x [N, H, W, in], filter [kh, kw, in / groups, out], bias [out]; returns [N, H', W', out] with
 * H' = floor((H + 2 padding - dilation (kh - 1) - 1) / stride) + 1.
 *
 * Kernels of 1 px and those as large as their stride become matrix products. A dilated kernel is filled with zeros,
 * because TensorFlow.js has no gradient for dilation.
 *
 * @param x - Grids.
 * @param filter - Weights in this project's layout.
 * @param options - Bias, stride, padding, dilation, groups.
 * @returns The filtered grids; the caller disposes them.
 * @throws ConfigError if the groups do not divide the channels; ShapeError if the filter has other channels than x.
 */
export function conv2d(x: tf.Tensor, filter: tf.Tensor, options: Conv2dOptions = {}): tf.Tensor4D {
  const {bias, groups = 1} = options;
  checkShape(x.shape, [null, null, null, null], "conv2d's input [N, H, W, in]");
  const inputs = x.shape[3] as number;
  checkGroups({inputs, outputs: filter.shape[3] as number, groups}, "conv2d");
  checkShape(filter.shape, [null, null, inputs / groups, null], "conv2d's filter [kh, kw, in / groups, out]");
  const stride = bothSteps(options.stride ?? 1);
  const padding = bothSteps(options.padding ?? 0);
  const dilated = dilateFilter(filter, bothSteps(options.dilation ?? 1));
  const [height, width, , outputs] = dilated.shape as [number, number, number, number];
  const tiled = height === stride.height && width === stride.width && height === width;
  const fits = (x.shape[1] as number) % height === 0 && (x.shape[2] as number) % width === 0;
  if (groups === 1 && padding.height === 0 && padding.width === 0 && tiled && fits) {
    const matrix = tf.reshape(dilated, [height * width * inputs, outputs]);
    const patches = height === 1 ? x : patchify(x, height);
    return linear(patches, matrix, bias) as tf.Tensor4D;
  }
  const result = correlate(x as tf.Tensor4D, dilated as tf.Tensor4D, {stride, padding, groups});
  return bias === undefined ? result : tf.add(result, bias);
}

/** Throws unless the groups divide both channel counts. */
export function checkGroups(
  {inputs, outputs, groups}: {inputs: number; outputs: number; groups: number},
  what: string,
): void {
  checkRange(groups, {min: 1, integer: true}, `groups of ${what}`);
  if (inputs % groups !== 0 || outputs % groups !== 0) {
    throw new ConfigError(
      `${what}: expected groups that divide ${inputs} input and ${outputs} output channels, got ${groups}.`,
    );
  }
}

interface Correlation {
  readonly stride: {height: number; width: number};
  readonly padding: {height: number; width: number};
  readonly groups: number;
}

function correlate(x: tf.Tensor4D, filter: tf.Tensor4D, options: Correlation): tf.Tensor4D {
  const {stride, padding, groups} = options;
  const [height, width, perGroup, outputs] = filter.shape;
  const strides: [number, number] = [stride.height, stride.width];
  const margins: [[number, number], [number, number], [number, number], [number, number]] = [
    [0, 0],
    [padding.height, padding.height],
    [padding.width, padding.width],
    [0, 0],
  ];
  if (groups === 1) return tf.conv2d(x, filter, strides, margins);
  const padded = padding.height + padding.width === 0 ? x : tf.pad(x, margins);
  if (perGroup === 1) {
    const depthwise: tf.Tensor4D = tf.reshape(filter, [height, width, groups, outputs / groups]);
    return tf.depthwiseConv2d(padded, depthwise, strides, "valid");
  }
  const images = tf.split<tf.Tensor4D>(padded, groups, 3);
  const filters = tf.split<tf.Tensor4D>(filter, groups, 3);
  const parts = images.map((image, group) =>
    tf.conv2d(image, filters[group] as tf.Tensor4D, strides, "valid"),
  );
  return tf.concat(parts, 3);
}

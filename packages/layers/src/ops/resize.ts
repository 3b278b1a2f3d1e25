import {checkShape, ConfigError, unknownNameMessage} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {resamplingMatrix} from "./resampling-matrix.js";
import type {Resampling, ResizeMode} from "./resampling-matrix.js";

const MODES: readonly ResizeMode[] = ["bilinear", "bicubic", "nearest", "nearestExact", "area"];

/** Options of {@link resize} and {@link resizeLinear}. */
export interface ResizeOptions {
  /** How values between pixels are found; default `bilinear`. */
  mode?: ResizeMode;
  /** Whether the centres of the corner pixels map onto each other; default false: half-pixel centres. */
  alignCorners?: boolean;
  /** Whether shrinking widens the kernel (`bilinear` and `bicubic`); default false. */
  antialias?: boolean;
}

/** Options of {@link resize} for two axes. */
export interface Resize2dOptions extends ResizeOptions {
  /** Enlargement per axis, where it is not exactly the ratio of the sizes. */
  scale?: {height: number; width: number};
}

/** Options of {@link resizeLinear}. */
export interface ResizeLinearOptions extends ResizeOptions {
  /** Enlargement, where it is not exactly the ratio of the lengths. */
  scale?: number;
}

/**
 * Resampling of channels-last grids.
 *
 * Shapes: x [N, H, W, C]; returns [N, height, width, C].
 *
 * Two constant matrices do the work, one per axis, in the order that needs less arithmetic; the gradient is their
 * transposes, right on every engine. TensorFlow.js's own gradient is wrong for half-pixel centres.
 *
 * @param x - Grids.
 * @param size - Height and width to make.
 * @param options - Mode and conventions; the defaults equal PyTorch's with `mode="bilinear"`.
 * @returns The resampled grids; the caller disposes them.
 * @throws ShapeError if x has another rank than 4; ConfigError for an unknown mode.
 * @example
 * ```ts
 * resize(tf.tensor4d([1, 3], [1, 1, 2, 1]), {height: 1, width: 1}); // 2
 * ```
 */
export function resize(
  x: tf.Tensor,
  size: {height: number; width: number},
  options: Resize2dOptions = {},
): tf.Tensor4D {
  checkShape(x.shape, [null, null, null, null], "resize's input [N, H, W, C]");
  const [images, height, width, channels] = x.shape as [number, number, number, number];
  const {scale, ...rest} = options;
  const down = axisOf({from: height, to: size.height, scale: scale?.height}, rest);
  const across = axisOf({from: width, to: size.width, scale: scale?.width}, rest);
  const rowsFirst = () =>
    size.height * width * (height + size.width) <= size.width * height * (width + size.height);
  const rows: Pass = {axis: down, shape: ([n, h, w]) => [n, h, w * channels], to: 1};
  const columns: Pass = {axis: across, shape: ([n, h, w]) => [n * h, w, channels], to: 2};
  const passes = (rowsFirst() ? [rows, columns] : [columns, rows]).filter(({axis}) => axis !== undefined);
  if (passes.length === 0) return tf.clone(x) as tf.Tensor4D;
  const operation = tf.customGrad((...args) => {
    const value = passes.reduce((grid, pass) => along(grid, pass, false), args[0] as tf.Tensor);
    const gradFunc = (dy: tf.Tensor): tf.Tensor =>
      passes.reduceRight((grid, pass) => along(grid, pass, true), tf.reshape(dy, value.shape));
    return {value: tf.reshape(value, [images, size.height, size.width, channels]), gradFunc};
  });
  return operation(x) as tf.Tensor4D;
}

/**
 * Resampling of sequences: {@link resize} for one axis.
 *
 * Shapes: x [N, T, C]; returns [N, length, C].
 *
 * @param x - Sequences, channels last.
 * @param length - Length to make.
 * @param options - Mode and conventions; `bilinear` means linear here.
 * @returns The resampled sequences; the caller disposes them.
 * @throws ShapeError if x has another rank than 3; ConfigError for an unknown mode.
 * @example
 * ```ts
 * resizeLinear(tf.tensor3d([0, 4], [1, 2, 1]), 4); // 0, 1, 3, 4
 * ```
 */
export function resizeLinear(x: tf.Tensor, length: number, options: ResizeLinearOptions = {}): tf.Tensor3D {
  checkShape(x.shape, [null, null, null], "resizeLinear's input [N, T, C]");
  const [sequences, from, channels] = x.shape as [number, number, number];
  const {scale, ...rest} = options;
  const grid = resize(
    tf.reshape(x, [sequences, from, 1, channels]),
    {height: length, width: 1},
    scale === undefined ? rest : {...rest, scale: {height: scale, width: 1}},
  );
  return tf.reshape(grid, [sequences, length, channels]);
}

/** One axis of a grid [N, H, W, C] multiplied by a matrix. */
interface Pass {
  /** Left out where the axis stays as it is. */
  readonly axis: {from: number; to: number; matrix: Float32Array} | undefined;
  /** The grid with that axis in the middle. */
  readonly shape: (sizes: [number, number, number]) => [number, number, number];
  /** Index of the axis in the grid. */
  readonly to: 1 | 2;
}

function axisOf(
  lengths: {from: number; to: number; scale: number | undefined},
  options: ResizeOptions,
): Pass["axis"] {
  const {mode = "bilinear", ...rest} = options;
  if (!MODES.includes(mode)) throw new ConfigError(unknownNameMessage("mode of resize", mode, MODES));
  const {from, to, scale} = lengths;
  if (from === to && (scale === undefined || scale === 1)) return undefined;
  const resampling: Resampling = {from, to, mode, ...rest};
  return {from, to, matrix: resamplingMatrix(scale === undefined ? resampling : {...resampling, scale})};
}

function along(grid: tf.Tensor, {axis, shape, to: place}: Pass, back: boolean): tf.Tensor {
  if (axis === undefined) return grid;
  const {from, to, matrix} = axis;
  const [images, height, width, channels] = grid.shape as [number, number, number, number];
  const lines = tf.reshape(grid, shape([images, height, width]));
  const [count, , inner] = lines.shape as [number, number, number];
  const result = back ? from : to;
  // With one number per place it is one product of two matrices instead of one per line.
  const product =
    inner === 1
      ? tf.matMul(tf.reshape(lines, [count, back ? to : from]), tf.tensor2d(matrix, [to, from]), false, !back)
      : tf.matMul(tf.tensor3d(matrix, [1, to, from]), lines, back, false);
  return tf.reshape(product, [images, place === 1 ? result : height, place === 2 ? result : width, channels]);
}

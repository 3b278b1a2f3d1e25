import type * as tf from "@tensorflow/tfjs-core";
import {resamplingMatrix} from "./resampling-matrix.js";
import {resize} from "./resize.js";

/** Options of {@link resizeBilinear}. */
export interface ResizeBilinearOptions {
  /** Whether the centres of the corner pixels map onto each other; default false: half-pixel centres. */
  alignCorners?: boolean;
}

/**
 * The matrix that resamples one axis linearly.
 *
 * Shapes: returns [to * from] numbers, row-major: one row of weights per output position.
 *
 * @param from - Length of the axis before.
 * @param to - Length after.
 * @param alignCorners - As for {@link resizeBilinear}.
 * @returns Weights; each row sums to 1.
 */
export function interpolationMatrix(from: number, to: number, alignCorners: boolean): Float32Array {
  return resamplingMatrix({from, to, mode: "bilinear", alignCorners});
}

/**
 * Bilinear resampling of channels-last grids, without antialiasing: {@link resize} with its defaults.
 *
 * Shapes: x [N, H, W, C]; returns [N, height, width, C].
 *
 * @param x - Grids.
 * @param size - Height and width to make.
 * @param options - Corner convention; the default equals PyTorch's `align_corners=False`.
 * @returns The resampled grids; the caller disposes them.
 * @throws ShapeError if x has another rank than 4.
 */
export function resizeBilinear(
  x: tf.Tensor,
  size: {height: number; width: number},
  options: ResizeBilinearOptions = {},
): tf.Tensor4D {
  return resize(x, size, {mode: "bilinear", ...options});
}

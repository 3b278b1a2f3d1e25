import {checkShape} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

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
  const matrix = new Float32Array(to * from);
  for (let row = 0; row < to; row++) {
    const aligned = to === 1 ? 0 : (row * (from - 1)) / (to - 1);
    const centred = Math.max(((row + 0.5) * from) / to - 0.5, 0);
    const position = alignCorners ? aligned : centred;
    const low = Math.min(Math.floor(position), from - 1);
    const high = Math.min(low + 1, from - 1);
    const share = position - low;
    matrix[row * from + low] = (matrix[row * from + low] as number) + 1 - share;
    matrix[row * from + high] = (matrix[row * from + high] as number) + share;
  }
  return matrix;
}

/**
 * Bilinear resampling of channels-last grids, without antialiasing.
 *
 * Shapes: x [N, H, W, C]; returns [N, height, width, C].
 *
 * Two constant matrices do the work, so that value and gradient are right on every engine; the gradient of
 * TensorFlow.js's own operation is wrong for half-pixel centres.
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
  checkShape(x.shape, [null, null, null, null], "resizeBilinear's input [N, H, W, C]");
  const [images, height, width, channels] = x.shape as [number, number, number, number];
  const alignCorners = options.alignCorners ?? false;
  if (height === size.height && width === size.width) {
    return tf.clone(x) as tf.Tensor4D;
  }
  const rows = interpolationMatrix(height, size.height, alignCorners);
  const columns = interpolationMatrix(width, size.width, alignCorners);
  const alongRows = (grid: tf.Tensor, shape: [number, number, number], back: boolean): tf.Tensor => {
    const lines = tf.reshape(grid, shape);
    // With one channel it is one product of two matrices instead of one per line.
    return channels === 1
      ? tf.matMul(
          tf.reshape(lines, [shape[0], shape[1]]),
          tf.tensor2d(columns, [size.width, width]),
          false,
          !back,
        )
      : tf.matMul(tf.tensor3d(columns, [1, size.width, width]), lines, back, false);
  };

  const operation = tf.customGrad((...args) => {
    const input = tf.reshape(args[0] as tf.Tensor, [images, height, width * channels]);
    const tall = tf.matMul(tf.tensor3d(rows, [1, size.height, height]), input);
    const value = alongRows(tall, [images * size.height, width, channels], false);
    const gradFunc = (dy: tf.Tensor): tf.Tensor => {
      const narrow = alongRows(dy, [images * size.height, size.width, channels], true);
      const slabs = tf.reshape(narrow, [images, size.height, width * channels]);
      const short = tf.matMul(tf.tensor3d(rows, [1, size.height, height]), slabs, true, false);
      return tf.reshape(short, [images, height, width, channels]);
    };
    return {value: tf.reshape(value, [images, size.height, size.width, channels]), gradFunc};
  });
  return operation(x) as tf.Tensor4D;
}

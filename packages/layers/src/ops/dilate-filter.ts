import * as tf from "@tensorflow/tfjs-core";

/**
 * A kernel with zeros between its elements, so that it covers more px.
 *
 * Shapes: filter [kh, kw, a, b]; returns [(kh - 1) d + 1, (kw - 1) d + 1, a, b].
 *
 * @param filter - Weights.
 * @param dilation - Distance of neighbouring elements, px; 1 gives the filter itself.
 */
export function dilateFilter(filter: tf.Tensor, dilation: {height: number; width: number}): tf.Tensor {
  const {height: down, width: across} = dilation;
  if (down === 1 && across === 1) return filter;
  const [height, width, first, second] = filter.shape as [number, number, number, number];
  const inner = first * second;
  const split: [number, number, number, number] = [height, 1, width, inner];
  const tall: [[number, number], [number, number], [number, number], [number, number]] = [
    [0, 0],
    [0, down - 1],
    [0, 0],
    [0, 0],
  ];
  const rows = tf.reshape(tf.pad(tf.reshape(filter, split), tall), [height * down, width, 1, inner]);
  const wide: typeof tall = [
    [0, 0],
    [0, 0],
    [0, across - 1],
    [0, 0],
  ];
  const whole = tf.reshape(tf.pad(rows, wide), [height * down, width * across, first, second]);
  return tf.slice(whole, [0, 0, 0, 0], [(height - 1) * down + 1, (width - 1) * across + 1, first, second]);
}

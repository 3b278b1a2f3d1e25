import * as tf from "@tensorflow/tfjs-core";

/** What lies outside of a grid: zeros, the nearest cell of the border, or the grid mirrored. */
export type SamplingPadding = "zeros" | "border" | "reflection";

/** How coordinates in -1 .. 1 become cells of an axis. */
export interface SamplingAxis {
  /** Number of cells. */
  readonly size: number;
  readonly padding: SamplingPadding;
  /** Whether -1 and 1 are the centres of the outer cells instead of their outer edges. */
  readonly alignCorners: boolean;
}

/**
 * Coordinates in -1 .. 1 as positions in cells, the centre of the first at 0, after padding by border or reflection.
 *
 * The order of operations is PyTorch's, because rounding to the nearest cell depends on the last digit.
 */
export function samplingPosition(coordinate: tf.Tensor, axis: SamplingAxis): tf.Tensor {
  const {size, padding} = axis;
  const raw = unpadded(coordinate, axis);
  if (padding === "zeros") return raw;
  const moved = padding === "border" ? raw : reflect(raw, axis).position;
  return tf.clipByValue(moved, 0, size - 1);
}

/** Derivative of {@link samplingPosition}: cells per unit, 0 where the border holds the position. */
export function samplingSlope(coordinate: tf.Tensor, axis: SamplingAxis): tf.Tensor {
  const {size, padding, alignCorners} = axis;
  const perUnit = (alignCorners ? size - 1 : size) / 2;
  if (padding === "zeros") return tf.fill(coordinate.shape, perUnit);
  const raw = unpadded(coordinate, axis);
  const {position, direction} =
    padding === "border" ? {position: raw, direction: tf.scalar(1)} : reflect(raw, axis);
  // The border itself counts as held, as in PyTorch.
  const free = tf.logicalAnd(tf.greater(position, 0), tf.less(position, size - 1));
  return tf.mul(tf.mul(tf.cast(free, "float32"), direction), perUnit);
}

function unpadded(coordinate: tf.Tensor, {size, alignCorners}: SamplingAxis): tf.Tensor {
  const shifted = tf.add(coordinate, 1);
  return alignCorners ? tf.mul(tf.div(shifted, 2), size - 1) : tf.div(tf.sub(tf.mul(shifted, size), 1), 2);
}

/** Positions mirrored into the grid as often as needed, and whether they then run forwards (1) or back (-1). */
function reflect(
  position: tf.Tensor,
  {size, alignCorners}: SamplingAxis,
): {position: tf.Tensor; direction: tf.Tensor} {
  const start = alignCorners ? 0 : -0.5;
  const span = alignCorners ? size - 1 : size;
  if (span === 0) return {position: tf.zerosLike(position), direction: tf.zerosLike(position)};
  const distance = tf.sub(position, start);
  const length = tf.abs(distance);
  const turns = tf.floor(tf.div(length, span));
  const rest = tf.sub(length, tf.mul(turns, span));
  const isOdd = tf.greater(tf.sub(turns, tf.mul(tf.floor(tf.div(turns, 2)), 2)), 0.5);
  const sign = tf.where(tf.less(distance, 0), tf.onesLike(length), tf.neg(tf.onesLike(length)));
  return {
    position: tf.add(tf.where(isOdd, tf.sub(span, rest), rest), start),
    direction: tf.where(isOdd, sign, tf.neg(sign)),
  };
}

import * as tf from "@tensorflow/tfjs-core";

/** Size of an axis in cells: one number, or a row of numbers that broadcasts against the positions. */
export type AxisSize = number | tf.Tensor;

/** Where positions lie between two neighbouring cells of an axis with one empty cell at each end. */
export interface BetweenCells {
  /** Index of the lower of the two cells, counted with the empty cell in front: 0 .. size. */
  readonly low: tf.Tensor;
  /** Part of the upper cell, 0 .. 1. */
  readonly share: tf.Tensor;
}

/**
 * The two cells that a position lies between.
 *
 * Positions beyond the empty cells are moved onto them, so that they see nothing but zeros and every index stays
 * inside; a NaN keeps a valid index too and shows in the share.
 *
 * @param position - In cells, the centre of the first at 0.
 * @param size - Number of cells without the empty ones.
 */
export function betweenCells(position: tf.Tensor, size: AxisSize): BetweenCells {
  const last = typeof size === "number" ? size - 1 : tf.sub(size, 1);
  const inside = tf.minimum(tf.maximum(position, -1), size);
  const floor = tf.minimum(tf.floor(inside), last);
  const index = tf.add(tf.cast(floor, "int32"), tf.scalar(1, "int32"));
  const highest = typeof size === "number" ? tf.scalar(size, "int32") : tf.cast(size, "int32");
  const low = tf.minimum(tf.maximum(index, tf.scalar(0, "int32")), highest);
  return {low, share: tf.sub(inside, floor)};
}

/** Index of the cell nearest to a position, counted with the empty cell in front: 0 .. size + 1. */
export function nearestCell(position: tf.Tensor, size: number): tf.Tensor {
  const index = tf.cast(tf.clipByValue(tf.round(position), -1, size), "int32");
  const counted = tf.add(index, tf.scalar(1, "int32"));
  return tf.minimum(tf.maximum(counted, tf.scalar(0, "int32")), tf.scalar(size + 1, "int32"));
}

/** 1 where a position sees at least one cell, else 0: there the value does not depend on the position. */
export function seesCells(position: tf.Tensor, size: AxisSize): tf.Tensor {
  return tf.cast(tf.logicalAnd(tf.greaterEqual(position, -1), tf.less(position, size)), "float32");
}

/** Something for each of the four cells around a position: top left, top right, bottom left, bottom right. */
export type Corners = readonly [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];

/** Weights of the four cells around each position, each in the shape of the shares. */
export function cornerWeights(shareX: tf.Tensor, shareY: tf.Tensor): Corners {
  const right = shareX;
  const left = tf.sub(1, shareX);
  const lower = shareY;
  const upper = tf.sub(1, shareY);
  return [tf.mul(upper, left), tf.mul(upper, right), tf.mul(lower, left), tf.mul(lower, right)];
}

/**
 * How the sum of corners times weights changes as the position moves by one cell.
 *
 * @param corners - Value of each corner.
 * @param shareX - Part of the right cells.
 * @param shareY - Part of the lower cells.
 */
export function cornerSlopes(
  [topLeft, topRight, bottomLeft, bottomRight]: Corners,
  shareX: tf.Tensor,
  shareY: tf.Tensor,
): {x: tf.Tensor; y: tf.Tensor} {
  const mix = (from: tf.Tensor, to: tf.Tensor, share: tf.Tensor): tf.Tensor =>
    tf.add(from, tf.mul(tf.sub(to, from), share));
  return {
    x: mix(tf.sub(topRight, topLeft), tf.sub(bottomRight, bottomLeft), shareY),
    y: mix(tf.sub(bottomLeft, topLeft), tf.sub(bottomRight, topRight), shareX),
  };
}

/**
 * A rectangle in px of a stated frame; edges lie between pixels.
 *
 * `x0, y0` is the upper left edge and `x1, y1` the lower right one, so a single pixel in the corner of a
 * picture is `[0, 0, 1, 1]` and the width of a box is `x1 - x0`.
 */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** A position in px of a stated frame; the centre of the first pixel is at 0.5. */
export interface Point {
  /** Columns from the left edge. */
  x: number;
  /** Rows from the upper edge. */
  y: number;
}

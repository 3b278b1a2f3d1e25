import {cutPlane, pickPixels, resampleHeight, resampleWidth} from "./resample.js";
import type {Plane} from "./resample.js";
import type {Axis, AxisWeights} from "./resample-weights.js";
import type {Samples} from "./image.js";

/** How both axes of a plane are resampled. */
export interface PlaneAxes {
  rows: Axis;
  columns: Axis;
  /** Whether columns always come first; default false: Pillow's order. */
  columnsFirst?: boolean;
}

/** Which source samples the wanted part of an axis needs, and how; no weights where the axis stays as it is. */
interface Pass {
  first: number;
  end: number;
  weights?: AxisWeights;
}

function passOf(axis: Axis, weightsOf: (axis: Axis) => AxisWeights): Pass {
  const {from, to, start, length} = axis;
  if (from === to && start === 0 && length === from) return {first: axis.first, end: axis.end};
  const weights = weightsOf(axis);
  const {starts, counts} = weights;
  // Positions only grow, so the first and the last output sample bound what is needed.
  const first = starts[0] as number;
  const end = (starts.at(-1) as number) + (counts.at(-1) as number);
  return {first, end, weights: {...weights, starts: starts.map((at) => at - first)}};
}

/**
 * The wanted part of a plane at another size, in one pass per axis that changes.
 *
 * The order of the passes is Pillow's and depends on the whole sizes alone; it shows in 8-bit pictures, since the
 * first pass rounds.
 */
export function resamplePlane<T extends Uint8Array | Float32Array>(
  plane: Plane<T>,
  {rows, columns, columnsFirst = false}: PlaneAxes,
  weightsOf: (axis: Axis) => AxisWeights,
): Plane<T> {
  const down = passOf(rows, weightsOf);
  const across = passOf(columns, weightsOf);
  const needed = cutPlane(plane, [across.first, down.first, across.end, down.end]);
  const inRows = (input: Plane<T>): Plane<T> =>
    down.weights === undefined ? input : resampleHeight(input, down.weights);
  const inColumns = (input: Plane<T>): Plane<T> =>
    across.weights === undefined ? input : resampleWidth(input, across.weights);
  const rowsFirst =
    !columnsFirst && rows.to < rows.from && rows.from - rows.to > 2 * (columns.from - columns.to);
  return rowsFirst ? inColumns(inRows(needed)) : inRows(inColumns(needed));
}

/** The wanted part of a plane at another size by nearest neighbour. */
export function pickPlane<T extends Samples>(
  plane: Plane<T>,
  {rows, columns}: PlaneAxes,
  sourcesOf: (axis: Axis) => Int32Array,
): Plane<T> {
  return pickPixels(plane, sourcesOf(rows), sourcesOf(columns));
}

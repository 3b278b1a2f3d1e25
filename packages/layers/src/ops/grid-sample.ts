import {checkShape, ConfigError, unknownNameMessage} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {betweenCells, cornerSlopes, cornerWeights, nearestCell, seesCells} from "./bilinear-corners.js";
import type {Corners} from "./bilinear-corners.js";
import {samplingPosition, samplingSlope} from "./sampling-position.js";
import type {SamplingAxis, SamplingPadding} from "./sampling-position.js";

const MODES = ["bilinear", "nearest"] as const;
const PADDINGS: readonly SamplingPadding[] = ["zeros", "border", "reflection"];

/** Options of {@link gridSample}. */
export interface GridSampleOptions {
  /** Whether four cells are mixed or the nearest one is taken; default `bilinear`. */
  mode?: (typeof MODES)[number];
  /** What lies outside of the grid; default `zeros`. */
  padding?: SamplingPadding;
  /** Whether -1 and 1 are the centres of the corner cells instead of their outer edges; default false. */
  alignCorners?: boolean;
}

/** What both passes are told: the sizes, and how coordinates become cells. */
interface Sampling {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Points per image. */
  readonly points: number;
  readonly mode: (typeof MODES)[number];
  readonly across: SamplingAxis;
  readonly down: SamplingAxis;
}

/** One of the cells that points read, in a table of cells with an empty margin of one. */
interface Cell {
  /** Row of the table for every point of all images [points]. */
  readonly ids: tf.Tensor1D;
  /** How much the cell counts for every point [points, 1]; left out where it is always 1. */
  readonly weight?: tf.Tensor;
}

/** The cells of all points, and where the points lie between them unless the nearest cell is taken. */
interface Cells {
  readonly list: readonly Cell[];
  readonly shares?: {readonly x: tf.Tensor; readonly y: tf.Tensor};
}

/**
 * Values of grids at given points.
 *
 * Shapes: x [N, H, W, C]; grid [N, h, w, 2]; returns [N, h, w, C].
 * Units: points are (x, y), both -1 .. 1 across the grid; what lies outside is set by `padding`.
 *
 * Every point gathers its cells from a table with an empty margin, and the gradient adds them up again by a segment
 * sum, which counts cells that many points share exactly. Gradients flow to the grids and, unless the nearest cell is
 * taken, to the points.
 *
 * @param x - Grids, channels last.
 * @param grid - Points.
 * @param options - Mode, padding, corner convention.
 * @returns The values; the caller disposes them.
 * @throws ShapeError if the shapes do not belong together; ConfigError for an unknown mode or padding.
 * @example
 * ```ts
 * const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
 * gridSample(x, tf.zeros([1, 1, 1, 2])); // 2.5, the mean of all four
 * ```
 *
 * Source: Jaderberg et al. 2015, section 3.3; conventions of PyTorch's `grid_sample`.
 */
export function gridSample(x: tf.Tensor, grid: tf.Tensor, options: GridSampleOptions = {}): tf.Tensor4D {
  const sampling = readSampling(x, grid, options);
  const {images, channels} = sampling;
  const outShape = [images, grid.shape[1] as number, grid.shape[2] as number, channels];
  const operation = tf.customGrad((...args) => {
    const [input, points, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([input, points]);
    const table = tableOf(input, sampling);
    const value = mixed(table, cellsOf(points, sampling));
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => gradients(dy, saved, sampling);
    return {value: tf.reshape(value, outShape), gradFunc};
  });
  return operation(x, grid) as tf.Tensor4D;
}

function readSampling(x: tf.Tensor, grid: tf.Tensor, options: GridSampleOptions): Sampling {
  const {mode = "bilinear", padding = "zeros", alignCorners = false} = options;
  if (!MODES.includes(mode)) throw new ConfigError(unknownNameMessage("mode of gridSample", mode, MODES));
  if (!PADDINGS.includes(padding)) {
    throw new ConfigError(unknownNameMessage("padding of gridSample", padding, PADDINGS));
  }
  checkShape(x.shape, [null, null, null, null], "gridSample's input [N, H, W, C]");
  const [images, height, width, channels] = x.shape as [number, number, number, number];
  checkShape(grid.shape, [images, null, null, 2], "gridSample's points [N, h, w, 2]");
  return {
    images,
    height,
    width,
    channels,
    points: grid.size / (2 * images),
    mode,
    across: {size: width, padding, alignCorners},
    down: {size: height, padding, alignCorners},
  };
}

/** The two coordinates of all points, [N, points] each. */
function coordinates(grid: tf.Tensor, {images, points}: Sampling): [tf.Tensor2D, tf.Tensor2D] {
  return tf.unstack(tf.reshape(grid, [images, points, 2]), -1) as [tf.Tensor2D, tf.Tensor2D];
}

function cellsOf(grid: tf.Tensor, sampling: Sampling): Cells {
  const {images, height, width, points, mode, across, down} = sampling;
  const [coordinateX, coordinateY] = coordinates(grid, sampling);
  const positionX = samplingPosition(coordinateX, across);
  const positionY = samplingPosition(coordinateY, down);
  const rows = images * points;
  const wide = width + 2;
  const starts = Int32Array.from({length: images}, (_, image) => image * (height + 2) * wide);
  const idsOf = (column: tf.Tensor, row: tf.Tensor): tf.Tensor1D => {
    const inImage = tf.add(tf.mul(row, tf.scalar(wide, "int32")), column);
    return tf.reshape(tf.add(inImage, tf.tensor2d(starts, [images, 1], "int32")), [rows]);
  };
  if (mode === "nearest") {
    return {list: [{ids: idsOf(nearestCell(positionX, width), nearestCell(positionY, height))}]};
  }
  const column = betweenCells(positionX, width);
  const row = betweenCells(positionY, height);
  const first = idsOf(column.low, row.low);
  const weights = cornerWeights(column.share, row.share);
  const list = [0, 1, wide, wide + 1].map((offset, corner) => ({
    ids: offset === 0 ? first : tf.add<tf.Tensor1D>(first, tf.scalar(offset, "int32")),
    weight: tf.reshape(weights[corner] as tf.Tensor, [rows, 1]),
  }));
  return {list, shares: {x: column.share, y: row.share}};
}

/** All cells with an empty margin of one, [N * (H + 2) * (W + 2), C]. */
function tableOf(x: tf.Tensor, {images, height, width, channels}: Sampling): tf.Tensor2D {
  const padded = tf.pad(x as tf.Tensor4D, [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ]);
  return tf.reshape(padded, [images * (height + 2) * (width + 2), channels]);
}

/** Inverse of {@link tableOf}; what fell onto the margin is left out. */
function fromTable(table: tf.Tensor, {images, height, width, channels}: Sampling): tf.Tensor {
  const padded = tf.reshape(table, [images, height + 2, width + 2, channels]);
  return tf.slice(padded, [0, 1, 1, 0], [images, height, width, channels]);
}

function sum(parts: readonly tf.Tensor[]): tf.Tensor {
  return parts.reduce((total, part) => tf.add(total, part));
}

function mixed(table: tf.Tensor2D, {list}: Cells): tf.Tensor {
  return sum(
    list.map(({ids, weight}) => {
      const values = tf.gather(table, ids);
      return weight === undefined ? values : tf.mul(values, weight);
    }),
  );
}

function gradients(dy: tf.Tensor, saved: tf.Tensor[], sampling: Sampling): tf.Tensor[] {
  const [x, grid] = saved as [tf.Tensor, tf.Tensor];
  const {images, points, channels} = sampling;
  const cells = cellsOf(grid, sampling);
  const perPoint: tf.Tensor2D = tf.reshape(dy, [images * points, channels]);
  const table = tableOf(x, sampling);
  const ofTable = sum(
    cells.list.map(({ids, weight}) => {
      const updates = weight === undefined ? perPoint : tf.mul<tf.Tensor2D>(perPoint, weight);
      return tf.unsortedSegmentSum(updates, ids, table.shape[0]);
    }),
  );
  return [fromTable(ofTable, sampling), ofPoints(perPoint, {cells, table, grid, sampling})];
}

function ofPoints(
  dy: tf.Tensor2D,
  parts: {cells: Cells; table: tf.Tensor2D; grid: tf.Tensor; sampling: Sampling},
): tf.Tensor {
  const {cells, table, grid, sampling} = parts;
  const {images, points, width, height, across, down} = sampling;
  if (cells.shares === undefined) return tf.zerosLike(grid);
  const products = cells.list.map(({ids}) =>
    tf.reshape(tf.sum(tf.mul(tf.gather(table, ids), dy), 1), [images, points]),
  ) as unknown as Corners;
  const slopes = cornerSlopes(products, cells.shares.x, cells.shares.y);
  const [coordinateX, coordinateY] = coordinates(grid, sampling);
  const along = (slope: tf.Tensor, coordinate: tf.Tensor, axis: SamplingAxis, size: number): tf.Tensor => {
    const moved = tf.mul(slope, samplingSlope(coordinate, axis));
    if (axis.padding !== "zeros") return moved;
    return tf.mul(moved, seesCells(samplingPosition(coordinate, axis), size));
  };
  const both = [along(slopes.x, coordinateX, across, width), along(slopes.y, coordinateY, down, height)];
  return tf.reshape(tf.stack(both, -1), grid.shape);
}

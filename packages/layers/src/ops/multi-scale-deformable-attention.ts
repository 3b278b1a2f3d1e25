import {checkShape, ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {betweenCells, cornerSlopes, cornerWeights, seesCells} from "./bilinear-corners.js";
import type {Corners} from "./bilinear-corners.js";

/** Options of {@link multiScaleDeformableAttention}. */
export interface MultiScaleDeformableAttentionOptions {
  /** Most numbers to gather at once; above it the queries go in chunks. Default 2^24 (64 MB). */
  maxNumbers?: number;
}

/** Sizes of one call. */
interface Sizes {
  readonly images: number;
  readonly queries: number;
  readonly heads: number;
  readonly channels: number;
  /** Samples of a query and head: levels times points. */
  readonly samples: number;
  readonly levels: readonly {readonly height: number; readonly width: number}[];
  /** Cells of all levels of an image, empty margins included. */
  readonly cells: number;
}

/** Samples of some queries: where they lie and how much each counts, [N, Q, heads, samples]. */
interface Samples {
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
  readonly attention: tf.Tensor;
}

/** The four cells of every sample; the samples stay side by side, which is kinder to memory than the corners. */
interface Cells {
  /** Rows of the table of cells, [N, Q, heads, 4, samples]. */
  readonly ids: tf.Tensor;
  /** Weights of the four cells, same shape, without the attention. */
  readonly weights: tf.Tensor;
  readonly shareX: tf.Tensor;
  readonly shareY: tf.Tensor;
}

/**
 * Attention of queries to a few points on feature maps of several sizes.
 *
 * Shapes: value [N, S, heads, D] with the cells of all levels one after the other, row by row, S = sum of h * w;
 * locations [N, Q, heads, levels, points, 2]; weights [N, Q, heads, levels, points]; returns [N, Q, heads * D].
 * Units: locations are (x, y), 0 .. 1 from edge to edge of a level; outside there are zeros.
 *
 * The cells of all levels form one table. A query gathers its cells from it and mixes them by one product of weights
 * and values; the gradient adds them up again by a segment sum, which counts shared cells exactly.
 *
 * @param value - Projected features.
 * @param levels - Height and width of each level, in cells.
 * @param locations - Where each query looks.
 * @param weights - How much each point counts; usually a softmax over levels and points.
 * @param options - The limit above which queries go in chunks.
 * @returns One mixture per query, heads side by side; the caller disposes it.
 * @throws ShapeError if the shapes do not belong together.
 * @example
 * ```ts
 * const value = tf.tensor4d([1, 2, 3, 4], [1, 4, 1, 1]);
 * const middle = tf.fill([1, 1, 1, 1, 1, 2], 0.5);
 * multiScaleDeformableAttention(value, [{height: 2, width: 2}], middle, tf.ones([1, 1, 1, 1, 1])); // 2.5
 * ```
 *
 * Source: Zhu et al. 2021 (Deformable DETR), equation 3; bilinear, zeros outside, corners not aligned.
 */
export function multiScaleDeformableAttention(
  value: tf.Tensor,
  levels: readonly {readonly height: number; readonly width: number}[],
  locations: tf.Tensor,
  weights: tf.Tensor,
  options: MultiScaleDeformableAttentionOptions = {},
): tf.Tensor3D {
  const sizes = readSizes(value, {levels, locations, weights});
  const {images, queries, heads, channels, samples} = sizes;
  const limit = options.maxNumbers ?? 2 ** 24;
  const chunk = Math.max(1, Math.floor(limit / (images * heads * samples * 4 * channels)));
  const operation = tf.customGrad((...args) => {
    const [features, points, attention, save] = args as unknown as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.GradSaveFunc,
    ];
    save([features, points, attention]);
    const table = tableOf(features, sizes);
    const parts = chunks(queries, chunk).map((range) =>
      tf.tidy(() => mixture(table, samplesOf(points, attention, {sizes, ...range}), sizes)),
    );
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => gradients(dy, saved, {sizes, chunk});
    return {value: joined(parts), gradFunc};
  });
  return tf.reshape(operation(value, locations, weights), [images, queries, heads * channels]);
}

function readSizes(
  value: tf.Tensor,
  given: {levels: Sizes["levels"]; locations: tf.Tensor; weights: tf.Tensor},
): Sizes {
  const {levels, locations, weights} = given;
  checkShape(value.shape, [null, null, null, null], "value of deformable attention [N, S, heads, D]");
  const [images, places, heads, channels] = value.shape as [number, number, number, number];
  const expected = [images, null, heads, levels.length, null];
  checkShape(weights.shape, expected, "weights of deformable attention [N, Q, heads, levels, points]");
  const [, queries, , , points] = weights.shape as [number, number, number, number, number];
  checkShape(
    locations.shape,
    [...weights.shape, 2],
    "locations of deformable attention [N, Q, heads, levels, points, 2]",
  );
  const cellsOfLevels = levels.reduce((sum, {height, width}) => sum + height * width, 0);
  if (cellsOfLevels !== places) {
    throw new ShapeError(
      `value of deformable attention: expected ${cellsOfLevels} places, the cells of its ${levels.length} levels, got ${places}.`,
    );
  }
  return {
    images,
    queries,
    heads,
    channels,
    samples: levels.length * points,
    levels,
    cells: levels.reduce((sum, {height, width}) => sum + (height + 2) * (width + 2), 0),
  };
}

function chunks(queries: number, chunk: number): {begin: number; count: number}[] {
  const ranges: {begin: number; count: number}[] = [];
  for (let begin = 0; begin < queries; begin += chunk) {
    ranges.push({begin, count: Math.min(chunk, queries - begin)});
  }
  return ranges;
}

function joined(parts: readonly tf.Tensor[]): tf.Tensor {
  return parts.length === 1 ? (parts[0] as tf.Tensor) : tf.concat([...parts], 1);
}

function rowsOf(x: tf.Tensor, {begin, count}: {begin: number; count: number}): tf.Tensor {
  if (begin === 0 && count === x.shape[1]) return x;
  const start = x.shape.map((_, axis) => (axis === 1 ? begin : 0));
  return tf.slice(
    x,
    start,
    x.shape.map((size, axis) => (axis === 1 ? count : size)),
  );
}

/** Locations of some queries in cells, and their attention. */
function samplesOf(
  locations: tf.Tensor,
  weights: tf.Tensor,
  {sizes, begin, count}: {sizes: Sizes; begin: number; count: number},
): Samples {
  const {images, heads, samples} = sizes;
  const shape = [images, count, heads, samples];
  const [x, y] = tf.unstack(tf.reshape(rowsOf(locations, {begin, count}), [...shape, 2]), -1) as [
    tf.Tensor,
    tf.Tensor,
  ];
  const inCells = (coordinate: tf.Tensor, size: tf.Tensor): tf.Tensor =>
    tf.sub(tf.mul(coordinate, size), 0.5);
  return {
    x: inCells(
      x,
      perSample(sizes, ({width}) => width),
    ),
    y: inCells(
      y,
      perSample(sizes, ({height}) => height),
    ),
    attention: tf.reshape(rowsOf(weights, {begin, count}), shape),
  };
}

/** A number of its level for every sample. */
function perSample(
  {levels, samples}: Sizes,
  of: (level: {height: number; width: number}, index: number) => number,
  dtype: "float32" | "int32" = "float32",
): tf.Tensor1D {
  const points = samples / levels.length;
  return tf.tensor1d(
    levels.flatMap((level, index) => new Array<number>(points).fill(of(level, index))),
    dtype,
  );
}

/** All levels with an empty margin of one cell, [N * cells * heads, D]. */
function tableOf(value: tf.Tensor, sizes: Sizes): tf.Tensor2D {
  const {images, heads, channels, levels, cells} = sizes;
  const wide = heads * channels;
  let begin = 0;
  const padded = levels.map(({height, width}) => {
    const places = height * width;
    const level = tf.slice(tf.reshape(value, [images, -1, wide]), [0, begin, 0], [images, places, wide]);
    begin += places;
    const grid = tf.pad(tf.reshape<tf.Rank.R4>(level, [images, height, width, wide]), [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
    return tf.reshape(grid, [images, (height + 2) * (width + 2), wide]);
  });
  return tf.reshape(joined(padded), [images * cells * heads, channels]);
}

/** Inverse of {@link tableOf}; what fell onto the margins is left out. */
function fromTable(table: tf.Tensor, sizes: Sizes): tf.Tensor {
  const {images, heads, channels, levels, cells} = sizes;
  const wide = heads * channels;
  const whole = tf.reshape(table, [images, cells, wide]);
  let begin = 0;
  const parts = levels.map(({height, width}) => {
    const count = (height + 2) * (width + 2);
    const level = tf.slice(whole, [0, begin, 0], [images, count, wide]);
    begin += count;
    const grid = tf.reshape(level, [images, height + 2, width + 2, wide]);
    const inner = tf.slice(grid, [0, 1, 1, 0], [images, height, width, wide]);
    return tf.reshape(inner, [images, height * width, wide]);
  });
  return tf.reshape(joined(parts), [images, -1, heads, channels]);
}

function cellsOf({x, y}: Samples, sizes: Sizes): Cells {
  const {images, heads, levels, cells} = sizes;
  const column = betweenCells(
    x,
    perSample(sizes, ({width}) => width),
  );
  const row = betweenCells(
    y,
    perSample(sizes, ({height}) => height),
  );
  let passed = 0;
  const starts = levels.map(({height, width}) => {
    const start = passed;
    passed += (height + 2) * (width + 2);
    return start;
  });
  const wide = perSample(sizes, ({width}) => width + 2, "int32");
  const inLevel = tf.add(tf.mul(row.low, wide), column.low);
  // A row of the table is (image, cell, head).
  const first = tf.tensor(
    Int32Array.from({length: images * heads}, (_, index) => {
      const image = Math.floor(index / heads);
      return image * cells * heads + (index % heads);
    }),
    [images, 1, heads, 1],
    "int32",
  );
  const ofLevel = perSample(sizes, (_, index) => (starts[index] as number) * heads, "int32");
  const base = tf.add(tf.add(tf.mul(inLevel, tf.scalar(heads, "int32")), ofLevel), first);
  const corners = [
    base,
    tf.add(base, tf.scalar(heads, "int32")),
    tf.add(
      base,
      perSample(sizes, ({width}) => (width + 2) * heads, "int32"),
    ),
    tf.add(
      base,
      perSample(sizes, ({width}) => (width + 3) * heads, "int32"),
    ),
  ];
  return {
    ids: tf.stack(corners, -2),
    weights: tf.stack([...cornerWeights(column.share, row.share)], -2),
    shareX: column.share,
    shareY: row.share,
  };
}

/** Attention times the weight of each cell, one row per query and head. */
function combined({weights}: Cells, attention: tf.Tensor, rows: number): tf.Tensor3D {
  return tf.reshape(tf.mul(weights, tf.expandDims(attention, -2)), [rows, 1, weights.size / rows]);
}

/** Values of all cells of each query and head, [N * Q * heads, 4 * samples, D]. */
function gathered(table: tf.Tensor2D, {ids}: Cells, {samples, channels}: Sizes): tf.Tensor3D {
  const rows = ids.size / (4 * samples);
  return tf.reshape(tf.gather(table, tf.reshape(ids, [ids.size])), [rows, 4 * samples, channels]);
}

function mixture(table: tf.Tensor2D, some: Samples, sizes: Sizes): tf.Tensor {
  const {images, heads, channels} = sizes;
  const cells = cellsOf(some, sizes);
  const values = gathered(table, cells, sizes);
  const mixed = tf.matMul(combined(cells, some.attention, values.shape[0]), values);
  return tf.reshape(mixed, [images, -1, heads * channels]);
}

function gradients(
  dy: tf.Tensor,
  saved: tf.Tensor[],
  {sizes, chunk}: {sizes: Sizes; chunk: number},
): tf.Tensor[] {
  const [value, locations, weights] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
  const table = tableOf(value, sizes);
  let ofTable: tf.Tensor | undefined;
  const ofLocations: tf.Tensor[] = [];
  const ofWeights: tf.Tensor[] = [];
  for (const range of chunks(sizes.queries, chunk)) {
    const before: tf.Tensor | undefined = ofTable;
    const parts = tf.tidy(() => {
      const some = samplesOf(locations, weights, {sizes, ...range});
      const gradients = chunkGradients(rowsOf(dy, range), {table, some, sizes});
      return before === undefined ? gradients : {...gradients, table: tf.add(before, gradients.table)};
    });
    before?.dispose();
    ofTable = parts.table;
    ofLocations.push(parts.locations);
    ofWeights.push(parts.attention);
  }
  return [
    fromTable(ofTable as tf.Tensor, sizes),
    tf.reshape(joined(ofLocations), locations.shape),
    tf.reshape(joined(ofWeights), weights.shape),
  ];
}

function chunkGradients(
  dy: tf.Tensor,
  {table, some, sizes}: {table: tf.Tensor2D; some: Samples; sizes: Sizes},
): {table: tf.Tensor; locations: tf.Tensor; attention: tf.Tensor} {
  const {channels} = sizes;
  const cells = cellsOf(some, sizes);
  const rows = dy.size / channels;
  const perHead: tf.Tensor3D = tf.reshape(dy, [rows, 1, channels]);
  const factors = tf.reshape(combined(cells, some.attention, rows), [rows, -1, 1]);
  const updates = tf.reshape(tf.mul(factors, perHead), [cells.ids.size, channels]);
  const ids: tf.Tensor1D = tf.reshape(cells.ids, [cells.ids.size]);
  const products = tf.matMul(perHead, gathered(table, cells, sizes), false, true);
  const perCell = tf.reshape(products, cells.ids.shape);
  const corners = tf.unstack(perCell, -2) as unknown as Corners;
  const slopes = cornerSlopes(corners, cells.shareX, cells.shareY);
  const width = perSample(sizes, ({width}) => width);
  const height = perSample(sizes, ({height}) => height);
  const along = (slope: tf.Tensor, position: tf.Tensor, size: tf.Tensor): tf.Tensor =>
    tf.mul(tf.mul(slope, some.attention), tf.mul(seesCells(position, size), size));
  return {
    table: tf.unsortedSegmentSum(updates, ids, table.shape[0]),
    locations: tf.stack([along(slopes.x, some.x, width), along(slopes.y, some.y, height)], -1),
    attention: tf.sum(tf.mul(perCell, cells.weights), -2),
  };
}

import {sizeOf, type Graph, type Value} from "../graph.js";
import {fittingMargins, toChannelsFirst, type Geometry} from "./convolution-geometry.js";
import {concat, indicesTo, pad, reshape, slice} from "./layout.js";
import type {LoweringContext} from "./lowering.js";
import {batchedProduct} from "./matrix.js";
import {reduce} from "./reduction.js";

/** Largest matrix of patches that is built at once, in elements (64 MB). */
const LARGEST_PATCHES = 2 ** 24;

function positive([before, after]: readonly [number, number]): [number, number] {
  return [Math.max(0, before), Math.max(0, after)];
}

/** Some rows of the output of a convolution, of all images. */
interface Rows {
  readonly begin: number;
  readonly size: number;
}

/** What one place of the filter sees of a padded input, whose rows lie along axis `vertical`. */
function view(
  graph: Graph,
  padded: Value,
  geometry: Geometry,
  {y, x, rows, vertical}: {readonly y: number; readonly x: number; readonly rows: Rows; vertical: number},
): Value {
  const {strideHeight, strideWidth, dilationHeight, dilationWidth, outWidth} = geometry;
  const top = y * dilationHeight + rows.begin * strideHeight;
  return slice(graph, padded, [
    {axis: vertical, begin: top, size: rows.size, step: strideHeight},
    {axis: vertical + 1, begin: x * dilationWidth, size: outWidth, step: strideWidth},
  ]);
}

/** The views of all places of the filter, row by row. */
function views(graph: Graph, padded: Value, geometry: Geometry, rows: Rows, vertical: number): Value[] {
  return indicesTo(geometry.filterHeight).flatMap((y) =>
    indicesTo(geometry.filterWidth).map((x) => view(graph, padded, geometry, {y, x, rows, vertical})),
  );
}

function withMargins(graph: Graph, images: Value, geometry: Geometry): Value {
  const {vertical, horizontal} = fittingMargins(geometry);
  return pad(graph, images, [[0, 0], positive(vertical), positive(horizontal), [0, 0]], 0);
}

/** What the gradient of a filter is made of. */
interface FilterGradient {
  /** Input of the convolution, [batch, height, width, in]. */
  readonly images: Value;
  /** Gradient of its output, [batch, rows, columns, out]. */
  readonly gradients: Value;
  readonly geometry: Geometry;
}

/**
 * Gradient of a convolution with respect to its filter [height, width, in, out].
 *
 * The shifted views of the input stand below each other, channels first, and one product per image with the
 * gradient of the output gives the whole filter: so no factor has to be turned, and images share the threads.
 * The rows of the output are taken in portions, so that the views never need more than 64 MB.
 */
export function filterGradient(
  graph: Graph,
  {images, gradients, geometry}: FilterGradient,
  context: LoweringContext,
): Value {
  const {batchSize, outHeight, outWidth, inChannels, filterHeight, filterWidth} = geometry;
  const padded = toChannelsFirst(graph, withMargins(graph, images, geometry));
  const dy = toChannelsFirst(graph, gradients);
  const places = filterHeight * filterWidth;
  const perRow = batchSize * outWidth * places * inChannels;
  const portion = Math.max(1, Math.min(outHeight, Math.floor(LARGEST_PATCHES / perRow)));
  const portions: Value[] = [];
  for (let begin = 0; begin < outHeight; begin += portion) {
    const size = Math.min(portion, outHeight - begin);
    const seen = concat(graph, views(graph, padded, geometry, {begin, size}, 2), 1);
    const given = slice(graph, dy, [{axis: 2, begin, size}]);
    const columns = size * outWidth;
    const channels = sizeOf(given.shape) / (batchSize * columns);
    const factors: [Value, Value] = [
      reshape(graph, seen, [batchSize, places * inChannels, columns]),
      reshape(graph, given, [batchSize, channels, columns]),
    ];
    portions.push(batchedProduct(graph, factors, {transposeA: false, transposeB: true}, context));
  }
  const perImage = portions.reduce((a, b) => graph.one("Add", [a, b], a.shape, "float32"));
  const sum = reduce(graph, "ReduceSum", perImage, {axes: [0], keepDims: false});
  return reshape(graph, sum, geometry.filterShape);
}

/**
 * Gradient of a depthwise convolution with respect to its filter [height, width, in, multiplier].
 *
 * @param images - Input of the convolution, [batch, height, width, in].
 * @param gradients - Gradient of its output, [batch, rows, columns, in * multiplier].
 */
export function depthwiseFilterGradient(
  graph: Graph,
  images: Value,
  gradients: Value,
  geometry: Geometry,
): Value {
  const {batchSize, outHeight, outWidth, inChannels, outChannels} = geometry;
  const padded = withMargins(graph, images, geometry);
  const grid = [batchSize, outHeight, outWidth, inChannels];
  const shape = [...grid, outChannels / inChannels];
  const given = reshape(graph, gradients, shape);
  const sums = views(graph, padded, geometry, {begin: 0, size: outHeight}, 1).map((seen) => {
    const factors = [reshape(graph, seen, [...grid, 1]), given];
    const product = graph.one("Mul", factors, shape, "float32");
    const sum = reduce(graph, "ReduceSum", product, {axes: [0, 1, 2], keepDims: false});
    return reshape(graph, sum, [1, ...sum.shape]);
  });
  return reshape(graph, concat(graph, sums, 0), geometry.filterShape);
}

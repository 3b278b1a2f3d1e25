import type {Graph, Value} from "../graph.js";
import {flagAttribute, numbersAttribute} from "./attributes.js";
import {convert} from "./element-types.js";
import {reshape} from "./layout.js";
import {inputOf, type KernelCall, type Lowering} from "./lowering.js";

/** How positions of the result correspond to positions of the source. */
interface Sampling {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

function samplingOf(call: KernelCall): Sampling {
  return {
    alignCorners: flagAttribute(call, "alignCorners"),
    halfPixelCenters: flagAttribute(call, "halfPixelCenters"),
  };
}

/** Ratio of source to result positions along one axis. */
function ratio(from: number, to: number, {alignCorners}: Sampling): number {
  return alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
}

/** Matrix [to, from] that interpolates linearly between the two nearest elements. */
function linearMatrix(from: number, to: number, sampling: Sampling): Float32Array {
  const matrix = new Float32Array(to * from);
  const scale = ratio(from, to, sampling);
  for (let index = 0; index < to; index++) {
    const position = sampling.halfPixelCenters ? scale * (index + 0.5) - 0.5 : scale * index;
    const low = Math.max(0, Math.floor(position));
    const high = Math.min(from - 1, Math.ceil(position));
    const fraction = position - low;
    const row = index * from;
    matrix[row + low] = (matrix[row + low] as number) + 1 - fraction;
    matrix[row + high] = (matrix[row + high] as number) + fraction;
  }
  return matrix;
}

/** Index of the source element that each element of the result copies. */
function nearestIndices(from: number, to: number, sampling: Sampling): Int32Array {
  const scale = ratio(from, to, sampling);
  return Int32Array.from({length: to}, (_, index) => {
    const position = scale * (sampling.halfPixelCenters ? index + 0.5 : index);
    const nearest = sampling.alignCorners ? Math.round(position) : Math.floor(position);
    return Math.max(0, Math.min(from - 1, nearest));
  });
}

/** Matrix [to, from] with a single 1 in each row. */
function nearestMatrix(from: number, to: number, sampling: Sampling): Float32Array {
  const matrix = new Float32Array(to * from);
  nearestIndices(from, to, sampling).forEach((source, index) => {
    matrix[index * from + source] = 1;
  });
  return matrix;
}

function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from({length: rows * columns}, (_, index) => {
    const row = Math.floor(index / rows);
    return matrix[(index % rows) * columns + row] as number;
  });
}

interface Matrices {
  /** Matrix [new height, height]. */
  readonly vertical: Float32Array;
  /** Matrix [new width, width]. */
  readonly horizontal: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** Multiplies the rows and the columns of [batch, height, width, channels] by one matrix each. */
function separable(graph: Graph, images: Value, matrices: Matrices): Value {
  const [batch = 1, oldHeight = 1, oldWidth = 1, channels = 1] = images.shape;
  const {height, width} = matrices;
  const across = (value: Value): Value => {
    const matrix = graph.constant(matrices.horizontal, [width, oldWidth], "float32");
    if (channels === 1) {
      // With one channel the columns lie beside each other: multiply from the right.
      const rows = (value.shape[0] as number) * (value.shape[1] as number);
      const flat = reshape(graph, value, [rows, oldWidth]);
      const result = graph.one("Gemm", [flat, matrix], [rows, width], "float32", {transB: 1});
      return reshape(graph, result, [batch, value.shape[1] as number, width, 1]);
    }
    const shape = [batch, value.shape[1] as number, width, channels];
    return graph.one("MatMul", [matrix, value], shape, "float32");
  };
  const down = (value: Value): Value => {
    const inner = (value.shape[2] as number) * channels;
    const matrix = graph.constant(matrices.vertical, [height, oldHeight], "float32");
    const flat = reshape(graph, value, [batch, oldHeight, inner]);
    const result = graph.one("MatMul", [matrix, flat], [batch, height, inner], "float32");
    return reshape(graph, result, [batch, height, value.shape[2] as number, channels]);
  };
  // The cheaper order first: whichever leaves less to do for the second.
  return height * oldWidth <= width * oldHeight ? across(down(images)) : down(across(images));
}

function sizeAttribute(call: KernelCall): {height: number; width: number} {
  const [height = 1, width = 1] = numbersAttribute(call, "size");
  return {height, width};
}

type MatrixOf = (from: number, to: number, sampling: Sampling) => Float32Array;

const resizeBilinear: Lowering = (graph, call) => {
  const images = convert(graph, inputOf(call, "images"), "float32");
  const [, oldHeight = 1, oldWidth = 1] = images.shape;
  const {height, width} = sizeAttribute(call);
  const sampling = samplingOf(call);
  const vertical = linearMatrix(oldHeight, height, sampling);
  const horizontal = linearMatrix(oldWidth, width, sampling);
  return [separable(graph, images, {vertical, horizontal, height, width})];
};

/** Gradient of a resize: the same matrices, transposed. Half-pixel centres are unknown to the gradient kernels. */
function resizeGradient(matrixOf: MatrixOf): Lowering {
  return (graph, call) => {
    const dy = convert(graph, inputOf(call, "dy"), "float32");
    const [, height = 1, width = 1] = inputOf(call, "images").shape;
    const [, newHeight = 1, newWidth = 1] = dy.shape;
    const sampling = {...samplingOf(call), halfPixelCenters: false};
    const vertical = transposed(matrixOf(height, newHeight, sampling), newHeight, height);
    const horizontal = transposed(matrixOf(width, newWidth, sampling), newWidth, width);
    return [separable(graph, dy, {vertical, horizontal, height, width})];
  };
}

const resizeNearest: Lowering = (graph, call) => {
  const images = inputOf(call, "images");
  const [batch = 1, oldHeight = 1, oldWidth = 1, channels = 1] = images.shape;
  const {height, width} = sizeAttribute(call);
  const sampling = samplingOf(call);
  const rows = graph.constant(nearestIndices(oldHeight, height, sampling), [height], "int32");
  const columns = graph.constant(nearestIndices(oldWidth, width, sampling), [width], "int32");
  const tall = graph.one("Gather", [images, rows], [batch, height, oldWidth, channels], images.dtype, {
    axis: 1,
  });
  const shape = [batch, height, width, channels];
  return [graph.one("Gather", [tall, columns], shape, images.dtype, {axis: 2})];
};

/** Lowerings of the kernels that resize images, and of their gradients. */
export const resizing: Readonly<Record<string, Lowering>> = {
  ResizeBilinear: resizeBilinear,
  ResizeBilinearGrad: resizeGradient(linearMatrix),
  ResizeNearestNeighbor: resizeNearest,
  ResizeNearestNeighborGrad: resizeGradient(nearestMatrix),
};

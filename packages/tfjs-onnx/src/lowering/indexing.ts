import {backend_util} from "@tensorflow/tfjs-core";

import {sizeOf, type Graph, type Value, type ValueType} from "../graph.js";
import {axisAttribute, numberAttribute, numbersAttribute} from "./attributes.js";
import {full} from "./broadcast.js";
import {arithmeticType, convert, typeAttribute} from "./element-types.js";
import {indicesTo, reshape, transpose} from "./layout.js";
import {inputOf, type Lowering} from "./lowering.js";

/** Most segments for which a product with a one-hot matrix beats adding row by row. */
const MOST_ONE_HOT_SEGMENTS = 1024;

/** Largest one-hot matrix in elements (64 MB). */
const LARGEST_ONE_HOT = 2 ** 24;

const gather: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const indices = convert(graph, inputOf(call, "indices"), "int32");
  const axis = axisAttribute(call, "axis", x.shape);
  const batchDims = numberAttribute(call, "batchDims", 0);
  if (batchDims === 0) {
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    return [graph.one("Gather", [x, indices], shape, x.dtype, {axis})];
  }
  const info = backend_util.segment_util.collectGatherOpShapeInfo(
    {shape: [...x.shape]} as never,
    {shape: [...indices.shape]} as never,
    axis,
    batchDims,
  );
  const {batchSize, outerSize, dimSize, sliceSize} = info;
  const count = sizeOf(indices.shape) / batchSize;
  // Rows of all batch entries below each other; the indices of each entry move on by the rows before it.
  const cut = reshape(graph, x, [batchSize, outerSize, dimSize, sliceSize]);
  const moved = transpose(graph, cut, [0, 2, 1, 3]);
  const rows = reshape(graph, moved, [batchSize * dimSize, outerSize, sliceSize]);
  const offsets = Int32Array.from({length: batchSize}, (_, entry) => entry * dimSize);
  const positions = graph.one(
    "Add",
    [reshape(graph, indices, [batchSize, count]), graph.constant(offsets, [batchSize, 1], "int32")],
    [batchSize, count],
    "int32",
  );
  const taken = graph.one("Gather", [rows, positions], [batchSize, count, outerSize, sliceSize], x.dtype, {
    axis: 0,
  });
  return [reshape(graph, transpose(graph, taken, [0, 2, 1, 3]), info.outputShape)];
};

const gatherNd: Lowering = (graph, call) => {
  const params = inputOf(call, "params");
  const indices = graph.cast(inputOf(call, "indices"), "int64");
  const depth = indices.shape.at(-1) as number;
  const shape = [...indices.shape.slice(0, -1), ...params.shape.slice(depth)];
  return [graph.one("GatherND", [params, indices], shape, params.dtype)];
};

/** Matrix [segments, rows] with 1 where a row belongs to a segment. */
function oneHotRows(graph: Graph, ids: Value, segments: number): Value {
  const rows = sizeOf(ids.shape);
  const numbers = graph.constant(Int32Array.from(indicesTo(segments)), [segments, 1], "int32");
  const row = reshape(graph, ids, [1, rows]);
  return graph.cast(graph.one("Equal", [numbers, row], [segments, rows], "bool"), "float32");
}

/**
 * Sum of the rows [rows, width] that carry each number, [segments, width]. Rows with a number outside are dropped.
 *
 * Adding to repeated indices with ScatterND loses updates as soon as two threads run; a product with a one-hot matrix
 * and ScatterElements do not.
 */
function segmentSum(graph: Graph, updates: Value, ids: Value, segments: number): Value {
  const [rows = 1, width = 1] = updates.shape;
  const dtype = updates.dtype;
  const column = reshape(graph, ids, [rows, 1]);
  const compare = (op: string, bound: number): Value =>
    graph.one(op, [column, graph.scalar(bound, "int32")], [rows, 1], "bool");
  const inside = graph.one(
    "And",
    [compare("GreaterOrEqual", 0), compare("Less", segments)],
    [rows, 1],
    "bool",
  );
  // Also before the product, where a NaN or an infinity times 0 would reach every segment.
  const kept = graph.one("Where", [inside, updates, graph.scalar(0, dtype)], [rows, width], dtype);
  const small = segments <= MOST_ONE_HOT_SEGMENTS && segments * rows <= LARGEST_ONE_HOT;
  if (small && dtype === "float32") {
    const chosen = oneHotRows(graph, ids, segments);
    return graph.one("MatMul", [chosen, kept], [segments, width], dtype);
  }
  const target = graph.one("Where", [inside, column, graph.scalar(0, "int32")], [rows, 1], "int32");
  const everywhere = graph.one("Expand", [target, graph.ints([rows, width])], [rows, width], "int32");
  const base = full(graph, 0, [segments, width], dtype);
  return graph.one("ScatterElements", [base, everywhere, kept], [segments, width], dtype, {
    axis: 0,
    reduction: "add",
  });
}

const unsortedSegmentSum: Lowering = (graph, call) => {
  const x = convert(graph, inputOf(call, "x"), "float32");
  const ids = convert(graph, inputOf(call, "segmentIds"), "int32");
  const segments = numberAttribute(call, "numSegments");
  const rank = ids.shape.length;
  const rows = sizeOf(ids.shape);
  const inner = x.shape.slice(rank);
  const updates = reshape(graph, x, [rows, sizeOf(inner)]);
  return [reshape(graph, segmentSum(graph, updates, ids, segments), [segments, ...inner])];
};

/** Position of each index tuple in the flattened leading axes. */
function flatPositions(graph: Graph, indices: Value, shape: readonly number[]): Value {
  const depth = indices.shape.at(-1) as number;
  const count = sizeOf(indices.shape) / depth;
  const rows = reshape(graph, indices, [count, depth]);
  if (depth === 1) return reshape(graph, rows, [count]);
  const strides = Int32Array.from(indicesTo(depth), (axis) => sizeOf(shape.slice(axis + 1, depth)));
  const weighted = graph.one(
    "Mul",
    [rows, graph.constant(strides, [1, depth], "int32")],
    [count, depth],
    "int32",
  );
  return graph.one("ReduceSum", [weighted, graph.ints([1])], [count], "int32", {keepdims: 0});
}

const scatterNd: Lowering = (graph, call) => {
  const shape = numbersAttribute(call, "shape");
  const indices = convert(graph, inputOf(call, "indices"), "int32");
  const updates = inputOf(call, "updates");
  const depth = indices.shape.length === 1 ? 1 : (indices.shape.at(-1) as number);
  const tuples = indices.shape.length === 1 ? reshape(graph, indices, [...indices.shape, 1]) : indices;
  const ids = flatPositions(graph, tuples, shape);
  const rows = sizeOf(ids.shape);
  const dtype = arithmeticType(updates.dtype);
  const width = sizeOf(shape.slice(depth));
  const matrix = reshape(graph, convert(graph, updates, dtype), [rows, width]);
  const sum = segmentSum(graph, matrix, ids, sizeOf(shape.slice(0, depth)));
  return [convert(graph, reshape(graph, sum, shape), updates.dtype)];
};

/** Overwrites rows; ScatterElements runs in order, so that the last of repeated indices stays. */
const tensorScatterUpdate: Lowering = (graph, call) => {
  const tensor = inputOf(call, "tensor");
  const indices = convert(graph, inputOf(call, "indices"), "int32");
  const updates = convert(graph, inputOf(call, "updates"), tensor.dtype);
  const depth = indices.shape.length === 1 ? 1 : (indices.shape.at(-1) as number);
  const tuples = indices.shape.length === 1 ? reshape(graph, indices, [...indices.shape, 1]) : indices;
  const ids = flatPositions(graph, tuples, tensor.shape);
  const rows = sizeOf(ids.shape);
  const width = sizeOf(tensor.shape.slice(depth));
  const whole = [rows, width];
  const target = graph.one("Expand", [reshape(graph, ids, [rows, 1]), graph.ints(whole)], whole, "int32");
  const base = reshape(graph, tensor, [sizeOf(tensor.shape.slice(0, depth)), width]);
  const inserted =
    sizeOf(updates.shape) === 1
      ? graph.one("Expand", [reshape(graph, updates, []), graph.ints(whole)], whole, updates.dtype)
      : reshape(graph, updates, whole);
  const result = graph.one("ScatterElements", [base, target, inserted], base.shape, tensor.dtype, {
    axis: 0,
  });
  return [reshape(graph, result, tensor.shape)];
};

const oneHot: Lowering = (graph, call) => {
  const indices = convert(graph, inputOf(call, "indices"), "int32");
  const depth = numberAttribute(call, "depth");
  const shape = [...indices.shape, depth];
  const numbers = graph.constant(Int32Array.from(indicesTo(depth)), [depth], "int32");
  const column = reshape(graph, indices, [...indices.shape, 1]);
  const chosen = graph.one("Equal", [column, numbers], shape, "bool");
  const values = [numberAttribute(call, "onValue", 1), numberAttribute(call, "offValue", 0)].map((value) =>
    graph.scalar(value, "float32"),
  );
  const result = graph.one("Where", [chosen, ...values], shape, "float32");
  return [convert(graph, result, typeAttribute(call, "float32"))];
};

const topK: Lowering = (graph, call) => {
  const input = inputOf(call, "x");
  const x = convert(graph, input, arithmeticType(input.dtype));
  const k = numberAttribute(call, "k");
  const shape = [...x.shape.slice(0, -1), k];
  const outputs: {shape: number[]; dtype: ValueType}[] = [
    {shape, dtype: x.dtype},
    {shape, dtype: "int64"},
  ];
  const attributes = {axis: x.shape.length - 1, largest: 1, sorted: 1};
  const [values, indices] = graph.node("TopK", [x, graph.ints([k])], outputs, attributes);
  return [convert(graph, values as Value, input.dtype), graph.cast(indices as Value, "int32")];
};

const diagonal: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const size = sizeOf(x.shape);
  const eye = Uint8Array.from({length: size * size}, (_, index) =>
    index % size === Math.floor(index / size) ? 1 : 0,
  );
  const dtype = arithmeticType(x.dtype);
  const row = reshape(graph, convert(graph, x, dtype), [1, size]);
  const condition = graph.constant(eye, [size, size], "bool");
  const result = graph.one("Where", [condition, row, graph.scalar(0, dtype)], [size, size], dtype);
  return [reshape(graph, convert(graph, result, x.dtype), [...x.shape, ...x.shape])];
};

/** Lowerings of the kernels that read or write elements by index. */
export const indexing: Readonly<Record<string, Lowering>> = {
  Diag: diagonal,
  GatherNd: gatherNd,
  GatherV2: gather,
  OneHot: oneHot,
  ScatterNd: scatterNd,
  TensorScatterUpdate: tensorScatterUpdate,
  TopK: topK,
  UnsortedSegmentSum: unsortedSegmentSum,
};

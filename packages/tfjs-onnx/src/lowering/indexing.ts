import {backend_util} from "@tensorflow/tfjs-core";

import {sizeOf, type Graph, type Value, type ValueType} from "../graph.js";
import {axisAttribute, numberAttribute, numbersAttribute} from "./attributes.js";
import {arithmeticType, convert, typeAttribute} from "./element-types.js";
import {isWithin} from "./index-range.js";
import {indicesTo, reshape, transpose} from "./layout.js";
import {inputOf, type Lowering} from "./lowering.js";
import {segmentSum} from "./segment-sum.js";

/**
 * Indices in which a negative one is too large as well, so that ONNX Runtime, which would count it from the end, refuses
 * it like any other that lies outside. Where the indices are known to lie inside nothing is added.
 */
function refusingNegative(graph: Graph, indices: Value, lengths: readonly number[]): Value {
  if (isWithin(graph, indices, Math.min(...lengths))) return indices;
  const negative = graph.one("Less", [indices, graph.scalar(0, "int32")], indices.shape, "bool");
  const outside =
    lengths.length === 1
      ? graph.scalar(lengths[0] as number, "int32")
      : graph.constant(Int32Array.from(lengths), [lengths.length], "int32");
  return graph.one("Where", [negative, outside, indices], indices.shape, "int32");
}

const gather: Lowering = (graph, call) => {
  const x = inputOf(call, "x");
  const indices = convert(graph, inputOf(call, "indices"), "int32");
  const axis = axisAttribute(call, "axis", x.shape);
  const batchDims = numberAttribute(call, "batchDims", 0);
  if (batchDims === 0) {
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    const safe = refusingNegative(graph, indices, [x.shape[axis] as number]);
    return [graph.one("Gather", [x, safe], shape, x.dtype, {axis})];
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
  const positions = batchPositions(graph, reshape(graph, indices, [batchSize, count]), dimSize);
  const taken = graph.one("Gather", [rows, positions], [batchSize, count, outerSize, sliceSize], x.dtype, {
    axis: 0,
  });
  return [reshape(graph, transpose(graph, taken, [0, 2, 1, 3]), info.outputShape)];
};

/** Indices [batch, count] into rows of equal number per batch entry, as indices into the rows of all entries. */
function batchPositions(graph: Graph, indices: Value, length: number): Value {
  const {shape} = indices;
  const [batch = 1] = shape;
  const offsets = Int32Array.from({length: batch}, (_, entry) => entry * length);
  const inputs = [indices, graph.constant(offsets, [batch, 1], "int32")];
  const positions = graph.one("Add", inputs, shape, "int32");
  if (isWithin(graph, indices, length)) return positions;
  // An index outside of its own entry must not reach the rows of another.
  const inside = insideAll(graph, indices, [length]);
  return graph.one("Where", [inside, positions, graph.scalar(batch * length, "int32")], shape, "int32");
}

/** Which elements are at least 0 and below their length; lengths go along the last axis, or one for all. */
function insideAll(graph: Graph, indices: Value, lengths: readonly number[]): Value {
  const {shape} = indices;
  const bound = graph.constant(
    Int32Array.from(lengths),
    lengths.length === 1 ? [] : [lengths.length],
    "int32",
  );
  const above = graph.one("GreaterOrEqual", [indices, graph.scalar(0, "int32")], shape, "bool");
  const below = graph.one("Less", [indices, bound], shape, "bool");
  return graph.one("And", [above, below], shape, "bool");
}

const gatherNd: Lowering = (graph, call) => {
  const params = inputOf(call, "params");
  const indices = convert(graph, inputOf(call, "indices"), "int32");
  const depth = indices.shape.at(-1) as number;
  const safe = refusingNegative(graph, indices, params.shape.slice(0, depth));
  const shape = [...indices.shape.slice(0, -1), ...params.shape.slice(depth)];
  return [graph.one("GatherND", [params, graph.cast(safe, "int64")], shape, params.dtype)];
};

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

/** Position of each index tuple in the flattened leading axes; tuples that lie outside get the position after the last. */
function flatPositions(graph: Graph, indices: Value, shape: readonly number[]): Value {
  const depth = indices.shape.at(-1) as number;
  const count = sizeOf(indices.shape) / depth;
  const rows = reshape(graph, indices, [count, depth]);
  const lengths = shape.slice(0, depth);
  const end = sizeOf(lengths);
  if (depth === 1) return refusingNegative(graph, reshape(graph, rows, [count]), [end]);
  const strides = Int32Array.from(indicesTo(depth), (axis) => sizeOf(shape.slice(axis + 1, depth)));
  const inputs = [rows, graph.constant(strides, [1, depth], "int32")];
  const weighted = graph.one("Mul", inputs, [count, depth], "int32");
  const known = isWithin(graph, rows, Math.min(...lengths));
  const checked = known
    ? weighted
    : graph.one(
        "Where",
        [insideAll(graph, rows, lengths), weighted, graph.scalar(end, "int32")],
        [count, depth],
        "int32",
      );
  const positions = graph.one("ReduceSum", [checked, graph.ints([1])], [count], "int32", {keepdims: 0});
  if (known) return positions;
  return graph.one("Min", [positions, graph.scalar(end, "int32")], [count], "int32");
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

import {sizeOf, type Graph, type Value, type ValueType} from "../graph.js";
import {axesAttribute, axisAttribute, flagAttribute} from "./attributes.js";
import {arithmeticType, convert} from "./element-types.js";
import {reshape, slice} from "./layout.js";
import {inputOf, type Lowering} from "./lowering.js";

/** What a reduction runs over and how its result is shaped. */
export interface Reduction {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

function reducedShape(shape: readonly number[], {axes, keepDims}: Reduction): number[] {
  if (keepDims) return shape.map((dimension, axis) => (axes.includes(axis) ? 1 : dimension));
  return shape.filter((_, axis) => !axes.includes(axis));
}

/** Appends a reduction operator such as `ReduceSum`. */
export function reduce(graph: Graph, op: string, x: Value, reduction: Reduction): Value {
  const shape = reducedShape(x.shape, reduction);
  const keepdims = reduction.keepDims ? 1 : 0;
  // Only the sum takes its axes as an input in the operator set that is used.
  if (op === "ReduceSum") {
    return graph.one(op, [x, graph.ints(reduction.axes)], shape, x.dtype, {keepdims});
  }
  return graph.one(op, [x], shape, x.dtype, {axes: reduction.axes, keepdims});
}

/**
 * Largest or smallest element, NaN where there is a NaN.
 *
 * ONNX Runtime's own reductions keep a NaN only in the first place. A sum of squares is NaN exactly where a NaN goes in.
 */
function extreme(graph: Graph, op: "ReduceMax" | "ReduceMin", x: Value, reduction: Reduction): Value {
  const result = reduce(graph, op, x, reduction);
  if (x.dtype !== "float32") return result;
  const squares = reduce(graph, "ReduceSumSquare", x, reduction);
  const spoilt = graph.one("IsNaN", [squares], squares.shape, "bool");
  return graph.one("Where", [spoilt, squares, result], result.shape, "float32");
}

/** Rows shorter than this are put side by side before they are added up. */
const SHORT_ROW = 64;
/** How long they may become by that. */
const LONG_ROW = 2048;

/**
 * Sum of float32 numbers.
 *
 * ONNX Runtime adds short rows to each other some ten times more slowly than long ones. So many short rows are
 * taken as fewer long ones first, whose sums are then added up; that the chains of additions become shorter
 * keeps digits, too.
 */
function sum(graph: Graph, x: Value, over: Reduction): Value {
  const leading = over.axes.every((axis) => axis < over.axes.length);
  const length = sizeOf(x.shape.slice(over.axes.length));
  const rows = sizeOf(x.shape.slice(0, over.axes.length));
  const together = leading && length > 0 && length < SHORT_ROW ? largestDivisor(rows, LONG_ROW / length) : 1;
  if (together === 1 || together === rows) return reduce(graph, "ReduceSum", x, over);
  const first: Reduction = {axes: [0], keepDims: false};
  const wide = reshape(graph, x, [rows / together, together * length]);
  const partial = reshape(graph, reduce(graph, "ReduceSum", wide, first), [together, length]);
  return reshape(graph, reduce(graph, "ReduceSum", partial, first), reducedShape(x.shape, over));
}

/** The largest divisor of a number that is not above a limit. */
function largestDivisor(number: number, limit: number): number {
  for (let divisor = Math.min(number, Math.floor(limit)); divisor > 1; divisor--) {
    if (number % divisor === 0) return divisor;
  }
  return 1;
}

/** Sum or product of whole numbers that wraps; ONNX Runtime's own sum of int32 stops at the largest number. */
function accumulate(graph: Graph, op: string, x: Value, reduction: Reduction): Value {
  if (x.dtype !== "int32") {
    return op === "ReduceSum" ? sum(graph, x, reduction) : reduce(graph, op, x, reduction);
  }
  return graph.cast(reduce(graph, op, graph.cast(x, "int64"), reduction), "int32");
}

type Reducer = (graph: Graph, x: Value, reduction: Reduction) => Value;

function operator(op: string): Reducer {
  return (graph, x, reduction) => reduce(graph, op, x, reduction);
}

interface ReductionOptions {
  /** Name of the attribute that holds the axes. */
  readonly axes?: string;
  /** Element type to compute in, given that of the input. */
  readonly computes?: (dtype: ValueType) => ValueType;
  /** Element type of the result, given that of the input. */
  readonly gives: (dtype: ValueType) => ValueType;
}

function reduction(apply: Reducer, {axes = "axis", computes, gives}: ReductionOptions): Lowering {
  return (graph, call) => {
    const input = inputOf(call, "x");
    const x = convert(graph, input, (computes ?? arithmeticType)(input.dtype));
    const over = axesAttribute(call, axes, x.shape);
    const keepDims = flagAttribute(call, "keepDims");
    const result = over.length === 0 ? x : apply(graph, x, {axes: over, keepDims});
    return [convert(graph, result, gives(input.dtype))];
  };
}

/**
 * Index of the largest or smallest element along one axis: the first one among equals.
 *
 * TensorFlow.js passes over NaN unless it comes first; ONNX Runtime does either, depending on the length.
 */
function indexOfExtreme(op: "ArgMax" | "ArgMin"): Lowering {
  return (graph, call) => {
    const input = inputOf(call, "x");
    const x = convert(graph, input, arithmeticType(input.dtype));
    const zero = graph.scalar(0, "int32");
    if (x.shape.length === 0) return [zero];
    const axis = axisAttribute(call, "axis", x.shape);
    const shape = reducedShape(x.shape, {axes: [axis], keepDims: false});
    const find = (value: Value): Value =>
      graph.cast(graph.one(op, [value], shape, "int64", {axis, keepdims: 0}), "int32");
    if (x.dtype !== "float32") return [find(x)];
    const missing = graph.one("IsNaN", [x], x.shape, "bool");
    const worst = graph.scalar(op === "ArgMax" ? -Infinity : Infinity, "float32");
    const index = find(graph.one("Where", [missing, worst, x], x.shape, "float32"));
    const first = reshape(graph, slice(graph, missing, [{axis, begin: 0, size: 1}]), shape);
    return [graph.one("Where", [first, zero, index], shape, "int32")];
  };
}

const always = (dtype: ValueType) => (): ValueType => dtype;
const same = (dtype: ValueType): ValueType => dtype;

/** Lowerings of the kernels that combine all elements along axes. */
export const reductions: Readonly<Record<string, Lowering>> = {
  All: reduction(operator("ReduceMin"), {gives: same}),
  Any: reduction(operator("ReduceMax"), {gives: same}),
  ArgMax: indexOfExtreme("ArgMax"),
  ArgMin: indexOfExtreme("ArgMin"),
  Max: reduction((graph, x, over) => extreme(graph, "ReduceMax", x, over), {
    axes: "reductionIndices",
    gives: same,
  }),
  Mean: reduction(operator("ReduceMean"), {computes: always("float32"), gives: always("float32")}),
  Min: reduction((graph, x, over) => extreme(graph, "ReduceMin", x, over), {gives: same}),
  Prod: reduction((graph, x, over) => accumulate(graph, "ReduceProd", x, over), {gives: arithmeticType}),
  Sum: reduction((graph, x, over) => accumulate(graph, "ReduceSum", x, over), {gives: arithmeticType}),
};

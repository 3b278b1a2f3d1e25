import {backend_util, type Tensor} from "@tensorflow/tfjs-core";

import {CONTRIB_DOMAIN, sizeOf, type Graph, type Value} from "../graph.js";
import {flagAttribute, textAttribute} from "./attributes.js";
import {broadcasting, broadcastShapes} from "./broadcast.js";
import {arithmeticType, convert, upcast} from "./element-types.js";
import {activate} from "./elementwise-unary.js";
import {indicesTo, reshape, transpose} from "./layout.js";
import {inputOf, type KernelCall, type Lowering, type LoweringContext} from "./lowering.js";

interface Product {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

function swapLastAxes(graph: Graph, value: Value): Value {
  const rank = value.shape.length;
  return transpose(graph, value, [...indicesTo(rank - 2), rank - 1, rank - 2]);
}

/** Product of two matrices, with a row vector added to every row where there is one. */
function product2d(graph: Graph, a: Value, b: Value, product: Product, bias?: Value): Value {
  const {transposeA, transposeB} = product;
  const shape = [a.shape[transposeA ? 1 : 0] as number, b.shape[transposeB ? 0 : 1] as number];
  if (!transposeA && !transposeB && !bias) return graph.one("MatMul", [a, b], shape, a.dtype);
  const attributes = {transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0};
  return graph.one("Gemm", bias ? [a, b, bias] : [a, b], shape, a.dtype, attributes);
}

/** The value with leading axes of length 1 up to the given rank. */
function ofRank(graph: Graph, value: Value, rank: number): Value {
  return reshape(graph, value, [...indicesTo(rank - value.shape.length).map(() => 1), ...value.shape]);
}

/** Product of matrices or of batches of matrices, batch by batch. */
export function batchedProduct(
  graph: Graph,
  [left, right]: readonly [Value, Value],
  {transposeA, transposeB}: Product,
  {contrib}: LoweringContext,
): Value {
  const rank = Math.max(left.shape.length, right.shape.length);
  let a = ofRank(graph, left, rank);
  let b = ofRank(graph, right, rank);
  const shape = [
    ...broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2)),
    a.shape[rank - (transposeA ? 1 : 2)] as number,
    b.shape[rank - (transposeB ? 2 : 1)] as number,
  ];
  if (contrib && a.dtype === "float32" && (transposeA || transposeB)) {
    const attributes = {transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0};
    return graph.one("FusedMatMul", [a, b], shape, a.dtype, attributes, CONTRIB_DOMAIN);
  }
  if (transposeA) a = swapLastAxes(graph, a);
  if (transposeB) b = swapLastAxes(graph, b);
  return graph.one("MatMul", [a, b], shape, a.dtype);
}

/**
 * Product of matrices or batches of matrices.
 *
 * Where the right side is one matrix, the rows of the whole batch are multiplied in one go.
 *
 * @param bias - Row vector added to every row of the result.
 */
function product(
  graph: Graph,
  [a, b]: readonly [Value, Value],
  options: Product,
  context: LoweringContext,
  bias?: Value,
): Value {
  const oneRight = sizeOf(b.shape.slice(0, -2)) === 1;
  const oneLeft = sizeOf(a.shape.slice(0, -2)) === 1;
  const flat = a.dtype === "float32" && oneRight && (oneLeft || !options.transposeA);
  if (!flat) {
    const result = batchedProduct(graph, [a, b], options, context);
    return bias ? add(graph, result, bias) : result;
  }
  const columns = a.shape.at(-1) as number;
  const rows = sizeOf(a.shape) / columns;
  const matrix = product2d(
    graph,
    reshape(graph, a, [rows, columns]),
    reshape(graph, b, b.shape.slice(-2)),
    options,
    bias,
  );
  const outer = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const inner = options.transposeA ? columns : (a.shape.at(-2) as number);
  return reshape(graph, matrix, [...outer, inner, matrix.shape[1] as number]);
}

function add(graph: Graph, a: Value, b: Value): Value {
  return broadcasting(graph, [a, b], (values, shape) => graph.one("Add", values, shape, a.dtype));
}

function factors(graph: Graph, call: KernelCall): readonly [Value, Value] {
  const a = inputOf(call, "a");
  const b = inputOf(call, "b");
  const dtype = arithmeticType(upcast(a.dtype, b.dtype));
  return [convert(graph, a, dtype), convert(graph, b, dtype)];
}

function transpositions(call: KernelCall): Product {
  return {
    transposeA: flagAttribute(call, "transposeA"),
    transposeB: flagAttribute(call, "transposeB"),
  };
}

const batchMatMul: Lowering = (graph, call, context) => {
  const result = product(graph, factors(graph, call), transpositions(call), context);
  return [convert(graph, result, inputOf(call, "a").dtype)];
};

const fusedMatMul: Lowering = (graph, call, context) => {
  const pair = factors(graph, call);
  const bias = call.inputs["bias"];
  const isRow = bias?.shape.length === 1;
  let result = product(graph, pair, transpositions(call), context, isRow ? bias : undefined);
  if (bias && !isRow) result = add(graph, result, convert(graph, bias, result.dtype));
  return [activate(graph, result, call, call.inputs["preluActivationWeights"])];
};

const einsum: Lowering = (graph, call) => {
  const equation = (textAttribute(call, "equation") ?? "").replaceAll(/\s/g, "");
  // TensorFlow.js's own reading of the equation refuses what it does not know, in its own words.
  const {allDims, idDims} = backend_util.decodeEinsumEquation(equation, call.list.length);
  backend_util.checkEinsumDimSizes(allDims.length, idDims, call.list as unknown as Tensor[]);
  const sizes = new Map<string, number>();
  for (const [index, axes] of idDims.entries()) {
    for (const [axis, dimension] of axes.entries()) {
      sizes.set(allDims[dimension] as string, call.list[index]?.shape[axis] as number);
    }
  }
  const shape = [...(equation.split("->")[1] ?? "")].map((letter) => sizes.get(letter) as number);
  const dtype = arithmeticType(call.list.map((value) => value.dtype).reduce(upcast));
  const inputs = call.list.map((value) => convert(graph, value, dtype));
  return [graph.one("Einsum", inputs, shape, dtype, {equation})];
};

/** Lowerings of the kernels that multiply matrices. */
export const matrix: Readonly<Record<string, Lowering>> = {
  BatchMatMul: batchMatMul,
  Einsum: einsum,
  _FusedMatMul: fusedMatMul,
};

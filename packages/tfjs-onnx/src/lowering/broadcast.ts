import {backend_util} from "@tensorflow/tfjs-core";

import type {Graph, Value, ValueType} from "../graph.js";
import {expand, expandedFrom, sameShape} from "./layout.js";

/** The shape that two shapes broadcast to. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] {
  return backend_util.assertAndGetBroadcastShape([...a], [...b]);
}

/** A value of the given shape whose elements are all the same number. */
export function full(graph: Graph, number: number, shape: readonly number[], dtype: ValueType): Value {
  return expand(graph, graph.scalar(number, dtype), shape);
}

/**
 * Appends an operator that broadcasts its inputs, on the smallest inputs that give the same result.
 *
 * The gradients of sums and means repeat one number over a whole tensor. Where another input already has the full
 * shape, the repetition is left to the operator; where none has, the operator runs on the small inputs and its result
 * is repeated.
 */
export function broadcasting(
  graph: Graph,
  inputs: readonly Value[],
  build: (inputs: Value[], shape: number[]) => Value,
): Value {
  const shapeOf = (values: readonly Value[]): number[] =>
    values.map(({shape}) => [...shape]).reduce((a, b) => broadcastShapes(a, b));
  const shape = shapeOf(inputs);
  const small = inputs.map((value) => expandedFrom(graph, value) ?? value);
  const smallShape = shapeOf(small);
  const result = build(small, smallShape);
  return sameShape(smallShape, shape) ? result : expand(graph, result, shape);
}

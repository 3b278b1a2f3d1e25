import {sizeOf, type Graph, type Value} from "../graph.js";

/** Whether two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

/** The numbers 0, 1, ..., `end` - 1. */
export function indicesTo(end: number): number[] {
  return Array.from({length: end}, (_, index) => index);
}

/**
 * The value with another shape of the same size.
 *
 * A reshape of a reshape becomes one, and a reshape that changes nothing is left out.
 */
export function reshape(graph: Graph, value: Value, shape: readonly number[]): Value {
  const producer = graph.producer(value);
  if (producer?.op === "Reshape") return reshape(graph, producer.inputs[0] as Value, shape);
  if (sameShape(value.shape, shape)) return value;
  const source = producer?.op === "Expand" ? (producer.inputs[0] as Value) : undefined;
  if (source && sizeOf(source.shape) === 1) return expand(graph, reshape(graph, source, []), shape);
  return graph.one("Reshape", [value, graph.ints(shape)], shape, value.dtype);
}

/**
 * The value with its axes in another order: axis i of the result is axis `order[i]` of the value.
 *
 * Two transpositions in a row become one; one that only moves axes of length 1 becomes a reshape.
 */
export function transpose(graph: Graph, value: Value, order: readonly number[]): Value {
  const producer = graph.producer(value);
  if (producer?.op === "Transpose") {
    const first = producer.attributes["perm"] as readonly number[];
    return transpose(
      graph,
      producer.inputs[0] as Value,
      order.map((axis) => first[axis] as number),
    );
  }
  const shape = order.map((axis) => value.shape[axis] as number);
  const moving = order.filter((axis) => value.shape[axis] !== 1);
  if (moving.every((axis, index) => index === 0 || axis > (moving[index - 1] as number))) {
    return reshape(graph, value, shape);
  }
  return graph.one("Transpose", [value], shape, value.dtype, {perm: order});
}

/** The value repeated along its axes of length 1 and along new leading axes. */
export function expand(graph: Graph, value: Value, shape: readonly number[]): Value {
  if (sameShape(value.shape, shape)) return value;
  const source = expandedFrom(graph, value) ?? value;
  if (sameShape(source.shape, shape)) return source;
  return graph.one("Expand", [source, graph.ints(shape)], shape, value.dtype);
}

/** The smaller value that a value only repeats; undefined if it is not the result of {@link expand}. */
export function expandedFrom(graph: Graph, value: Value): Value | undefined {
  const producer = graph.producer(value);
  return producer?.op === "Expand" ? producer.inputs[0] : undefined;
}

/** Bounds of a slice of one axis: `begin`, `size` and `step` (negative steps run backwards). */
export interface AxisSlice {
  readonly axis: number;
  readonly begin: number;
  readonly size: number;
  readonly step?: number;
}

/** Part of a value; axes that are not named stay whole. */
export function slice(graph: Graph, value: Value, slices: readonly AxisSlice[]): Value {
  const cuts = slices.filter(
    ({axis, begin, size, step = 1}) => begin !== 0 || step !== 1 || size !== value.shape[axis],
  );
  if (cuts.length === 0) return value;
  const shape = [...value.shape];
  for (const {axis, size} of cuts) shape[axis] = size;
  const ends = cuts.map(({axis, begin, size, step = 1}) => {
    const end = begin + size * step;
    // Negative ends count from the back, so "before the first element" has to lie below that range.
    return end < 0 ? -1 - (value.shape[axis] as number) : end;
  });
  const inputs = [
    value,
    graph.ints(cuts.map(({begin}) => begin)),
    graph.ints(ends),
    graph.ints(cuts.map(({axis}) => axis)),
    graph.ints(cuts.map(({step = 1}) => step)),
  ];
  return graph.one("Slice", inputs, shape, value.dtype);
}

/** The value with constant margins: `paddings[axis]` = [before, after]; negative margins cut off. */
export function pad(
  graph: Graph,
  value: Value,
  paddings: readonly (readonly [number, number])[],
  constant: number,
): Value {
  if (paddings.every(([before, after]) => before === 0 && after === 0)) return value;
  const shape = value.shape.map((dimension, axis) => {
    const [before, after] = paddings[axis] as readonly [number, number];
    return before + dimension + after;
  });
  const amounts = graph.ints([...paddings.map(([before]) => before), ...paddings.map(([, a]) => a)]);
  const fill = graph.scalar(constant, value.dtype);
  return graph.one("Pad", [value, amounts, fill], shape, value.dtype);
}

/** Values joined along an axis. */
export function concat(graph: Graph, values: readonly Value[], axis: number): Value {
  const [first] = values;
  if (!first) throw new RangeError("expected at least one value to join, got none");
  if (values.length === 1) return first;
  const shape = [...first.shape];
  shape[axis] = values.reduce((sum, value) => sum + (value.shape[axis] as number), 0);
  return graph.one("Concat", values, shape, first.dtype, {axis});
}

/** A value cut into consecutive pieces of the given sizes along an axis. */
export function split(graph: Graph, value: Value, sizes: readonly number[], axis: number): Value[] {
  if (sizes.length === 1) return [value];
  const outputs = sizes.map((size) => ({
    shape: value.shape.map((dimension, index) => (index === axis ? size : dimension)),
    dtype: value.dtype,
  }));
  return graph.node("Split", [value, graph.ints(sizes)], outputs, {axis});
}

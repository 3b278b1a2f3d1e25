import type {Graph, Value} from "../graph.js";
import {full} from "./broadcast.js";
import {isWithin} from "./index-range.js";
import {reshape} from "./layout.js";

/**
 * Numbers that one node adds at most.
 *
 * ONNX Runtime shares the rows of ScatterND out among threads, which lose each other's additions to one place. It
 * runs a node on one thread as long as it has less than 210 000 numbers to add (its cost model: 100 000 to start
 * with, 100 000 more for every further thread, a tenth of one rounded up).
 */
const MOST_ON_ONE_THREAD = 2 ** 17;

/** Nodes of a sum at most: beyond, opening the session takes longer than slower nodes do. */
const MOST_NODES = 2048;

/** The rows [rows, width] added one after the other to the segments that the column [rows, 1] names. */
function addInOrder(graph: Graph, rows: Value, column: Value, segments: number): Value {
  const [count = 1, width = 1] = rows.shape;
  const base = full(graph, 0, [segments, width], rows.dtype);
  const height = Math.max(1, Math.floor(MOST_ON_ONE_THREAD / width));
  if (count / height > MOST_NODES) return addElements(graph, rows, column, base);
  const places = graph.cast(column, "int64");
  const heights = Array.from({length: Math.ceil(count / height)}, (_, part) =>
    Math.min(height, count - part * height),
  );
  const parts = cut(graph, rows, heights);
  return cut(graph, places, heights).reduce(
    (sum, place, part) =>
      graph.one("ScatterND", [sum, place, parts[part]], base.shape, base.dtype, {reduction: "add"}),
    base,
  );
}

/** On one thread whatever the size, number by number: some five times as slow. */
function addElements(graph: Graph, rows: Value, column: Value, base: Value): Value {
  const everywhere = graph.one("Expand", [column, graph.ints(rows.shape)], rows.shape, "int32");
  return graph.one("ScatterElements", [base, everywhere, rows], base.shape, base.dtype, {
    axis: 0,
    reduction: "add",
  });
}

/** Parts of the given heights, from the top. */
function cut(graph: Graph, value: Value, heights: readonly number[]): Value[] {
  if (heights.length === 1) return [value];
  const [, width = 1] = value.shape;
  const parts = heights.map((height) => ({shape: [height, width], dtype: value.dtype}));
  return graph.node("Split", [value, graph.ints(heights)], parts, {axis: 0});
}

/**
 * Sum of the rows [rows, width] that carry each number, [segments, width]. Rows with a number outside are dropped.
 *
 * Rows are added in their order on any number of threads, so the same rows always give the same bytes. Sums of whole
 * numbers are exact as long as they stay below 2^24, and a NaN reaches the sum of its own segment only.
 */
export function segmentSum(graph: Graph, updates: Value, ids: Value, segments: number): Value {
  const [rows = 1, width = 1] = updates.shape;
  const dtype = updates.dtype;
  const target = reshape(graph, ids, [rows, 1]);
  if (isWithin(graph, ids, segments)) return addInOrder(graph, updates, target, segments);
  const compare = (op: string, bound: number): Value =>
    graph.one(op, [target, graph.scalar(bound, "int32")], [rows, 1], "bool");
  const bounds = [compare("GreaterOrEqual", 0), compare("Less", segments)];
  const inside = graph.one("And", bounds, [rows, 1], "bool");
  const kept = graph.one("Where", [inside, updates, graph.scalar(0, dtype)], [rows, width], dtype);
  // Zeros are added to the nearest segment there is.
  const ends = [0, segments - 1].map((end) => graph.scalar(end, "int32"));
  const place = graph.one("Clip", [target, ...ends], [rows, 1], "int32");
  return addInOrder(graph, kept, place, segments);
}

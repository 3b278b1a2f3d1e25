import {test} from "uvu";
import * as assert from "uvu/assert";

import {Graph, type Value} from "../graph.js";
import {isWithin, rangeOf} from "./index-range.js";
import {convert} from "./element-types.js";

function clipped(graph: Graph, value: Value, least: number, most: number): Value {
  const bounds = [graph.scalar(least, value.dtype), graph.scalar(most, value.dtype)];
  return graph.one("Clip", [value, ...bounds], value.shape, value.dtype);
}

test("constants are known, arguments are not", () => {
  const graph = new Graph();
  const constant = graph.constant(Int32Array.of(3, -1, 7), [3], "int32");
  assert.equal(rangeOf(graph, constant), {least: -1, most: 7});
  assert.is(rangeOf(graph, graph.input([3], "int32")), undefined);
  assert.is(rangeOf(graph, graph.constant(Float32Array.of(1, NaN), [2], "float32")), undefined);
});

test("row times width plus column, both clipped, stays in the picture", () => {
  const graph = new Graph();
  const [height, width] = [5, 7];
  const place = (size: number): Value => {
    const position = clipped(graph, graph.input([4], "float32"), 0, size - 1);
    return convert(graph, graph.one("Floor", [position], [4], "float32"), "int32");
  };
  const row = graph.one("Mul", [place(height), graph.scalar(width, "int32")], [4], "int32");
  const sum = graph.one("Add", [row, place(width)], [4], "int32");
  assert.equal(rangeOf(graph, sum), {least: 0, most: height * width - 1});
  assert.ok(isWithin(graph, sum, height * width));
  assert.not(isWithin(graph, sum, height * width - 1));
});

test("NaN becomes 0 in a cast, also where the bounds leave 0 out", () => {
  const graph = new Graph();
  const position = clipped(graph, graph.input([4], "float32"), 2, 3.9);
  assert.equal(rangeOf(graph, convert(graph, position, "int32")), {least: 0, most: 3});
});

test("differences, extremes and choices", () => {
  const graph = new Graph();
  const x = clipped(graph, graph.input([2], "int32"), -2, 5);
  const y = clipped(graph, graph.input([2], "int32"), 1, 3);
  const of = (op: string, inputs: Value[]): unknown => rangeOf(graph, graph.one(op, inputs, [2], "int32"));
  assert.equal(of("Sub", [x, y]), {least: -5, most: 4});
  assert.equal(of("Mul", [x, y]), {least: -6, most: 15});
  assert.equal(of("Max", [x, y]), {least: 1, most: 5});
  assert.equal(of("Min", [x, y]), {least: -2, most: 3});
  // One known side is enough to bound the other end.
  const any = graph.input([2], "int32");
  assert.equal(of("Max", [any, y]), {least: 1, most: 2 ** 31 - 1});
  assert.equal(of("Min", [y, any]), {least: -(2 ** 31), most: 3});
  assert.equal(of("Where", [graph.input([2], "bool"), x, y]), {least: -2, most: 5});
  assert.equal(of("Concat", [x, y]), {least: -2, most: 5});
  // int32 would wrap.
  const large = clipped(graph, graph.input([2], "int32"), 0, 2 ** 30);
  assert.is(of("Mul", [large, y]), undefined);
});

test("places of the largest elements lie in their axis, their values anywhere", () => {
  const graph = new Graph();
  const outputs = [
    {shape: [2, 3], dtype: "float32"},
    {shape: [2, 3], dtype: "int64"},
  ] as const;
  const inputs = [graph.input([2, 9], "float32"), graph.ints([3])];
  const [values, places] = graph.node("TopK", inputs, outputs, {axis: 1});
  assert.equal(rangeOf(graph, places), {least: 0, most: 8});
  assert.is(rangeOf(graph, values), undefined);
});

test.run();

import {test} from "uvu";
import * as assert from "uvu/assert";

import {CONTRIB_DOMAIN, Graph, type Value} from "../graph.js";
import {broadcasting, full} from "./broadcast.js";
import {lowerings, type KernelCall} from "./index.js";
import {expand, reshape, slice, transpose} from "./layout.js";

function operators(graph: Graph): string[] {
  return graph.nodes.map(({op}) => op);
}

function lower(graph: Graph, kernel: string, call: Partial<KernelCall>, contrib = true): Value {
  const lowering = lowerings.get(kernel);
  assert.ok(lowering, kernel);
  const [result] = lowering?.(graph, {inputs: {}, list: [], attrs: {}, ...call}, {contrib}) ?? [];
  return result as Value;
}

test("reshapes in a row become one, and none where the shape is back", () => {
  const graph = new Graph();
  const x = graph.input([2, 6], "float32");
  const there = reshape(graph, x, [3, 4]);
  assert.is(reshape(graph, there, [2, 6]), x);
  const other = reshape(graph, there, [12]);
  assert.is(graph.producer(other)?.inputs[0], x);
});

test("transpositions in a row become one; axes of length 1 only change the shape", () => {
  const graph = new Graph();
  const x = graph.input([2, 3, 4], "float32");
  const moved = transpose(graph, x, [1, 2, 0]);
  assert.equal(moved.shape, [3, 4, 2]);
  assert.is(transpose(graph, moved, [2, 0, 1]), x);
  const twice = transpose(graph, moved, [1, 0, 2]);
  assert.equal(graph.producer(twice)?.attributes["perm"], [2, 1, 0]);
  const y = graph.input([1, 3, 1, 5], "float32");
  assert.is(graph.producer(transpose(graph, y, [1, 0, 3, 2]))?.op, "Reshape");
});

test("a slice of everything is the value itself", () => {
  const graph = new Graph();
  const x = graph.input([2, 3], "float32");
  assert.is(slice(graph, x, [{axis: 1, begin: 0, size: 3}]), x);
  assert.equal(slice(graph, x, [{axis: 1, begin: 2, size: 3, step: -1}]).shape, [2, 3]);
});

test("the gradient of a sum stays small: one number a row meets a full tensor only in the operator", () => {
  const graph = new Graph();
  const x = graph.input([4, 1000], "float32");
  const dy = graph.input([4, 1], "float32");
  const ones = full(graph, 1, [4, 1000], "float32");
  const repeated = lower(graph, "Multiply", {inputs: {a: dy, b: ones}});
  assert.equal(repeated.shape, [4, 1000]);
  const product = lower(graph, "Multiply", {inputs: {a: repeated, b: x}});
  assert.equal(product.shape, [4, 1000]);
  const inputs = graph.producer(product)?.inputs.map((value) => value?.shape);
  assert.equal(inputs, [
    [4, 1],
    [4, 1000],
  ]);
});

test("operators on repeated values run before the repetition", () => {
  const graph = new Graph();
  const small = graph.input([1, 3], "float32");
  const large = expand(graph, small, [5, 3]);
  const result = broadcasting(graph, [large], ([value], shape) =>
    graph.one("Exp", [value], shape, "float32"),
  );
  assert.equal(result.shape, [5, 3]);
  assert.equal(operators(graph).at(-1), "Expand");
  assert.equal(graph.producer(result)?.inputs[0]?.shape, [1, 3]);
});

test("an exported graph has no operators of ONNX Runtime's own", () => {
  for (const contrib of [true, false]) {
    const graph = new Graph();
    const a = graph.input([2, 3, 4], "float32");
    const b = graph.input([2, 5, 4], "float32");
    const result = lower(
      graph,
      "BatchMatMul",
      {inputs: {a, b}, attrs: {transposeA: false, transposeB: true}},
      contrib,
    );
    assert.equal(result.shape, [2, 3, 5]);
    assert.is(
      graph.nodes.some(({domain}) => domain === CONTRIB_DOMAIN),
      contrib,
    );
  }
});

test.run();

import {test} from "uvu";
import * as assert from "uvu/assert";

import {Graph, type Value} from "./graph.js";
import {simplify} from "./simplify.js";

function operators(graph: Graph): string[] {
  return simplify(graph).nodes.map(({op}) => op);
}

test("multiplying by one and adding zero vanish, but not where they change the shape", () => {
  const graph = new Graph();
  const x = graph.input([3], "float32");
  const ones = graph.one("Expand", [graph.scalar(1, "float32"), graph.ints([3])], [3], "float32");
  const product = graph.one("Mul", [x, ones], [3], "float32");
  const sum = graph.one("Add", [graph.scalar(0, "float32"), product], [3], "float32");
  graph.output(graph.one("Neg", [sum], [3], "float32"));
  assert.equal(operators(graph), ["Neg"]);

  const wider = new Graph();
  const y = wider.input([3], "float32");
  const many = wider.one("Expand", [wider.scalar(1, "float32"), wider.ints([2, 3])], [2, 3], "float32");
  wider.output(wider.one("Mul", [y, many], [2, 3], "float32"));
  assert.equal(operators(wider), ["Expand", "Mul"]);
});

test("transposes and reshapes in a row become one or none", () => {
  const graph = new Graph();
  const x = graph.input([2, 3, 4], "float32");
  const transpose = (value: Value, perm: number[]): Value =>
    graph.one(
      "Transpose",
      [value],
      perm.map((axis) => value.shape[axis] as number),
      "float32",
      {perm},
    );
  const back = transpose(transpose(x, [1, 2, 0]), [2, 0, 1]);
  const flat = graph.one("Reshape", [back, graph.ints([24])], [24], "float32");
  const square = graph.one("Reshape", [flat, graph.ints([4, 6])], [4, 6], "float32");
  graph.output(graph.one("Neg", [square], [4, 6], "float32"));
  const turned = transpose(transpose(x, [1, 0, 2]), [0, 2, 1]);
  graph.output(graph.one("Abs", [turned], [3, 4, 2], "float32"));
  const {nodes} = simplify(graph);
  // The two turns amount to the first transpose of the other chain, which is therefore used again.
  assert.equal(
    nodes.map(({op}) => op),
    ["Transpose", "Reshape", "Neg", "Abs"],
  );
  assert.equal(nodes[0]?.attributes, {perm: [1, 2, 0]});
  assert.is(nodes[1]?.inputs[0], x);
});

test("a sum of squares is taken in one pass", () => {
  const graph = new Graph();
  const x = graph.input([4, 5], "float32");
  const square = graph.one("Mul", [x, x], [4, 5], "float32");
  graph.output(graph.one("ReduceSum", [square, graph.ints([1])], [4], "float32", {keepdims: 0}));
  const whole = graph.input([4, 5], "int32");
  const wholeSquare = graph.one("Mul", [whole, whole], [4, 5], "int32");
  graph.output(graph.one("ReduceSum", [wholeSquare, graph.ints([1])], [4], "int32", {keepdims: 0}));
  const {nodes} = simplify(graph);
  assert.equal(
    nodes.map(({op}) => op),
    ["ReduceSumSquare", "Mul", "ReduceSum"],
  );
  assert.equal(nodes[0]?.attributes, {keepdims: 0, axes: [1]});
});

test("a copy to full size before a broadcasting operator is not made", () => {
  const graph = new Graph();
  const x = graph.input([4, 5], "float32");
  const row = graph.input([5], "float32");
  const full = graph.one("Expand", [row, graph.ints([4, 5])], [4, 5], "float32");
  graph.output(graph.one("Mul", [full, x], [4, 5], "float32"));
  const {nodes} = simplify(graph);
  assert.equal(
    nodes.map(({op, inputs}) => [op, inputs]),
    [["Mul", [row, x]]],
  );
});

test("equal computations are done once, and what no output needs is not done", () => {
  const graph = new Graph();
  const x = graph.input([2], "float32");
  const first = graph.one("Exp", [x], [2], "float32");
  const second = graph.one("Exp", [x], [2], "float32");
  graph.one("Neg", [x], [2], "float32");
  graph.output(graph.one("Add", [first, second], [2], "float32"));
  const {nodes} = simplify(graph);
  assert.equal(
    nodes.map(({op, inputs}) => [op, inputs]),
    [
      ["Exp", [x]],
      ["Add", [first, first]],
    ],
  );
});

test("operators that differ in an infinite attribute only are kept apart", () => {
  const graph = new Graph();
  const x = graph.input([2], "float32");
  const clip = (alpha: number): Value => graph.one("Elu", [x], [2], "float32", {alpha: {float: alpha}});
  graph.output(graph.one("Sub", [clip(Infinity), clip(-Infinity)], [2], "float32"));
  graph.output(graph.one("Add", [clip(Infinity), clip(NaN)], [2], "float32"));
  assert.equal(operators(graph), ["Elu", "Elu", "Sub", "Elu", "Add"]);
});

test.run();

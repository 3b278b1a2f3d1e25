import {test} from "uvu";
import * as assert from "uvu/assert";

import {mayShare} from "./aliasing.js";
import {Graph, type Value} from "./graph.js";

const SIZE = [2, 2];

/** A graph with an old value, a change, and a new value that is their difference. */
function update(): {graph: Graph; old: Value; change: Value} {
  const graph = new Graph();
  return {graph, old: graph.input(SIZE, "float32"), change: graph.input(SIZE, "float32")};
}

test("an element-wise update may happen in place", () => {
  const {graph, old, change} = update();
  const next = graph.one("Sub", [old, change], SIZE, "float32");
  assert.equal(mayShare(graph, [{old, next}]), [true]);
});

test("not if another node may read the old value after the update", () => {
  const {graph, old, change} = update();
  const next = graph.one("Sub", [old, change], SIZE, "float32");
  graph.output(graph.one("ReduceSum", [old], [], "float32"));
  assert.equal(mayShare(graph, [{old, next}]), [false]);
});

test("if the update depends on every other reader it may", () => {
  const {graph, old, change} = update();
  const norm = graph.one("ReduceSum", [old], [], "float32");
  const next = graph.one("Sub", [old, graph.one("Mul", [change, norm], SIZE, "float32")], SIZE, "float32");
  assert.equal(mayShare(graph, [{old, next}]), [true]);
});

test("a late reader behind a transpose or a scaling counts as a reader", () => {
  for (const op of ["Transpose", "Mul"]) {
    const {graph, old, change} = update();
    const seen = graph.one(op, op === "Mul" ? [old, graph.scalar(2, "float32")] : [old], SIZE, "float32");
    const next = graph.one("Sub", [seen, change], SIZE, "float32");
    graph.one("MatMul", [change, seen], SIZE, "float32");
    assert.equal(mayShare(graph, [{old, next}]), [false], op);
  }
});

test("a product never overwrites its own operand", () => {
  const {graph, old, change} = update();
  const next = graph.one("MatMul", [old, change], SIZE, "float32");
  assert.equal(mayShare(graph, [{old, next}]), [false]);
});

test("a value that nothing reads may be overwritten", () => {
  const {graph, change} = update();
  const next = graph.one("Neg", [change], SIZE, "float32");
  assert.equal(mayShare(graph, [{old: undefined, next}]), [true]);
});

test.run();

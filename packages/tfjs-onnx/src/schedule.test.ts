import {test} from "uvu";
import * as assert from "uvu/assert";

import {Graph, type Value} from "./graph.js";
import {schedule} from "./schedule.js";

/** Two gradients of 4 096 numbers each, whose squares are summed after both, as a clipped training step does. */
function twoGradients(): {graph: Graph; names: Map<Value, string>} {
  const graph = new Graph();
  const x = graph.input([64, 64], "float32");
  const names = new Map<Value, string>();
  const named = (name: string, value: Value): Value => {
    names.set(value, name);
    return value;
  };
  const gradients = ["a", "b"].map((name) => named(name, graph.one("Relu", [x], [64, 64], "float32")));
  const squares = gradients.map((gradient, index) =>
    named(
      `square ${index}`,
      graph.one("ReduceSumSquare", [gradient], [], "float32", {axes: [0, 1], keepdims: 0}),
    ),
  );
  const norm = named("norm", graph.one("Add", squares, [], "float32"));
  for (const gradient of gradients) {
    graph.output(named("result", graph.one("Mul", [gradient, norm], [64, 64], "float32")));
  }
  return {graph, names};
}

test("what sums up a large value runs as soon as the value is there", () => {
  const {graph, names} = twoGradients();
  const order = schedule(graph).map(({outputs}) => names.get(outputs[0] as Value));
  assert.equal(order, ["a", "square 0", "b", "square 1", "norm", "result", "result"]);
});

test("the order stays topological and has every node once", () => {
  const {graph} = twoGradients();
  const order = schedule(graph);
  assert.is(new Set(order).size, graph.nodes.length);
  const done = new Set<Value>(graph.inputs);
  for (const node of order) {
    for (const input of node.inputs) assert.ok(input && done.has(input));
    for (const output of node.outputs) done.add(output);
  }
});

test("a value that is large is not made before it is asked for", () => {
  const graph = new Graph();
  const x = graph.input([8], "float32");
  const small = graph.one("Relu", [x], [8], "float32");
  const other = graph.one("Neg", [x], [8], "float32");
  const large = graph.one("Expand", [small, graph.ints([100, 8])], [100, 8], "float32");
  graph.output(graph.one("Add", [large, other], [100, 8], "float32"));
  assert.equal(
    schedule(graph).map(({op}) => op),
    ["Relu", "Neg", "Expand", "Add"],
  );
});

test.run();

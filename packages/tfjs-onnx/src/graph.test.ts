import {test} from "uvu";
import * as assert from "uvu/assert";

import {Graph} from "./graph.js";

test("constants with equal content are stored once, others are not", () => {
  const graph = new Graph();
  const one = graph.scalar(1, "float32");
  assert.is(graph.scalar(1, "float32"), one);
  assert.is.not(graph.scalar(1, "int32"), one);
  assert.is.not(graph.constant(Float32Array.of(1), [1], "float32"), one);
  assert.is.not(graph.scalar(-0, "float32"), graph.scalar(0, "float32"));
  assert.is(graph.ints([2, 3]), graph.constant([2n, 3n], [2], "int64"));
  assert.is(graph.initializers.length, 6);
});

test("a constant of another size than its shape is refused", () => {
  assert.throws(
    () => new Graph().constant(Float32Array.of(1, 2), [3], "float32"),
    /shape \[3\] needs 3 elements, got 2/,
  );
});

test("conversions that lose nothing cancel, others stay", () => {
  const graph = new Graph();
  const mask = graph.input([4], "bool");
  const numbers = graph.cast(mask, "float32");
  assert.is(graph.cast(mask, "bool"), mask);
  assert.is(graph.cast(mask, "float32"), numbers);
  assert.is(graph.cast(numbers, "bool"), mask);
  assert.is(graph.nodes.length, 1);
  const real = graph.input([4], "float32");
  const whole = graph.cast(real, "int32");
  assert.is.not(graph.cast(whole, "float32"), real);
  assert.is(graph.cast(graph.cast(whole, "int64"), "int32"), whole);
});

test("a conversion from int64 to int32 stays, for it may drop high bits", () => {
  const graph = new Graph();
  const wide = graph.input([4], "int64");
  const narrow = graph.cast(wide, "int32");
  assert.is(graph.producer(graph.cast(narrow, "float32"))?.inputs[0], narrow);
  assert.is.not(graph.cast(narrow, "int64"), wide);
});

test.run();

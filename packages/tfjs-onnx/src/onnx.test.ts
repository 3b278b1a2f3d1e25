import {test} from "uvu";
import * as assert from "uvu/assert";

import {CONTRIB_DOMAIN, Graph} from "./graph.js";
import {encodeModel, encodeModelPieces} from "./onnx.js";

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** Hexadecimal bytes of an ASCII text. */
function text(string: string): string {
  return hex(new TextEncoder().encode(string));
}

test("a model of one node is the bytes that the format prescribes", () => {
  const graph = new Graph();
  const x = graph.input([2, 300], "float32");
  graph.output(graph.one("Neg", [x], [2, 300], "float32"));
  // Field numbers from onnx.proto; 300 is the two-byte varint ac 02.
  const type = (name: string): string => `${text(name)} 12 0f 0a 0d 08 01 12 09 0a 02 08 02 0a 03 08 ac 02`;
  const node = `0a 0d 0a 02 ${text("v0")} 12 02 ${text("v1")} 22 03 ${text("Neg")}`;
  const body = `${node} 12 04 ${text("tfjs")} 5a 15 0a 02 ${type("v0")} 62 15 0a 02 ${type("v1")}`;
  const length = body.split(" ").length.toString(16);
  const opset = `42 04 0a 00 10 11`;
  assert.is(hex(encodeModel(graph)), `08 08 12 05 ${text("claps")} 3a ${length} ${body} ${opset}`);
});

test("attributes of every kind, an absent input and the domain are encoded", () => {
  const graph = new Graph();
  const x = graph.input([1], "float32");
  const attributes = {axis: -1, perm: [1, 0], mode: "linear", alpha: {float: 0.5}, scales: {floats: [2]}};
  graph.output(graph.one("Any", [x, undefined, x], [1], "float32", attributes, CONTRIB_DOMAIN));
  const encoded = hex(encodeModel(graph));
  // -1 takes ten bytes: protocol buffers extend the sign to 64 bits.
  const expected = [
    `0a 04 ${text("axis")} 18 ff ff ff ff ff ff ff ff ff 01 a0 01 02`,
    `0a 04 ${text("perm")} 40 01 40 00 a0 01 07`,
    `0a 04 ${text("mode")} 22 06 ${text("linear")} a0 01 03`,
    `0a 05 ${text("alpha")} 15 00 00 00 3f a0 01 01`,
    `0a 06 ${text("scales")} 3d 00 00 00 40 a0 01 06`,
    `0a 02 ${text("v0")} 0a 00 0a 02 ${text("v0")} 12 02 ${text("v1")}`,
    `3a 0d ${text(CONTRIB_DOMAIN)}`,
    `42 11 0a 0d ${text(CONTRIB_DOMAIN)} 10 01`,
  ];
  for (const part of expected) assert.ok(encoded.includes(part), part);
});

test("constants keep their raw bytes, shape and element type", () => {
  const graph = new Graph();
  const ints = graph.ints([-1, 2]);
  graph.output(graph.one("Reshape", [graph.input([2], "float32"), ints], [2], "float32"));
  const raw = "ff ff ff ff ff ff ff ff 02 00 00 00 00 00 00 00";
  assert.ok(hex(encodeModel(graph)).includes(`08 02 10 07 42 02 ${text(ints.name)} 4a 10 ${raw}`));
});

test("large constants are referred to, not copied, and the whole is the same bytes", () => {
  const graph = new Graph();
  const numbers = new Float32Array(20_000).map((_, index) => index);
  const x = graph.input([20_000], "float32");
  const sum = graph.one("Add", [x, graph.constant(numbers, [20_000], "float32")], [20_000], "float32");
  graph.output(graph.one("Mul", [sum, graph.scalar(2, "float32")], [20_000], "float32"));
  const pieces = encodeModelPieces(graph);
  assert.ok(pieces.some((piece) => piece.buffer === numbers.buffer));
  assert.ok(pieces.filter((piece) => piece.buffer !== numbers.buffer).every(({length}) => length < 1000));
  const whole = encodeModel(graph);
  assert.equal(hex(whole), pieces.map((piece) => hex(piece)).join(" "));
  // 80 000 bytes are the varint 80 f1 04; they begin with the numbers 0 and 1.
  assert.ok(hex(whole).includes(`4a 80 f1 04 00 00 00 00 00 00 80 3f`));
});

test("constants in another file are encoded as their place", () => {
  const graph = new Graph();
  const x = graph.input([2], "float32");
  const weight = graph.constant(Float32Array.of(1, 2), [2], "float32");
  graph.output(graph.one("Add", [x, weight], [2], "float32"));
  const [initializer] = graph.initializers;
  const external = new Map([[initializer as (typeof graph.initializers)[0], {file: "w", offset: 4096}]]);
  const [bytes] = encodeModelPieces(graph, {name: "n", external}) as [Uint8Array];
  const entry = (key: string, value: string): string => {
    const length = (string: string): string => string.length.toString(16).padStart(2, "0");
    const fields = `0a ${length(key)} ${text(key)} 12 ${length(value)} ${text(value)}`;
    return `6a ${length(`${key}${value}1234`)} ${fields}`;
  };
  const places = [entry("location", "w"), entry("offset", "4096"), entry("length", "8")].join(" ");
  assert.ok(hex(bytes).includes(`08 02 10 01 42 02 ${text(weight.name)} ${places} 70 01`));
  assert.ok(hex(bytes).includes(`12 01 ${text("n")}`));
});

test.run();

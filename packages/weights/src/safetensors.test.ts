import {readFileSync} from "node:fs";
import {WeightError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {encodeSafetensors, parseSafetensors} from "./safetensors.js";
import {storedFloat32} from "./stored-tensor.js";
import type {StoredTensor} from "./stored-tensor.js";

/** A file from a header and a number of zero bytes behind it. */
function file(header: string | Uint8Array, dataBytes = 0, length?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

function tensorHeader(fields: Record<string, unknown>): string {
  return JSON.stringify({x: {dtype: "F32", shape: [2], data_offsets: [0, 8], ...fields}});
}

function refusal(bytes: Uint8Array): WeightError {
  try {
    parseSafetensors(bytes, "a.safetensors");
  } catch (error) {
    assert.instance(error, WeightError);
    assert.match((error as WeightError).message, "a.safetensors");
    return error as WeightError;
  }
  throw new Error("expected a refusal");
}

const fixture = readFileSync(new URL("../fixtures/matcher.safetensors", import.meta.url));

test("reads a file of the original implementation", () => {
  const {tensors, metadata} = parseSafetensors(fixture);
  assert.equal(metadata, {format: "pt"});
  assert.is(tensors.size, 12);
  // Values as Python's struct module reads them from the same bytes.
  assert.equal([...(tensors.get("input.class_labels.0")?.data ?? [])], [2n, 0n, 1n, 0n]);
  assert.equal(tensors.get("input.logits")?.shape, [2, 14, 12]);
  const logits = tensors.get("input.logits")?.data as Float32Array;
  assert.equal([...logits.subarray(0, 2)], [-4.299278736114502, 1.4576528072357178]);
});

test("writes the very bytes of the original implementation", () => {
  const {tensors, metadata} = parseSafetensors(fixture);
  const shuffled = new Map([...tensors].reverse());
  assert.is(Buffer.compare(encodeSafetensors(shuffled, metadata), fixture), 0);
});

test("lays a file out as worked out by hand", () => {
  const bytes = encodeSafetensors(
    new Map<string, StoredTensor>([
      ["b", {dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3)}],
      ["a", storedFloat32([], Float32Array.of(1))],
    ]),
  );
  const header =
    '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[3],"data_offsets":[4,7]}}';
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8, " ");
  assert.equal([...bytes.subarray(0, 8)], [padded.length, 0, 0, 0, 0, 0, 0, 0]);
  assert.is(new TextDecoder().decode(bytes.subarray(8, 8 + padded.length)), padded);
  assert.equal([...bytes.subarray(8 + padded.length)], [0, 0, 0x80, 0x3f, 1, 2, 3]);
});

test("accepts no tensors, empty tensors, single numbers and blanks behind the header", () => {
  assert.is(parseSafetensors(file("{}")).tensors.size, 0);
  assert.is(parseSafetensors(file("{}   ")).tensors.size, 0);
  const header = JSON.stringify({
    none: {dtype: "F32", shape: [0, 5], data_offsets: [0, 0]},
    one: {dtype: "F32", shape: [], data_offsets: [0, 4]},
  });
  const {tensors} = parseSafetensors(file(header, 4));
  assert.equal(tensors.get("none")?.shape, [0, 5]);
  assert.equal([...(tensors.get("one")?.data ?? [])], [0]);
});

test("keeps a tensor and a text named __proto__ as data", () => {
  const tensors = new Map([["__proto__", storedFloat32([1], Float32Array.of(3))]]);
  const metadata = Object.fromEntries([["__proto__", "x"]]);
  const parsed = parseSafetensors(encodeSafetensors(tensors, metadata));
  assert.equal([...(parsed.tensors.get("__proto__")?.data ?? [])], [3]);
  assert.is(Object.getPrototypeOf(parsed.metadata), Object.prototype);
  assert.equal(Object.entries(parsed.metadata), [["__proto__", "x"]]);
});

test("keeps NaN and infinities", () => {
  const tensors = new Map([["x", storedFloat32([2], Float32Array.of(NaN, -Infinity))]]);
  assert.equal(
    [...(parseSafetensors(encodeSafetensors(tensors)).tensors.get("x")?.data ?? [])],
    [NaN, -Infinity],
  );
});

const refusals: [what: string, bytes: Uint8Array, code: string][] = [
  ["an empty file", new Uint8Array(0), "header-too-small"],
  ["seven bytes", new Uint8Array(7), "header-too-small"],
  ["a header of more than 100 MB", file("{}", 0, 100_000_001n), "header-too-large"],
  ["a length that no double can hold", file("{}", 0, 0xffff_ffff_ffff_ffffn), "header-too-large"],
  ["a header longer than the file", file("{}", 0, 3n), "header-length"],
  ["an empty header", file(""), "header-start"],
  ["a header that does not start with a brace", file(" {}"), "header-start"],
  ["a byte-order mark", file("\ufeff{}"), "header-start"],
  ["a header that is not UTF-8", file(Uint8Array.of(0x7b, 0xff, 0x7d)), "header-encoding"],
  ["a header that is not JSON", file("{x}"), "invalid-json"],
  ["text behind the header's end", file("{}x"), "invalid-json"],
  [
    "a tensor that stands twice",
    file(
      '{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
    ),
    "duplicate-name",
  ],
  ["a tensor without a record", file('{"x":1}'), "tensor-info"],
  ["a shape that is not a list", file(tensorHeader({shape: 2}), 8), "tensor-info"],
  ["a negative size", file(tensorHeader({shape: [-2]}), 8), "tensor-info"],
  ["a fraction as size", file(tensorHeader({shape: [1.5]}), 8), "tensor-info"],
  ["a text as size", file(tensorHeader({shape: ["2"]}), 8), "tensor-info"],
  ["missing offsets", file(tensorHeader({data_offsets: undefined}), 8), "tensor-info"],
  ["three offsets", file(tensorHeader({data_offsets: [0, 8, 8]}), 8), "tensor-info"],
  ["an 8-bit float", file(tensorHeader({dtype: "F8_E4M3"}), 8), "unknown-dtype"],
  ["a 4-bit integer", file(tensorHeader({dtype: "I4"}), 8), "unknown-dtype"],
  ["a type from the object prototype", file(tensorHeader({dtype: "constructor"}), 8), "unknown-dtype"],
  ["a shape that needs other bytes than it has", file(tensorHeader({shape: [3]}), 8), "tensor-info"],
  ["a gap before the first tensor", file(tensorHeader({data_offsets: [4, 12]}), 12), "tensor-offset"],
  ["an end before the start", file(tensorHeader({data_offsets: [0, -8]}), 8), "tensor-info"],
  [
    "offsets turned round",
    file(
      '{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}',
      4,
    ),
    "tensor-offset",
  ],
  [
    "two tensors on the same bytes",
    file(
      '{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}',
      4,
    ),
    "tensor-offset",
  ],
  [
    "tensors that overlap",
    file(
      '{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}',
      6,
    ),
    "tensor-offset",
  ],
  [
    "a gap between tensors",
    file(
      '{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}}',
      9,
    ),
    "tensor-offset",
  ],
  ["a product beyond 2^53", file(tensorHeader({shape: [4294967296, 4294967296]}), 8), "overflow"],
  [
    "a product that wraps round to the right size in 64 bits",
    file(tensorHeader({shape: [2 ** 31, 2 ** 31, 2]}), 8),
    "overflow",
  ],
  [
    "an offset beyond 2^53",
    file('{"x":{"dtype":"U8","shape":[0],"data_offsets":[9007199254740993,9007199254740993]}}'),
    "overflow",
  ],
  ["a file cut in the middle of a tensor", file(tensorHeader({}), 7), "incomplete-buffer"],
  ["bytes behind the last tensor", file(tensorHeader({}), 9), "incomplete-buffer"],
  ["metadata that is no record", file('{"__metadata__":[]}'), "metadata"],
  ["a number in the metadata", file('{"__metadata__":{"a":1}}'), "metadata"],
];

for (const [what, bytes, code] of refusals) {
  test(`refuses ${what}`, () => assert.is(refusal(bytes).code, code));
}

test("says what a file that is no safetensors file looks like", () => {
  const text = (start: string): Uint8Array =>
    Uint8Array.from(start.padEnd(64, " "), (letter) => letter.charCodeAt(0));
  assert.match(refusal(text("version https://git-lfs.github.com/spec/v1")).message, "git lfs pull");
  assert.match(refusal(text("PK\u0003\u0004")).message, "save_file");
  assert.match(refusal(text("\u0080\u0002}")).message, "never opened");
  assert.match(refusal(text("<!DOCTYPE html>")).message, "failed download");
});

test("refuses to write what could not be read back", () => {
  const good = storedFloat32([1], Float32Array.of(1));
  assert.throws(() => encodeSafetensors(new Map([["__metadata__", good]])), /reserved/);
  assert.throws(() => encodeSafetensors(new Map([["\ud800", good]])), /surrogate/);
  const short: StoredTensor = {dtype: "F32", shape: [2], data: Float32Array.of(1)};
  assert.throws(
    () => encodeSafetensors(new Map([["x", short]])),
    /expected 2 numbers of F32 for shape \[2\], got 1/,
  );
  assert.throws(() => storedFloat32([2, 2], Float32Array.of(1)), /Expected 4 numbers/);
});

test.run();

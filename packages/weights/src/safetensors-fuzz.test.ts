import {WeightError} from "@claps/core";
import * as fc from "fast-check";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {encodeSafetensors, parseSafetensors} from "./safetensors.js";
import {bytesPerElement, elementCount, storedDtypes, viewElements} from "./stored-tensor.js";
import type {StoredTensor} from "./stored-tensor.js";

const tensor = fc
  .record({
    dtype: fc.constantFrom(...storedDtypes),
    shape: fc.array(fc.integer({min: 0, max: 4}), {maxLength: 4}),
    fill: fc.integer({min: 0, max: 255}),
  })
  .map(({dtype, shape, fill}): StoredTensor => {
    const bytes = new Uint8Array(elementCount(shape) * bytesPerElement(dtype));
    bytes.forEach((_, index) => (bytes[index] = (fill + 37 * index) % 256));
    return {dtype, shape, data: viewElements(dtype, bytes)};
  });

const name = fc.string({unit: "grapheme", maxLength: 12}).filter((text) => text !== "__metadata__");
const tensors = fc.uniqueArray(fc.tuple(name, tensor), {selector: ([key]) => key, maxLength: 6});
const texts = fc.dictionary(name, fc.string({unit: "grapheme"}), {noNullPrototype: true, maxKeys: 3});

function bytesOf({data}: StoredTensor): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

test("what was written reads back bit by bit, at any alignment", () => {
  fc.assert(
    fc.property(tensors, texts, fc.integer({min: 0, max: 7}), (entries, metadata, shift) => {
      const encoded = encodeSafetensors(new Map(entries), metadata);
      const shifted = new Uint8Array(encoded.length + shift);
      shifted.set(encoded, shift);
      const parsed = parseSafetensors(shifted.subarray(shift));
      assert.is(parsed.tensors.size, entries.length);
      assert.equal(Object.entries(parsed.metadata).sort(), Object.entries(metadata).sort());
      for (const [key, original] of entries) {
        const read = parsed.tensors.get(key);
        assert.is(read?.dtype, original.dtype);
        assert.equal(read?.shape, original.shape);
        assert.ok(read !== undefined && bytesOf(read).equals(bytesOf(original)));
      }
    }),
    {numRuns: 300, seed: 11},
  );
});

test("a damaged file is refused with a code or read with exactly its own bytes", () => {
  const valid = encodeSafetensors(
    new Map<string, StoredTensor>([
      ["layer.weight", {dtype: "F32", shape: [2, 3], data: new Float32Array(6)}],
      ["layer.bias", {dtype: "F16", shape: [3], data: new Uint16Array(3)}],
      ["ids", {dtype: "I64", shape: [1, 2], data: new BigInt64Array(2)}],
    ]),
    {format: "pt"},
  );
  const headerBytes = Number(new DataView(valid.buffer).getBigUint64(0, true));
  const change = fc.tuple(fc.integer({min: 0, max: 7 + headerBytes}), fc.integer({min: 0, max: 255}));
  let refused = 0;
  fc.assert(
    fc.property(
      fc.array(change, {minLength: 1, maxLength: 4}),
      fc.integer({min: -9, max: 9}),
      (changes, extra) => {
        const damaged = new Uint8Array(valid.length + extra);
        damaged.set(valid.subarray(0, damaged.length));
        for (const [position, value] of changes) damaged[position] = value;
        try {
          const parsed = parseSafetensors(damaged);
          const bytes = [...parsed.tensors.values()].reduce((sum, {data}) => sum + data.byteLength, 0);
          assert.ok(bytes <= damaged.length - 8);
        } catch (error) {
          assert.instance(error, WeightError);
          assert.is.not((error as WeightError).code, "weights", (error as WeightError).message);
          refused++;
        }
      },
    ),
    {numRuns: 3000, seed: 13},
  );
  assert.ok(refused > 2000, `only ${refused} of 3000 damaged files were refused`);
});

test.run();

import {WeightError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {toFloat32, toInt32} from "./convert.js";

test("widens half floats exactly", () => {
  // Bits and values from IEEE 754: one, minus two, largest, smallest normal, smallest subnormal, both zeros.
  const bits = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x03ff, 0x0000, 0x8000, 0x3555);
  const values = toFloat32({dtype: "F16", shape: [9], data: bits});
  assert.equal([...values.slice(0, 6)], [1, -2, 65504, 2 ** -14, 2 ** -24, 1023 * 2 ** -24]);
  assert.ok(Object.is(values[6], 0) && Object.is(values[7], -0));
  assert.is(values[8], 0.333251953125);
});

test("keeps the infinities and NaN of half floats", () => {
  const values = toFloat32({dtype: "F16", shape: [3], data: Uint16Array.of(0x7c00, 0xfc00, 0x7e00)});
  assert.equal([...values], [Infinity, -Infinity, NaN]);
});

test("widens bfloat16 exactly", () => {
  const bits = Uint16Array.of(0x3f80, 0xc000, 0x4049, 0x7f80, 0x0001);
  const values = toFloat32({dtype: "BF16", shape: [5], data: bits});
  assert.equal([...values], [1, -2, 3.140625, Infinity, 2 ** -133]);
});

test("gives float32 back without a copy and turns other types into it", () => {
  const data = Float32Array.of(1, 2);
  assert.is(toFloat32({dtype: "F32", shape: [2], data}), data);
  assert.equal([...toFloat32({dtype: "I64", shape: [2], data: BigInt64Array.of(-3n, 5n)})], [-3, 5]);
  assert.equal([...toFloat32({dtype: "F64", shape: [1], data: Float64Array.of(0.1)})], [Math.fround(0.1)]);
});

test("turns whole numbers into int32 and refuses others", () => {
  assert.equal(
    [...toInt32({dtype: "I64", shape: [2], data: BigInt64Array.of(-2147483648n, 7n)})],
    [-2147483648, 7],
  );
  assert.throws(
    () => toInt32({dtype: "I64", shape: [1], data: BigInt64Array.of(2147483648n)}),
    /32 bits, got 2147483648/,
  );
  assert.throws(
    () => toInt32({dtype: "F32", shape: [1], data: Float32Array.of(1)}),
    (error: unknown) => error instanceof WeightError && error.code === "dtype",
  );
});

test.run();

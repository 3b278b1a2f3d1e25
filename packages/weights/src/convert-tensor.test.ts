import {WeightError, createRandom} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {convertTensor} from "./convert-tensor.js";
import type {ConvertOptions, FloatDtype} from "./convert-tensor.js";
import {toFloat32} from "./convert.js";
import {countNotFinite} from "./not-finite.js";
import {storedFloat32} from "./stored-tensor.js";
import type {StoredTensor} from "./stored-tensor.js";

function refusal(tensor: StoredTensor, dtype: FloatDtype, options?: ConvertOptions): WeightError {
  try {
    convertTensor(tensor, dtype, options);
  } catch (error) {
    assert.instance(error, WeightError);
    return error as WeightError;
  }
  throw new Error("expected a refusal");
}

const wide = (...numbers: number[]): StoredTensor => ({
  dtype: "F64",
  shape: [numbers.length],
  data: Float64Array.from(numbers),
});
const single = (...numbers: number[]): StoredTensor =>
  storedFloat32([numbers.length], Float32Array.from(numbers));

// Number, bits of torch.float16, bits of torch.bfloat16, from PyTorch 2.15 (tensor.to(dtype).view(int16)).
const torch: [number: number, half: number, brain: number][] = [
  [0, 0x0000, 0x0000],
  [-0, 0x8000, 0x8000],
  [1, 0x3c00, 0x3f80],
  [-2, 0xc000, 0xc000],
  [65504, 0x7bff, 0x4780],
  [65519.99609375, 0x7bff, 0x4780],
  [2 ** -14, 0x0400, 0x3880],
  [2 ** -24, 0x0001, 0x3380],
  [2 ** -25, 0x0000, 0x3300],
  [2 ** -25 * 1.0001, 0x0001, 0x3300],
  [3 * 2 ** -25, 0x0002, 0x33c0],
  [1023.5 * 2 ** -24, 0x0400, 0x3880],
  [1022.5 * 2 ** -24, 0x03fe, 0x3880],
  [2 ** -14 - 2 ** -25, 0x0400, 0x3880],
  [2049, 0x6800, 0x4500],
  [2051, 0x6802, 0x4500],
  [0.1, 0x2e66, 0x3dcd],
  [1e-40, 0x0000, 0x0001],
  [2 ** -133, 0x0000, 0x0001],
  [2 ** -134, 0x0000, 0x0000],
  [3 * 2 ** -134, 0x0000, 0x0002],
  [2 ** -149, 0x0000, 0x0000],
  [1.00390625, 0x3c04, 0x3f80],
  [1.01171875, 0x3c0c, 0x3f82],
  [-1.00390625, 0xbc04, 0xbf80],
  [1e-8, 0x0000, 0x322c],
  [6e-8, 0x0001, 0x3381],
];

test("rounds as PyTorch does, subnormal numbers and ties included", () => {
  const numbers = single(...torch.map(([number]) => number));
  const hex = (values: Iterable<number | bigint>): string[] => [...values].map((bits) => bits.toString(16));
  const {data: half} = convertTensor(numbers, "F16");
  const {data: brain} = convertTensor(numbers, "BF16");
  assert.equal(hex(half), hex(torch.map(([, bits]) => bits)));
  assert.equal(hex(brain), hex(torch.map(([, , bits]) => bits)));
});

test("every half float and bfloat16 comes back from float32 as it was", () => {
  const finite = (dtype: "F16" | "BF16", exponent: number): StoredTensor => {
    const data = Uint16Array.from({length: 65536}, (_, bits) => bits).filter(
      (bits) => (bits & 0x7fff) < exponent,
    );
    return {dtype, shape: [data.length], data};
  };
  for (const tensor of [finite("F16", 0x7c00), finite("BF16", 0x7f80)]) {
    const back = convertTensor(convertTensor(tensor, "F32"), tensor.dtype as FloatDtype);
    assert.equal(back.data, tensor.data);
  }
});

test("the nearest number is taken: no neighbour is nearer", () => {
  const random = createRandom("rounding");
  const numbers = Float32Array.from({length: 4000}, () => random.normal() * 2 ** (random.integer(45) - 30));
  for (const dtype of ["F16", "BF16"] as const) {
    const {data} = convertTensor(storedFloat32([numbers.length], numbers), dtype);
    const bits = data as Uint16Array;
    const valuesOf = (offset: number): Float32Array =>
      toFloat32({dtype, shape: [bits.length], data: bits.map((half) => half + offset)});
    const [rounded, above, below] = [valuesOf(0), valuesOf(1), valuesOf(-1)];
    numbers.forEach((number, index) => {
      const distance = Math.abs((rounded[index] ?? NaN) - number);
      for (const other of [above, below]) {
        const farther = Math.abs((other[index] ?? NaN) - number);
        assert.not(farther < distance, `${number} became ${rounded[index]} in ${dtype}`);
      }
    });
  }
});

test("doubles are rounded once, not twice", () => {
  // 1 + 2^-11 lies halfway between two half floats; a grain more must go up, which float32 between would lose.
  const data = wide(1 + 2 ** -11, 1 + 2 ** -11 + 2 ** -40, 1 + 2 ** -8 + 2 ** -40, -(2 ** -25) - 2 ** -60);
  assert.equal([...convertTensor(data, "F16").data], [0x3c00, 0x3c01, 0x3c04, 0x8001]);
  assert.equal([...convertTensor(data, "BF16").data].slice(0, 3), [0x3f80, 0x3f80, 0x3f81]);
  assert.equal([...convertTensor(wide(0.1), "F32").data], [Math.fround(0.1)]);
});

test("what becomes infinite is an error that names the tensor and the number", () => {
  const error = refusal(single(1, -65520), "F16", {name: "proj.weight"});
  assert.is(error.code, "float-overflow");
  assert.match(error.message, '"proj.weight"');
  assert.match(error.message, "got -65520 at position 1");
  assert.is(refusal(single(3.4e38), "BF16").code, "float-overflow");
  assert.is(refusal(wide(1e300), "F32").code, "float-overflow");
  assert.match(refusal(wide(1e300), "F16").message, "got 1e+300");
  assert.is(refusal(single(Infinity), "F32").code, "float-overflow");
});

test("infinite numbers pass where they are allowed", () => {
  const allowed = {allowInfinite: true};
  assert.equal(
    [...convertTensor(single(65520, -Infinity, 1e30), "F16", allowed).data],
    [0x7c00, 0xfc00, 0x7c00],
  );
  assert.equal([...convertTensor(single(3.4e38, -Infinity), "BF16", allowed).data], [0x7f80, 0xff80]);
  assert.equal([...convertTensor(wide(-1e300), "F32", allowed).data], [-Infinity]);
});

test("NaN is refused, also without a change of type", () => {
  for (const dtype of ["F32", "F16", "BF16"] as const) {
    const error = refusal(single(NaN, 1, NaN), dtype, {name: "bias", allowInfinite: true});
    assert.is(error.code, "not-a-number");
    assert.match(error.message, /"bias".*NaN 2 times/);
  }
  assert.is(refusal({dtype: "BF16", shape: [1], data: Uint16Array.of(0x7f81)}, "F32").code, "not-a-number");
});

test("a tensor of the type already is given back as it is; whole numbers are refused", () => {
  const tensor = single(1);
  assert.is(convertTensor(tensor, "F32"), tensor);
  assert.is(refusal({dtype: "I64", shape: [1], data: BigInt64Array.of(1n)}, "F16").code, "dtype");
  assert.is(refusal(tensor, "F8" as FloatDtype).code, "dtype");
  assert.equal(convertTensor(storedFloat32([0, 3], new Float32Array(0)), "F16").shape, [0, 3]);
});

test("counts what is not finite in every type", () => {
  assert.equal(countNotFinite(single(0, Infinity, NaN)), {nan: 1, infinite: 1, position: 1});
  assert.equal(countNotFinite(wide(NaN)), {nan: 1, infinite: 0, position: 0});
  const bits = Uint16Array.of(0x7bff, 0x7c00, 0xfe00);
  assert.equal(countNotFinite({dtype: "F16", shape: [3], data: bits}), {nan: 1, infinite: 1, position: 1});
  const brain = Uint16Array.of(0x7f7f, 0xff80, 0x7fc0);
  assert.equal(countNotFinite({dtype: "BF16", shape: [3], data: brain}), {nan: 1, infinite: 1, position: 1});
  assert.is(countNotFinite({dtype: "U16", shape: [3], data: bits}), undefined);
  assert.is(countNotFinite(single(1)), undefined);
});

test.run();

import {WeightError} from "@claps/core";
import type {StoredTensor} from "./stored-tensor.js";

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

let halfTable: Float32Array | undefined;

function halfToFloat32(bits: Uint16Array): Float32Array {
  // Every half float there is, looked up: tens of times faster than a computation of each.
  halfTable ??= Float32Array.from({length: 65536}, (_, half) => halfToNumber(half));
  const numbers = new Float32Array(bits.length);
  for (let index = 0; index < bits.length; index++) numbers[index] = halfTable[bits[index] ?? 0] ?? 0;
  return numbers;
}

function brainToFloat32(bits: Uint16Array): Float32Array {
  // A bfloat16 is the upper half of a float32.
  const words = new Uint32Array(bits.length);
  for (let index = 0; index < bits.length; index++) words[index] = (bits[index] ?? 0) << 16;
  return new Float32Array(words.buffer);
}

/**
 * The numbers of a stored tensor as float32.
 *
 * @param tensor - Any element type; F16 and BF16 are widened exactly, F64 is rounded.
 * @returns The same array where it is float32 already, else a new one.
 * @example
 * ```ts
 * toFloat32({dtype: "F16", shape: [2], data: Uint16Array.of(0x3c00, 0xc000)}); // [1, -2]
 * ```
 *
 * Source: IEEE 754-2019 binary16; bfloat16 as the upper half of binary32.
 */
export function toFloat32(tensor: StoredTensor): Float32Array {
  const {data, dtype} = tensor;
  if (data instanceof Float32Array) return data;
  if (dtype === "F16") return halfToFloat32(data as Uint16Array);
  if (dtype === "BF16") return brainToFloat32(data as Uint16Array);
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}

/**
 * The numbers of a stored tensor of whole numbers as int32.
 *
 * @param tensor - An integer or BOOL tensor.
 * @throws WeightError if the tensor holds fractions or a number does not fit 32 bits.
 * @example
 * ```ts
 * toInt32({dtype: "I64", shape: [1], data: BigInt64Array.of(-3n)}); // [-3]
 * ```
 */
export function toInt32(tensor: StoredTensor): Int32Array {
  const {data, dtype} = tensor;
  if (data instanceof Int32Array) return data;
  if (dtype.includes("F")) {
    throw new WeightError(`Expected whole numbers, got a tensor of type ${dtype}.`, {code: "dtype"});
  }
  return Int32Array.from(data as ArrayLike<number | bigint>, (value) => {
    if (value < -2147483648 || value > 2147483647) {
      throw new WeightError(`Expected whole numbers of 32 bits, got ${value}.`, {code: "overflow"});
    }
    return Number(value);
  });
}

import {WeightError, unknownNameMessage} from "@claps/core";
import {toFloat32} from "./convert.js";
import {countNotFinite} from "./not-finite.js";
import {roundToBrain, roundToHalf, roundToOdd} from "./round-to-sixteen-bits.js";
import type {StoredData, StoredTensor} from "./stored-tensor.js";

/** An element type for numbers with a fraction that weights are saved in. */
export type FloatDtype = "F32" | "F16" | "BF16";

/** Every element type that `convertTensor` converts to. */
export const floatDtypes: readonly FloatDtype[] = ["F32", "F16", "BF16"];

/** Options of {@link convertTensor}. */
export interface ConvertOptions {
  /** Name of the tensor, for messages. */
  name?: string;
  /** Whether numbers may be or become infinite; otherwise they are an error. */
  allowInfinite?: boolean;
}

function converted({dtype, data, shape}: StoredTensor, target: FloatDtype): StoredData {
  if (dtype === target) return data;
  const isWide = data instanceof Float64Array;
  if (target === "F32") return toFloat32({dtype, data, shape});
  const numbers = isWide ? roundToOdd(data) : toFloat32({dtype, data, shape});
  return target === "F16" ? roundToHalf(numbers) : roundToBrain(numbers);
}

/**
 * A tensor with another element type: rounded to the nearest number that it has, ties to even.
 *
 * @param tensor - Numbers of F64, F32, F16 or BF16.
 * @param dtype - F32, F16 or BF16; subnormal numbers are kept.
 * @param options - Its name, and whether infinities may stand in the result.
 * @returns The same tensor if it has the type already.
 * @throws WeightError with code `not-a-number` for NaN, `float-overflow` for a number that the type cannot hold or
 * that is infinite already, `dtype` for a tensor of whole numbers.
 * @example
 * ```ts
 * convertTensor(storedFloat32([2], Float32Array.of(1, -2)), "F16").data; // [0x3c00, 0xc000]
 * ```
 *
 * Source: IEEE 754-2019, rounding to nearest, ties to even; binary32 and binary16; bfloat16 as the upper half of
 * binary32.
 *
 * Differs: PyTorch rounds F64 twice on the way to 16 bits; here every number is rounded once.
 */
export function convertTensor(
  tensor: StoredTensor,
  dtype: FloatDtype,
  options: ConvertOptions = {},
): StoredTensor {
  const {name = "without a name", allowInfinite = false} = options;
  const label = `Tensor "${name}"`;
  if (!floatDtypes.includes(dtype)) {
    throw new WeightError(unknownNameMessage("element type", String(dtype), floatDtypes), {code: "dtype"});
  }
  if (!tensor.dtype.includes("F")) {
    throw new WeightError(
      `${label}: expected numbers of F64, F32, F16 or BF16, got ${tensor.dtype}; leave whole numbers as they are.`,
      {code: "dtype"},
    );
  }
  const before = countNotFinite(tensor);
  if (before !== undefined && before.nan > 0) {
    throw new WeightError(
      `${label}: expected numbers, got NaN ${before.nan} times; the file is damaged or its training diverged.`,
      {code: "not-a-number"},
    );
  }
  const result = {dtype, shape: tensor.shape, data: converted(tensor, dtype)};
  const after = allowInfinite ? undefined : countNotFinite(result);
  if (after !== undefined) {
    const {position} = after;
    throw new WeightError(
      `${label}: expected numbers that ${dtype} can hold, got ${String(valueAt(tensor, position))} at position ${position}, which becomes infinite; choose another type, or allow infinite numbers.`,
      {code: "float-overflow"},
    );
  }
  return tensor.dtype === dtype ? tensor : result;
}

function valueAt({dtype, data}: StoredTensor, position: number): number {
  const one = data.slice(position, position + 1);
  if (one instanceof Float64Array) return one[0] ?? NaN;
  return toFloat32({dtype, shape: [1], data: one})[0] ?? NaN;
}

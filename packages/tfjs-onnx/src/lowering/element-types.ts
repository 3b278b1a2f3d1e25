import type {DataType} from "@tensorflow/tfjs-core";

import {UnsupportedLoweringError} from "../errors.js";
import type {Graph, Value, ValueType} from "../graph.js";
import type {KernelCall} from "./lowering.js";

const RANK: Readonly<Record<ValueType, number>> = {bool: 0, int32: 1, int64: 2, float32: 3};

/** The wider of two element types: bool, then int32, then float32. */
export function upcast(a: ValueType, b: ValueType): ValueType {
  return RANK[a] >= RANK[b] ? a : b;
}

/** The narrowest type with arithmetic that holds every value of the given type: int32 for bool. */
export function arithmeticType(dtype: ValueType): ValueType {
  return dtype === "bool" ? "int32" : dtype;
}

/**
 * Element type among the attributes of a kernel.
 *
 * @throws UnsupportedLoweringError for strings and complex numbers.
 */
export function typeAttribute({attrs}: KernelCall, fallback: ValueType): ValueType {
  const dtype = (attrs["dtype"] ?? fallback) as DataType;
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new UnsupportedLoweringError(`expected dtype float32, int32 or bool, got ${dtype}`);
}

/**
 * The value in another element type, with the rules of JavaScript's typed arrays.
 *
 * float32 to int32 rounds towards zero and wraps modulo 2^32; NaN and the infinities become 0. anything to bool is
 * "not equal to 0", so NaN is true.
 */
export function convert(graph: Graph, value: Value, dtype: ValueType): Value {
  if (value.dtype !== "float32" || dtype !== "int32") return graph.cast(value, dtype);
  // A direct conversion gives -2^31 for all that does not fit. By way of int64 the low 32 bits are those of
  // JavaScript; the remainder between the two conversions keeps ONNX Runtime from merging them into one.
  const wide = graph.cast(value, "int64");
  const wrapped = graph.one("Mod", [wide, graph.scalar(2 ** 32, "int64")], value.shape, "int64");
  return graph.cast(wrapped, "int32");
}

import type {TensorInfo} from "@tensorflow/tfjs-core";

import type {OnnxBackend} from "./backend.js";
import {UnsupportedLoweringError} from "./errors.js";
import {runOnCpu} from "./fallback.js";
import {sizeOf, type Graph, type Value, type ValueType} from "./graph.js";
import {valueTypeOf, type Numbers} from "./storage.js";

function isEmpty({shape}: Value): boolean {
  return sizeOf(shape) === 0;
}

const ARRAYS = {float32: Float32Array, int32: Int32Array, bool: Uint8Array} as const;

/** Zeros in the shape of a value, as a tensor of the backend. */
function zeros(backend: OnnxBackend, {shape, dtype}: Value): TensorInfo {
  const type = dtype === "int64" ? "int32" : dtype;
  return backend.own(new ARRAYS[type](sizeOf(shape)), shape, type);
}

/** A kernel call with the values that stand for its tensors, some of them empty. */
export interface EmptyCall {
  readonly graph: Graph;
  readonly backend: OnnxBackend;
  readonly name: string;
  /** Values in the order of the inputs, by name. */
  readonly entries: readonly (readonly [string, Value])[];
  /** Whether the kernel takes a list. */
  readonly isList: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Results of the plain implementation on zeros, as shapes and numbers. */
function tryOnZeros({
  backend,
  name,
  entries,
  isList,
  attributes,
}: EmptyCall): {info: TensorInfo; numbers: Numbers}[] {
  const tensors = entries.map(([key, value]) => [key, zeros(backend, value)] as const);
  const inputs = isList ? tensors.map(([, info]) => info) : Object.fromEntries(tensors);
  const made: TensorInfo[] = [];
  try {
    made.push(...[runOnCpu(name, backend, inputs, attributes as never)].flat());
    return made.map((info) => ({info, numbers: backend.numbersOf(info).slice()}));
  } finally {
    for (const {dataId} of [...tensors.map(([, info]) => info), ...made]) backend.disposeData(dataId, true);
  }
}

/** The value that stands for an empty tensor. */
export function emptyValue(graph: Graph, shape: readonly number[], dtype: ValueType): Value {
  const type = dtype === "int64" ? "int32" : dtype;
  return graph.constant(new ARRAYS[type](0), shape, type);
}

/**
 * Results of a kernel that reads an empty tensor, as constants: nothing empty ever runs in ONNX Runtime.
 *
 * Shapes are told by the plain implementation, which runs on zeros. Where all inputs are empty its numbers are the
 * result, such as the 0 of an empty sum.
 *
 * @throws UnsupportedLoweringError if the result is not empty and depends on further inputs that have numbers.
 */
export function emptyResults(call: EmptyCall): Value[] {
  const {graph, entries} = call;
  const full = entries.filter(([, value]) => !isEmpty(value));
  return tryOnZeros(call).map(({info, numbers}) => {
    const dtype = valueTypeOf(info.dtype) ?? "float32";
    if (numbers.length > 0 && full.length > 0) {
      const empty = entries.filter(([, value]) => isEmpty(value)).map(([name]) => `'${name}'`);
      throw new UnsupportedLoweringError(`input ${empty.join(", ")} is empty`);
    }
    return graph.constant(numbers, info.shape, dtype);
  });
}

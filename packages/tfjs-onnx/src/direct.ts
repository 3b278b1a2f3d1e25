import type {NamedAttrMap, TensorInfo} from "@tensorflow/tfjs-core";

import type {OnnxBackend} from "./backend.js";
import {sizeOf} from "./graph.js";
import {pool, type Numbers} from "./storage.js";

type Inputs = Readonly<Record<string, TensorInfo>>;

/** A kernel that is faster as a loop over the numbers than as a session; undefined where it does not apply. */
type DirectKernel = (backend: OnnxBackend, inputs: Inputs, attrs: NamedAttrMap) => TensorInfo | undefined;

/** Rows [rows, width] of numbers with the place that each is added to. */
interface Addends {
  readonly numbers: Numbers;
  readonly width: number;
  readonly placeOf: (row: number) => number;
  readonly rows: number;
}

/** Adds rows in order, in double precision; rows with a negative place are left out. */
function addRows({numbers, width, placeOf, rows}: Addends, places: number): Float64Array {
  const sums = new Float64Array(places * width);
  for (let row = 0; row < rows; row++) {
    const place = placeOf(row);
    if (place < 0) continue;
    const [from, to] = [row * width, place * width];
    for (let column = 0; column < width; column++) {
      sums[to + column] = (sums[to + column] as number) + (numbers[from + column] as number);
    }
  }
  return sums;
}

function stored(
  backend: OnnxBackend,
  sums: Float64Array,
  shape: readonly number[],
  dtype: "float32" | "int32" | "bool",
): TensorInfo {
  const numbers = pool.acquire(dtype, sums.length);
  if (dtype === "bool") sums.forEach((sum, index) => (numbers[index] = sum === 0 ? 0 : 1));
  else numbers.set(sums);
  return backend.own(numbers, shape, dtype);
}

const unsortedSegmentSum: DirectKernel = (backend, {x, segmentIds}, attrs) => {
  if (!x || segmentIds?.dtype !== "int32" || x.dtype !== "float32") return undefined;
  const segments = attrs["numSegments"] as number;
  const rows = sizeOf(segmentIds.shape);
  const inner = x.shape.slice(segmentIds.shape.length);
  const ids = backend.numbersOf(segmentIds);
  const placeOf = (row: number): number => {
    const id = ids[row] as number;
    return id < segments ? id : -1;
  };
  const addends = {numbers: backend.numbersOf(x), width: sizeOf(inner), placeOf, rows};
  return stored(backend, addRows(addends, segments), [segments, ...inner], "float32");
};

const scatterNd: DirectKernel = (backend, {indices, updates}, attrs) => {
  if (!updates || indices?.dtype !== "int32") return undefined;
  const {dtype} = updates;
  if (dtype !== "float32" && dtype !== "int32" && dtype !== "bool") return undefined;
  const shape = attrs["shape"] as number[];
  const depth = indices.shape.length > 1 ? (indices.shape.at(-1) as number) : 1;
  const lengths = shape.slice(0, depth);
  const tuples = backend.numbersOf(indices);
  const placeOf = (row: number): number =>
    lengths.reduce((place, length, axis) => place * length + (tuples[row * depth + axis] as number), 0);
  const width = sizeOf(shape.slice(depth));
  const addends = {numbers: backend.numbersOf(updates), width, placeOf, rows: tuples.length / depth};
  return stored(backend, addRows(addends, sizeOf(lengths)), shape, dtype);
};

/**
 * Kernels that run as plain loops when they are run at once: sums over few places of rows that are many. ONNX Runtime's
 * own operator loses additions on several threads, and the ways around it make large matrices that a kernel by itself
 * has no memory for.
 */
export const directKernels: Readonly<Record<string, DirectKernel>> = {
  ScatterNd: scatterNd,
  UnsortedSegmentSum: unsortedSegmentSum,
};

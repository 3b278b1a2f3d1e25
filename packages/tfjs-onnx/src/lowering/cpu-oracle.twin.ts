import "@tensorflow/tfjs-backend-cpu";

import * as tf from "@tensorflow/tfjs-core";
import * as assert from "uvu/assert";

import {compile} from "../compile.js";
import {sizeOf} from "../graph.js";
import {registerOnnxBackend} from "../register.js";

/** Element types that the comparisons use. */
export type DType = "float32" | "int32" | "bool";

/** A tensor that belongs to no backend yet. */
export interface PlainTensor {
  readonly values: readonly number[];
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Inputs of a kernel by name, or a list of them. */
export type PlainInputs = Readonly<Record<string, PlainTensor>> | readonly PlainTensor[];

/** A small seeded generator (linear congruential, 32 bits), so that every run compares the same numbers. */
export class Numbers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return this.#state / 2 ** 32;
  }

  /** A whole number in 0..end - 1. */
  integer(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** One of the items. */
  choice<T>(items: readonly T[]): T {
    return items[this.integer(items.length)] as T;
  }

  /** A shape of the given rank with dimensions from 1 to `largest`. */
  shape(rank: number, largest = 4): number[] {
    return Array.from({length: rank}, () => 1 + this.integer(largest));
  }

  /** A tensor of random numbers in [low, high), rounded down unless it is float32. */
  tensor(shape: readonly number[], dtype: DType = "float32", low = -3, high = 3): PlainTensor {
    const values = Array.from({length: sizeOf(shape)}, () => {
      if (dtype === "bool") return this.integer(2);
      const value = low + (high - low) * this.next();
      return dtype === "int32" ? Math.floor(value) : Math.fround(value);
    });
    return {values, shape, dtype};
  }
}

/** A tensor with the given numbers, of rank 1 unless a shape is given. */
export function plain(
  values: readonly number[],
  dtype: DType = "float32",
  shape: readonly number[] = [values.length],
): PlainTensor {
  return {values, shape, dtype};
}

interface PlainResult {
  readonly values: readonly number[];
  readonly shape: readonly number[];
  readonly dtype: string;
}

function build({values, shape, dtype}: PlainTensor): tf.Tensor {
  const data =
    dtype === "float32"
      ? Float32Array.from(values)
      : dtype === "int32"
        ? Int32Array.from(values)
        : Uint8Array.from(values);
  return tf.tensor(data, [...shape], dtype);
}

function call(
  kernel: string,
  tensors: readonly tf.Tensor[],
  inputs: PlainInputs,
  attrs: tf.NamedAttrMap,
): tf.Tensor[] {
  const given = Array.isArray(inputs)
    ? tensors
    : Object.fromEntries(Object.keys(inputs).map((name, index) => [name, tensors[index]]));
  const result = tf.engine().runKernel(kernel, given as unknown as tf.NamedTensorMap, attrs) as unknown;
  return (Array.isArray(result) ? result : [result]) as tf.Tensor[];
}

function read(tensors: readonly tf.Tensor[]): PlainResult[] {
  return tensors.map((tensor) => ({
    values: Array.from(tensor.dataSync()),
    shape: tensor.shape,
    dtype: tensor.dtype,
  }));
}

function inTidy(run: () => PlainResult[]): PlainResult[] {
  let results: PlainResult[] = [];
  tf.tidy(() => {
    results = run();
  });
  return results;
}

/** How a comparison is made. */
export interface Comparison {
  /** Largest difference, relative to the larger of the expected value and 1. */
  readonly tolerance?: number;
  /** Computes what the plain backend has no kernel for, by operations that it has. */
  readonly reference?: ((...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[]) | undefined;
}

/** Runs a kernel on the plain JavaScript backend. */
export async function runPlain(
  kernel: string,
  inputs: PlainInputs,
  attrs: tf.NamedAttrMap = {},
): Promise<PlainResult[]> {
  await tf.setBackend("cpu");
  return inTidy(() => read(call(kernel, Object.values(inputs).map(build), inputs, attrs)));
}

/** Runs operations on the plain JavaScript backend. */
async function runReference(
  reference: (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[],
  inputs: PlainInputs,
): Promise<PlainResult[]> {
  await tf.setBackend("cpu");
  return inTidy(() => read([reference(...Object.values(inputs).map(build))].flat()));
}

/** Runs a kernel by itself on ONNX Runtime. */
export async function runEager(
  kernel: string,
  inputs: PlainInputs,
  attrs: tf.NamedAttrMap = {},
): Promise<PlainResult[]> {
  await chooseOnnx();
  return inTidy(() => read(call(kernel, Object.values(inputs).map(build), inputs, attrs)));
}

/** Runs a kernel as part of a compiled graph; inputs of rank 0 and larger ones alike are arguments. */
export async function runCompiled(
  kernel: string,
  inputs: PlainInputs,
  attrs: tf.NamedAttrMap = {},
): Promise<PlainResult[]> {
  await chooseOnnx();
  const run = compile((...tensors: tf.Tensor[]) => call(kernel, tensors, inputs, attrs), {
    check: "once",
    threads: 2,
  });
  try {
    return inTidy(() => read(run(...Object.values(inputs).map(build))));
  } finally {
    run.dispose();
  }
}

let registered = false;

/** Makes ONNX Runtime the current backend. */
export async function chooseOnnx(): Promise<void> {
  if (!registered) registerOnnxBackend({threads: 2});
  registered = true;
  await tf.setBackend("onnx");
}

/** Whether two numbers are equal within a tolerance; NaN equals NaN only, an infinity only itself. */
export function close(actual: number, expected: number, tolerance: number): boolean {
  if (Object.is(actual, expected) || actual === expected) return true;
  return Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected));
}

function describe(inputs: PlainInputs): string {
  return Object.entries(inputs)
    .map(([name, {shape, dtype}]: [string, PlainTensor]) => `${name} ${dtype}[${shape.join()}]`)
    .join(" ");
}

function compareResults(
  actual: readonly PlainResult[],
  expected: readonly PlainResult[],
  tolerance: number,
  what: string,
): void {
  assert.is(actual.length, expected.length, `${what}: number of results`);
  expected.forEach((wanted, index) => {
    const got = actual[index] as PlainResult;
    assert.equal(got.shape, wanted.shape, `${what}: shape`);
    assert.is(got.dtype, wanted.dtype, `${what}: element type`);
    const wrong = wanted.values.findIndex(
      (value, position) => !close(got.values[position] as number, value, tolerance),
    );
    assert.is(
      wrong,
      -1,
      `${what}: element ${wrong} of result ${index}: got ${got.values[wrong]}, expected ${wanted.values[wrong]}`,
    );
  });
}

/**
 * Asserts that a kernel gives the same by itself and inside a compiled graph as on the plain JavaScript backend.
 *
 * @returns What the plain backend gave.
 */
export async function sameAsPlain(
  kernel: string,
  inputs: PlainInputs,
  attrs: tf.NamedAttrMap = {},
  {tolerance = 1e-5, reference}: Comparison = {},
): Promise<PlainResult[]> {
  const what = `${kernel}(${describe(inputs)} ${JSON.stringify(attrs)})`;
  const expected = await (reference ? runReference(reference, inputs) : runPlain(kernel, inputs, attrs));
  compareResults(await runEager(kernel, inputs, attrs), expected, tolerance, `${what} eager`);
  compareResults(await runCompiled(kernel, inputs, attrs), expected, tolerance, `${what} compiled`);
  return expected;
}

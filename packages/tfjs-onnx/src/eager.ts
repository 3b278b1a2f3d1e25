import {util, type NamedAttrMap, type TensorInfo} from "@tensorflow/tfjs-core";

import type {OnnxBackend} from "./backend.js";
import {directKernels} from "./direct.js";
import {UnsupportedLoweringError} from "./errors.js";
import {runOnCpu} from "./fallback.js";
import {Graph, sizeOf, type Value} from "./graph.js";
import {looksOutside} from "./look-up-bounds.js";
import type {Lowering} from "./lowering/index.js";
import {encodeModel} from "./onnx.js";
import {presentInputs} from "./present-inputs.js";
import {nativeTensor, type NativeTensor} from "./session.node.js";
import {SessionCache, type CachedSession} from "./session-cache.js";
import {pool, valueTypeOf} from "./storage.js";
import {addCloser, setCores} from "./thread-budget.js";
import {attributesKey} from "./trace.js";

/** Kernels whose result is a list even when it holds one tensor. */
export const LIST_KERNELS: ReadonlySet<string> = new Set(["SplitV", "Unpack", "TopK", "LayerNormalization"]);

/** Kernels that gain from several threads when there is enough to do. */
const PRODUCT_KERNELS: ReadonlySet<string> = new Set(["BatchMatMul", "_FusedMatMul"]);
const CONVOLUTION_KERNELS: ReadonlySet<string> = new Set([
  "Conv2D",
  "FusedConv2D",
  "Conv2DBackpropInput",
  "Conv2DBackpropFilter",
  "DepthwiseConv2dNative",
]);
const REDUCTION_KERNELS: ReadonlySet<string> = new Set([
  "Softmax",
  "LogSoftmax",
  "Sum",
  "Mean",
  "Max",
  "Min",
  "Prod",
]);

/** Below this many operations the start of a second thread costs more than it saves. */
const LEAST_PARALLEL_OPERATIONS = 1e6;

/** A session for one kernel on given shapes, with the outputs it makes. */
interface KernelSession extends CachedSession {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

const cache = new SessionCache<KernelSession>();
addCloser(() => cache.closeParallel(), true);

/** Threads that large eager kernels use. */
let eagerThreads = 1;

/** Sets how many threads large kernels use outside compiled functions. */
export function setEagerThreads(threads: number): void {
  eagerThreads = threads;
  setCores(threads);
  cache.clear();
}

/** A rough count of the arithmetic of one kernel call. */
function operationsOf(kernelName: string, inputs: readonly Value[], outputs: readonly Value[]): number {
  const sizes = inputs.map(({shape}) => sizeOf(shape));
  const result = sizeOf(outputs[0]?.shape ?? []);
  if (PRODUCT_KERNELS.has(kernelName)) {
    const [left = 1, right = 1] = sizes;
    return 2 * Math.sqrt(left * right * result);
  }
  if (CONVOLUTION_KERNELS.has(kernelName)) {
    const [, second] = inputs;
    const channels = second?.shape.at(-1) ?? 1;
    return (2 * Math.max(...sizes, result) * Math.max(Math.min(...sizes), channels)) / channels;
  }
  return REDUCTION_KERNELS.has(kernelName) ? (sizes[0] ?? 0) : 0;
}

function build(
  kernelName: string,
  infos: readonly (readonly [string, TensorInfo])[],
  attrs: NamedAttrMap,
  lowering: Lowering,
): KernelSession {
  const graph = new Graph();
  const inputs = infos.map(([, {shape, dtype}]) => graph.input(shape, valueTypeOf(dtype) ?? "float32"));
  const named = Object.fromEntries(infos.map(([name], index) => [name, inputs[index] as Value]));
  const results = lowering(graph, {inputs: named, list: inputs, attrs}, {contrib: true});
  if (results.some(({shape}) => sizeOf(shape) === 0)) {
    throw new UnsupportedLoweringError("the result is empty");
  }
  const outputs = results.map((value) => graph.outputOf(value));
  const parallel = operationsOf(kernelName, inputs, outputs) > LEAST_PARALLEL_OPERATIONS;
  const session = cache.open(encodeModel(graph), parallel ? eagerThreads : 1);
  return {session, inputs, outputs};
}

function run(
  kernel: KernelSession,
  backend: OnnxBackend,
  infos: readonly (readonly [string, TensorInfo])[],
): TensorInfo[] {
  const feeds: Record<string, NativeTensor> = {};
  kernel.inputs.forEach((value, index) => {
    const numbers = backend.numbersOf((infos[index] as readonly [string, TensorInfo])[1]);
    feeds[value.name] = nativeTensor(value.dtype, numbers, value.shape);
  });
  const fetches: Record<string, NativeTensor> = {};
  const results = kernel.outputs.map((value) => {
    const numbers = pool.acquire(value.dtype, sizeOf(value.shape));
    fetches[value.name] = nativeTensor(value.dtype, numbers, value.shape);
    return numbers;
  });
  kernel.session.run(feeds, fetches);
  return kernel.outputs.map(({shape, dtype}, index) =>
    backend.own(results[index] as (typeof results)[number], shape, dtype as "float32" | "int32" | "bool"),
  );
}

/** Whether a tensor can be fed to ONNX Runtime: it has numbers and is not empty. */
function feedable(backend: OnnxBackend, {dataId, shape}: TensorInfo): boolean {
  return backend.get(dataId).numbers !== undefined && sizeOf(shape) > 0;
}

/**
 * Runs one kernel at once: in ONNX Runtime where its lowering allows, else in plain JavaScript.
 *
 * @throws OnnxEngineError `symbolic-read` if an input exists only in a trace.
 */
export function runKernel(
  kernelName: string,
  backend: OnnxBackend,
  inputs: object,
  attributes: NamedAttrMap | undefined,
  lowering: Lowering,
): TensorInfo | TensorInfo[] {
  const infos = presentInputs(inputs);
  const attrs = attributes ?? {};
  const feedableInputs = infos.every(([, info]) => feedable(backend, info));
  if (!feedableInputs || looksOutside(kernelName, backend, infos, attrs))
    return runOnCpu(kernelName, backend, inputs, attrs);
  const direct = directKernels[kernelName]?.(backend, Object.fromEntries(infos), attrs);
  if (direct) return direct;
  const shapes = infos.map(([name, {shape, dtype}]) => `${name}:${dtype}[${shape.join()}]`).join();
  const key = `${kernelName}(${shapes})${attributesKey(attrs)}`;
  let kernel = cache.get(key);
  if (kernel === "unsupported") return runOnCpu(kernelName, backend, inputs, attrs);
  if (!kernel) {
    try {
      kernel = build(kernelName, infos, attrs, lowering);
    } catch (error) {
      if (!(error instanceof UnsupportedLoweringError)) throw error;
      cache.set(key, "unsupported");
      return runOnCpu(kernelName, backend, inputs, attrs);
    }
    cache.set(key, kernel);
  }
  const results = run(kernel, backend, infos);
  return LIST_KERNELS.has(kernelName) ? results : (results[0] as TensorInfo);
}

/** The same numbers under another shape, sharing memory. */
export function viewAs(backend: OnnxBackend, info: TensorInfo, shape: readonly number[]): TensorInfo {
  const size = sizeOf(info.shape);
  const known = util.inferFromImplicitShape([...shape], size);
  if (sizeOf(known) !== size) {
    throw new Error(
      `The new shape (${known.join()}) has ${sizeOf(known)} elements and the old shape (${info.shape.join()}) has ` +
        `${size} elements. The new shape and old shape must have the same number of elements.`,
    );
  }
  return backend.alias(info, known);
}

import {
  getKernel,
  getKernelsForBackend,
  registerKernel,
  util,
  type KernelFunc,
  type NamedAttrMap,
  type TensorInfo,
} from "@tensorflow/tfjs-core";

import type {OnnxBackend} from "./backend.js";
import {LIST_KERNELS, runKernel, viewAs} from "./eager.js";
import {OnnxEngineError} from "./errors.js";
import {runOnCpu} from "./fallback.js";
import {lowerings, type Lowering} from "./lowering/index.js";

/** Name under which the backend is registered. */
export const BACKEND_NAME = "onnx";

type Kernel = (
  backend: OnnxBackend,
  inputs: Readonly<Record<string, TensorInfo>>,
  attrs: NamedAttrMap,
) => TensorInfo | TensorInfo[];

/** Kernels that only rename memory when run at once. */
const VIEWS: Readonly<Record<string, (info: TensorInfo, attrs: NamedAttrMap) => readonly number[]>> = {
  Reshape: (_info, attrs) => attrs["shape"] as number[],
  ExpandDims: ({shape}, attrs) => {
    const dimension = attrs["dim"] as number;
    const rank = shape.length;
    util.assert(-(rank + 1) <= dimension && dimension <= rank, () => {
      return `Axis must be in the interval [${-(rank + 1)}, ${rank}], got ${dimension}`;
    });
    return shape.toSpliced(dimension < 0 ? rank + dimension + 1 : dimension, 0, 1);
  },
};

function identity(backend: OnnxBackend, info: TensorInfo): TensorInfo {
  return backend.trace ? backend.trace.alias(info) : backend.alias(info);
}

function lowered(name: string, lowering: Lowering): Kernel {
  return (backend, inputs, attrs) => {
    const [first] = Object.values(inputs);
    if (name === "Cast" && first?.dtype === attrs["dtype"]) return identity(backend, first as TensorInfo);
    const {trace} = backend;
    if (trace) {
      const results = trace.append(name, inputs, attrs, lowering);
      return LIST_KERNELS.has(name) ? results : (results[0] as TensorInfo);
    }
    const view = VIEWS[name];
    if (view && first) return viewAs(backend, first, view(first, attrs));
    return runKernel(name, backend, inputs, attrs, lowering);
  };
}

function fallback(name: string): Kernel {
  return (backend, inputs, attrs) => {
    if (backend.trace) {
      throw new OnnxEngineError(
        "unsupported",
        `kernel '${name}' has no ONNX counterpart yet, so it cannot be part of a compiled function: compute it ` +
          `outside and pass the result as an argument`,
      );
    }
    return runOnCpu(name, backend, inputs, attrs);
  };
}

function register(name: string, kernel: Kernel): void {
  if (getKernel(name, BACKEND_NAME)) return;
  const kernelFunc: KernelFunc = ({inputs, attrs, backend}) =>
    kernel(backend as OnnxBackend, inputs as Record<string, TensorInfo>, attrs ?? {});
  registerKernel({kernelName: name, backendName: BACKEND_NAME, kernelFunc});
}

/** Registers every kernel that has a lowering, and the plain JavaScript implementation of all others. */
export function registerKernels(): void {
  register("Identity", (backend, {x}) => identity(backend, x as TensorInfo));
  for (const [name, lowering] of lowerings) register(name, lowered(name, lowering));
  for (const {kernelName} of getKernelsForBackend("cpu")) register(kernelName, fallback(kernelName));
}

import {MathBackendCPU} from "@tensorflow/tfjs-backend-cpu";
import {
  getKernel,
  type DataId,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type TensorInfo,
} from "@tensorflow/tfjs-core";

import type {OnnxBackend} from "./backend.js";
import {presentInputs} from "./present-inputs.js";
import {toNumbers, type Numbers} from "./storage.js";

let cpuBackend: MathBackendCPU | undefined;

/** Carries tensors between this backend and a private instance of the plain JavaScript one. */
class Crossing {
  readonly #backend: OnnxBackend;
  readonly #cpu: MathBackendCPU;
  readonly #dataIds: DataId[] = [];
  /** Memory that belongs to some tensor already; a result that views it must be copied. */
  readonly #taken = new Set<ArrayBufferLike>();

  constructor(backend: OnnxBackend, cpu: MathBackendCPU) {
    this.#backend = backend;
    this.#cpu = cpu;
  }

  over(info: TensorInfo): TensorInfo {
    const {strings, complex} = this.#backend.get(info.dataId);
    if (complex) {
      const inputs = {real: this.over(complex.real), imag: this.over(complex.imag)};
      const made = getKernel("Complex", "cpu").kernelFunc({
        inputs,
        backend: this.#cpu,
        attrs: {},
      }) as TensorInfo;
      this.#dataIds.push(made.dataId);
      return {...made, shape: info.shape};
    }
    const numbers = strings ? undefined : this.#backend.numbersOf(info);
    if (numbers) this.#taken.add(numbers.buffer);
    const dataId = this.#cpu.write(strings ?? (numbers as Numbers), info.shape, info.dtype);
    this.#dataIds.push(dataId);
    // Some kernels ask for the rank, although only tensors have one.
    return {dataId, shape: info.shape, dtype: info.dtype, rank: info.shape.length} as TensorInfo;
  }

  back(info: TensorInfo): TensorInfo {
    this.#dataIds.push(info.dataId);
    const stored = this.#cpu.data.get(info.dataId) as {
      complexTensorInfos?: {real: TensorInfo; imag: TensorInfo};
    };
    if (stored.complexTensorInfos) {
      const {real, imag} = stored.complexTensorInfos;
      return {...this.#backend.ownComplex(this.back(real), this.back(imag)), shape: info.shape};
    }
    const values = this.#cpu.readSync(info.dataId);
    if (info.dtype === "string") return this.#backend.ownStrings(values as Uint8Array[], info.shape);
    // Some kernels give plain lists.
    let numbers = toNumbers(values as Numbers, info.dtype);
    if (this.#taken.has(numbers.buffer)) numbers = numbers.slice();
    this.#taken.add(numbers.buffer);
    return this.#backend.own(numbers, info.shape, info.dtype);
  }

  end(): void {
    for (const dataId of this.#dataIds) this.#cpu.disposeData(dataId, true);
  }
}

/**
 * Runs a kernel by TensorFlow.js's plain JavaScript implementation.
 *
 * @throws Error if that has no such kernel either.
 */
export function runOnCpu(
  kernelName: string,
  backend: OnnxBackend,
  inputs: object,
  attrs: NamedAttrMap | undefined,
): TensorInfo | TensorInfo[] {
  const kernel = getKernel(kernelName, "cpu");
  if (!kernel)
    throw new Error(`kernel '${kernelName}' exists neither for ONNX Runtime nor in plain JavaScript`);
  const cpu = (cpuBackend ??= new MathBackendCPU());
  const crossing = new Crossing(backend, cpu);
  try {
    // Kernels of ragged tensors take lists under one name.
    const over = (info: TensorInfo | TensorInfo[]): TensorInfo =>
      (Array.isArray(info) ? info.map((each) => crossing.over(each)) : crossing.over(info)) as TensorInfo;
    const moved = presentInputs(inputs).map(([name, info]) => [name, over(info)] as const);
    const cpuInputs = (
      Array.isArray(inputs) ? moved.map(([, info]) => info) : Object.fromEntries(moved)
    ) as NamedTensorInfoMap;
    const result = kernel.kernelFunc({inputs: cpuInputs, backend: cpu, attrs: attrs ?? {}});
    return Array.isArray(result) ? result.map((info) => crossing.back(info)) : crossing.back(result);
  } finally {
    crossing.end();
  }
}

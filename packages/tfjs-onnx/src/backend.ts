import {
  DataStorage,
  engine,
  KernelBackend,
  type BackendTimingInfo,
  type backend_util,
  type DataId,
  type DataType,
  type TensorInfo,
} from "@tensorflow/tfjs-core";

import {OnnxEngineError} from "./errors.js";
import {pool, toNumbers, valueTypeOf, type Numbers, type StoredData, type Symbolic} from "./storage.js";
import type {Trace} from "./trace.js";

type BackendValues = Float32Array | Int32Array | Uint8Array | Uint8Array[];

/** Operations of TensorFlow.js that draw random numbers in JavaScript. */
const RANDOM_OPERATIONS: ReadonlySet<string> = new Set(
  ["dropout", "multinomial", "rand", "randomGamma", "randomNormal", "randomStandardNormal", "randomUniform"]
    .concat(["randomUniformInt", "truncatedNormal"])
    .map((name) => `${name}__op`),
);

/**
 * The TensorFlow.js backend that keeps tensors as typed arrays and runs kernels in ONNX Runtime.
 *
 * While a function is traced for `compile` some tensors are symbolic: they have a shape and an
 * element type but no numbers yet, and reading them is an error.
 */
export class OnnxBackend extends KernelBackend {
  readonly #data = new DataStorage<StoredData>(this, engine());
  /** Symbolic tensors of finished traces that somebody may still hold. */
  readonly #ghosts = new WeakMap<DataId, string>();
  #trace: Trace | undefined;

  /** The trace in progress. */
  get trace(): Trace | undefined {
    return this.#trace;
  }

  /** Starts (or, with `undefined`, ends) tracing: kernels append to the trace instead of running. */
  setTrace(trace: Trace | undefined): void {
    this.#trace = trace;
  }

  /**
   * The stored data of a tensor; tensors of other backends are moved here first.
   *
   * @throws OnnxEngineError `symbolic-read` for a tensor that existed only during a finished trace.
   */
  get(dataId: DataId): StoredData {
    const ghost = this.#ghosts.get(dataId);
    if (ghost !== undefined) {
      throw new OnnxEngineError(
        "symbolic-read",
        `the tensor made by ${ghost} existed only while a function was being compiled: return it from the ` +
          `compiled function instead of keeping it in an outer variable`,
      );
    }
    if (!this.#data.has(dataId) && !engine().state.tensorInfo.has(dataId)) {
      throw new OnnxEngineError(
        "captured",
        "a tensor or variable that is used has been disposed, or belongs to an engine that was reset: make it anew",
      );
    }
    return this.#data.get(dataId);
  }

  /** Whether the tensor's data are here and alive. */
  has(dataId: DataId): boolean {
    return this.#data.has(dataId);
  }

  #store(data: Omit<StoredData, "references" | "disposed">, references = 1): DataId {
    const dataId = {};
    this.#data.set(dataId, {...data, references, disposed: false});
    return dataId;
  }

  #convert(values: BackendValues, dtype: DataType): Pick<StoredData, "numbers" | "strings" | "owned"> {
    if (dtype === "string") return {strings: values as Uint8Array[], owned: false};
    return {numbers: toNumbers(values as Numbers, dtype), owned: false};
  }

  override write(values: backend_util.BackendValues, _shape: number[], dtype: DataType): DataId {
    if (this.#trace) this.#refuseRandomNumbers();
    return this.#store({dtype, ...this.#convert(values, dtype), writtenDuring: this.#trace?.mark});
  }

  #refuseRandomNumbers(): void {
    const operation = engine().state.scopeStack.find(({name}) => RANDOM_OPERATIONS.has(name))?.name;
    if (operation === undefined) return;
    throw new OnnxEngineError(
      "frozen-value",
      `'${operation.replace("__op", "")}' draws its numbers in JavaScript, so a compiled function would use the ` +
        `same numbers in every call: draw them outside and pass the tensor as an argument`,
    );
  }

  override move(
    dataId: DataId,
    values: backend_util.BackendValues,
    _shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    this.#data.set(dataId, {
      dtype,
      ...this.#convert(values, dtype),
      references: refCount,
      disposed: false,
    });
  }

  override readSync(dataId: DataId): backend_util.BackendValues {
    const data = this.get(dataId);
    if (data.symbolic) throw symbolicRead(data.symbolic);
    if (data.complex) return this.#mergeComplex(data.complex);
    if (data.strings) return data.strings;
    data.owned = false;
    return data.numbers as Numbers;
  }

  override read(dataId: DataId): Promise<backend_util.BackendValues> {
    return new Promise((resolve) => resolve(this.readSync(dataId)));
  }

  #mergeComplex({real, imag}: {real: TensorInfo; imag: TensorInfo}): Float32Array {
    const reals = this.readSync(real.dataId) as Float32Array;
    const imaginaries = this.readSync(imag.dataId) as Float32Array;
    const merged = new Float32Array(reals.length * 2);
    reals.forEach((value, index) => {
      merged[2 * index] = value;
      merged[2 * index + 1] = imaginaries[index] as number;
    });
    return merged;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.#data.has(dataId)) return true;
    const data = this.#data.get(dataId);
    data.references--;
    if (!force && data.references > 0) return false;
    if (data.complex) {
      this.disposeData(data.complex.real.dataId, true);
      this.disposeData(data.complex.imag.dataId, true);
    }
    if (data.symbolic) this.#ghosts.set(dataId, data.symbolic.origin);
    if (data.owned && data.numbers) pool.release(data.numbers);
    data.disposed = true;
    data.numbers = undefined;
    this.#data.delete(dataId);
    return true;
  }

  override refCount(dataId: DataId): number {
    return this.#data.has(dataId) ? this.#data.get(dataId).references : 0;
  }

  override incRef(dataId: DataId): void {
    this.get(dataId).references++;
  }

  decRef(dataId: DataId): void {
    if (this.#data.has(dataId)) this.#data.get(dataId).references--;
  }

  override numDataIds(): number {
    return this.#data.numDataIds();
  }

  override memory(): {unreliable: boolean; reasons?: string[]} {
    return {
      unreliable: true,
      reasons: ["memory of ONNX Runtime sessions is not counted: see engineMemory()"],
    };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override timerAvailable(): boolean {
    return true;
  }

  override time(run: () => void): Promise<BackendTimingInfo> {
    const start = performance.now();
    run();
    return Promise.resolve({kernelMs: performance.now() - start});
  }

  override dispose(): void {
    pool.clear();
  }

  /** A tensor whose numbers the engine made. */
  own(numbers: Numbers, shape: readonly number[], dtype: DataType): TensorInfo {
    return {dataId: this.#store({dtype, numbers, owned: true}), shape: [...shape], dtype};
  }

  /** A tensor of strings. */
  ownStrings(strings: Uint8Array[], shape: readonly number[]): TensorInfo {
    return {
      dataId: this.#store({dtype: "string", strings, owned: false}),
      shape: [...shape],
      dtype: "string",
    };
  }

  /** A complex tensor made of two tensors whose data it takes over. */
  ownComplex(real: TensorInfo, imag: TensorInfo): TensorInfo {
    const dataId = this.#store({dtype: "complex64", complex: {real, imag}, owned: false});
    return {dataId, shape: real.shape, dtype: "complex64"};
  }

  /** A symbolic tensor. */
  symbolic(symbolic: Symbolic): TensorInfo {
    const {shape, dtype} = symbolic.value;
    if (dtype === "int64") {
      throw new OnnxEngineError("trace", `${symbolic.origin} gives int64, which TensorFlow.js does not know`);
    }
    const dataId = this.#store({dtype, symbolic, owned: false});
    symbolic.trace.remember(dataId);
    return {dataId, shape: [...shape], dtype};
  }

  /** Another tensor with the same data. */
  alias(info: TensorInfo, shape: readonly number[] = info.shape): TensorInfo {
    this.incRef(info.dataId);
    return {dataId: info.dataId, shape: [...shape], dtype: info.dtype};
  }

  /** The numbers of a tensor that is neither symbolic nor made of strings or complex numbers. */
  numbersOf(info: TensorInfo): Numbers {
    const data = this.get(info.dataId);
    if (data.symbolic) throw symbolicRead(data.symbolic);
    if (!data.numbers || !valueTypeOf(data.dtype)) {
      throw new OnnxEngineError("unsupported", `tensors of type ${data.dtype} do not run in ONNX Runtime`);
    }
    return data.numbers;
  }
}

function symbolicRead({origin}: Symbolic): OnnxEngineError {
  return new OnnxEngineError(
    "symbolic-read",
    `cannot read the value of the tensor made by ${origin} while a function is being compiled: it has no value ` +
      `yet. Return it and read it outside, or pass what depends on it (a condition, an index) as an argument`,
  );
}

/**
 * The active backend.
 *
 * @throws OnnxEngineError `trace` if another backend is active.
 */
export function activeBackend(): OnnxBackend {
  const backend = engine().backend;
  if (backend instanceof OnnxBackend) return backend;
  throw new OnnxEngineError(
    "trace",
    `the active backend is '${engine().backendName}': call registerOnnxBackend() and tf.setBackend("onnx") first`,
  );
}

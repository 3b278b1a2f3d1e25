import {engine, Tensor, type DataId, type TensorInfo, type Variable} from "@tensorflow/tfjs-core";

import type {OnnxBackend} from "./backend.js";
import {OnnxEngineError} from "./errors.js";
import type {Value} from "./graph.js";
import {Trace} from "./trace.js";

/** What a compiled function may return. */
export type Outputs = Tensor | Tensor[] | Record<string, Tensor>;

/** How the results of the function are put together again. */
export type Structure =
  | {readonly kind: "tensor"}
  | {readonly kind: "array"}
  | {readonly kind: "record"; readonly keys: readonly string[]};

/** What to trace. */
export interface TraceRequest {
  readonly backend: OnnxBackend;
  readonly run: (...inputs: Tensor[]) => Outputs;
  /** Tensors whose shapes and types the arguments get. */
  readonly inputs: readonly TensorInfo[];
  /** Whether ONNX Runtime's own operators may be used. */
  readonly contrib: boolean;
}

/** A function written down as a graph. */
export interface TracedFunction {
  readonly trace: Trace;
  readonly structure: Structure;
  readonly results: readonly Value[];
  /** Variables that the function assigned, with the values that they get. */
  readonly assignments: readonly {readonly variable: Variable; readonly value: Value}[];
}

function flatten(outputs: unknown): {structure: Structure; tensors: Tensor[]; names: string[]} {
  if (outputs instanceof Promise) {
    throw new OnnxEngineError("trace", "a compiled function must not be async: read values outside of it");
  }
  if (outputs instanceof Tensor) {
    return {structure: {kind: "tensor"}, tensors: [outputs as Tensor], names: ["the result"]};
  }
  const isArray = Array.isArray(outputs);
  const entries = Object.entries((outputs ?? {}) as Record<string, unknown>);
  const names = entries.map(([key]) => (isArray ? `result ${key}` : `result '${key}'`));
  const wrong = entries.findIndex(([, value]) => !(value instanceof Tensor));
  if (typeof outputs !== "object" || outputs === null || wrong >= 0) {
    throw new OnnxEngineError(
      "trace",
      `a compiled function returns a tensor, an array of tensors or a record of tensors; ` +
        `${names[wrong] ?? "the result"} is ${String(wrong >= 0 ? entries[wrong]?.[1] : outputs)}`,
    );
  }
  const tensors = entries.map(([, value]) => value as Tensor);
  return {
    structure: isArray ? {kind: "array"} : {kind: "record", keys: entries.map(([key]) => key)},
    tensors,
    names,
  };
}

/** Drops one reference to data, and the engine's record of them with the last one. */
function release(backend: OnnxBackend, dataId: DataId): void {
  if (backend.disposeData(dataId)) engine().removeDataId(dataId, backend);
}

/** The parts of the engine's state that a function can leave behind when it throws. */
class EngineGuard {
  readonly #backend: OnnxBackend;
  readonly #tape = engine().state.activeTape;
  readonly #gradientDepth = engine().state.gradientDepth;
  readonly #kernelDepth = engine().state.kernelDepth;
  readonly #scopes = engine().state.scopeStack.length;
  readonly variables: ReadonlyMap<Variable, DataId>;

  constructor(backend: OnnxBackend) {
    this.#backend = backend;
    const variables = Object.values<Variable>(engine().registeredVariables);
    this.variables = new Map(variables.map((variable) => [variable, variable.dataId]));
    // Assigning to a variable drops its old data: hold them until the variable has them back.
    for (const dataId of this.variables.values()) backend.incRef(dataId);
    const {state} = engine();
    Object.assign(state, {activeTape: null, gradientDepth: 0, kernelDepth: 0});
    engine().startScope("compile");
  }

  /** Variables whose data are not what they were. */
  assigned(): Variable[] {
    return [...this.variables]
      .filter(([variable, dataId]) => variable.dataId !== dataId)
      .map(([variable]) => variable);
  }

  created(): Variable[] {
    const variables = Object.values<Variable>(engine().registeredVariables);
    return variables.filter((variable) => !this.variables.has(variable));
  }

  restore(trace: Trace): void {
    const {state} = engine();
    for (const variable of this.created()) variable.dispose();
    for (const variable of this.assigned()) {
      engine().disposeTensor(variable);
      variable.dataId = this.variables.get(variable) as DataId;
      engine().incRef(variable, null as never);
    }
    while (state.scopeStack.length > this.#scopes) engine().endScope();
    Object.assign(state, {
      activeTape: this.#tape,
      gradientDepth: this.#gradientDepth,
      kernelDepth: this.#kernelDepth,
    });
    for (const dataId of trace.dataIds) this.#forget(dataId);
    for (const dataId of this.variables.values()) release(this.#backend, dataId);
  }

  /** Disposes what kept tensors (such as those saved for a gradient that never ran) still hold. */
  #forget(dataId: DataId): void {
    const info = this.#backend.has(dataId) ? engine().state.tensorInfo.get(dataId) : undefined;
    if (!info) {
      this.#backend.disposeData(dataId, true);
      return;
    }
    const size = info.shape.reduce((product, dimension) => product * dimension, 1);
    for (let count = this.#backend.refCount(dataId); count > 0; count--) {
      engine().disposeTensor({dataId, dtype: info.dtype, size} as Tensor);
    }
  }
}

/** TensorFlow.js's own error about an assignment, as one of ours; undefined for every other error. */
function assignmentFailure(cause: unknown): OnnxEngineError | undefined {
  const message = cause instanceof Error ? cause.message : "";
  const [, what] = /^(dtype|shape) of the new value/.exec(message) ?? [];
  if (what === undefined) return undefined;
  const [name, way] =
    what === "dtype"
      ? ["element type", "convert the value with tf.cast"]
      : ["shape", "assign a value of its own shape"];
  return new OnnxEngineError(
    "trace",
    `the compiled function assigns a value of another ${name} to a variable: ${message}; ${way}`,
    {cause},
  );
}

/**
 * Runs a function once on symbolic tensors and writes down what it does.
 *
 * Variables, the gradient tape and the engine's scopes are afterwards as they were, also when the
 * function throws.
 *
 * @throws OnnxEngineError `trace` if the function creates variables or returns something else than tensors.
 */
export function traceFunction({backend, run, inputs, contrib}: TraceRequest): TracedFunction {
  const guard = new EngineGuard(backend);
  const trace = new Trace(backend, guard.variables, {contrib});
  backend.setTrace(trace);
  try {
    const symbols = inputs.map((info, index) =>
      engine().makeTensorFromTensorInfo(trace.argument(index, info)),
    );
    const {structure, tensors, names} = flatten(run(...symbols));
    const [created] = guard.created();
    if (created) {
      throw new OnnxEngineError(
        "trace",
        `the compiled function creates variable '${created.name}': create variables first, for instance by ` +
          `calling the function once before compiling it (an optimizer makes its own at its first step)`,
      );
    }
    const results = tensors.map((tensor) => trace.valueOf(tensor));
    tensors.forEach((tensor, index) =>
      trace.journal.push({kind: "result", what: names[index] as string, value: trace.labelOf(tensor)}),
    );
    const assignments = guard.assigned().map((variable) => {
      const value = trace.valueOf(variable);
      trace.journal.push({
        kind: "result",
        what: `variable '${variable.name}'`,
        value: trace.labelOf(variable),
      });
      return {variable, value};
    });
    return {trace, structure, results, assignments};
  } catch (error) {
    throw assignmentFailure(error) ?? error;
  } finally {
    backend.setTrace(undefined);
    guard.restore(trace);
  }
}

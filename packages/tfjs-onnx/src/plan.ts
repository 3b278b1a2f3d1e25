import {engine, type Tensor, type Variable} from "@tensorflow/tfjs-core";

import {mayShare} from "./aliasing.js";
import type {OnnxBackend} from "./backend.js";
import {OnnxEngineError} from "./errors.js";
import {sizeOf, type Value} from "./graph.js";
import type {JournalEntry} from "./journal.js";
import {encodeModel} from "./onnx.js";
import {nativeTensor, Session, type NativeTensor} from "./session.node.js";
import {simplify} from "./simplify.js";
import {pool, toNumbers, type Numbers, type StoredData} from "./storage.js";
import type {Slot} from "./trace.js";
import type {Structure, TracedFunction} from "./trace-function.js";

/** How a variable that the function assigns gets its new value: in its own memory, or by a second buffer. */
export type Buffering = "aliased" | "double-buffered";

/** Figures of one compiled signature. */
export interface PlanReport {
  /** Operators in the graph as it is given to ONNX Runtime. */
  readonly nodes: number;
  /** Inputs of the graph: arguments, variables, captured tensors, large constants. */
  readonly inputs: number;
  /** Constants stored in the graph. */
  readonly constants: number;
  readonly modelBytes: number;
  /** Milliseconds that ONNX Runtime took to load the graph. */
  readonly sessionMs: number;
}

interface Assignment {
  readonly variable: Variable;
  readonly output: Value;
  readonly shares: boolean;
}

/** A compiled signature: a session with the memory that its inputs and outputs are bound to. */
export class Plan {
  readonly journal: readonly JournalEntry[];
  readonly structure: Structure;
  readonly report: PlanReport;
  readonly #backend: OnnxBackend;
  readonly #session: Session;
  readonly #slots: readonly Slot[];
  readonly #results: readonly Value[];
  readonly #assignments: readonly Assignment[];
  readonly #feeds: Record<string, NativeTensor> = {};

  constructor(backend: OnnxBackend, traced: TracedFunction, threads: number) {
    const {graph, slots, journal} = traced.trace;
    this.#backend = backend;
    this.journal = journal;
    this.structure = traced.structure;
    const asOutput = (value: Value): Value => {
      const fresh = graph.producer(value) !== undefined && !graph.outputs.includes(value);
      const output = fresh ? value : graph.one("Identity", [value], value.shape, value.dtype);
      graph.output(output);
      return output;
    };
    // Variables first: a result that is also assigned gets the copy.
    const outputs = traced.assignments.map(({value}) => asOutput(value));
    this.#results = traced.results.map((value) => (sizeOf(value.shape) > 0 ? asOutput(value) : value));
    const finished = simplify(graph);
    const old = (variable: Variable): Value | undefined =>
      slots.find((slot) => slot.kind === "variable" && slot.variable === variable)?.value;
    const shares = mayShare(
      finished,
      traced.assignments.map(({variable}, index) => ({old: old(variable), next: outputs[index] as Value})),
    );
    this.#assignments = traced.assignments.map(({variable}, index) => ({
      variable,
      output: outputs[index] as Value,
      shares: shares[index] as boolean,
    }));
    const read = new Set(finished.inputs);
    this.#slots = slots.filter(({value}) => read.has(value));
    const model = encodeModel(finished);
    const start = performance.now();
    this.#session = openSession(model, threads);
    this.report = {
      nodes: finished.nodes.length,
      inputs: finished.inputs.length,
      constants: finished.initializers.length,
      modelBytes: model.byteLength,
      sessionMs: performance.now() - start,
    };
  }

  /** Whether the plan was made for this instance of the backend. */
  runsOn(backend: OnnxBackend): boolean {
    return this.#backend === backend;
  }

  /** Assigned variables by name. */
  get variables(): Map<string, Buffering> {
    return new Map(
      this.#assignments.map(({variable, shares}) => [variable.name, shares ? "aliased" : "double-buffered"]),
    );
  }

  /** Runs the graph on the arguments, writes variables back and gives the results as ordinary tensors. */
  run(inputs: readonly Tensor[]): Tensor[] {
    const backend = this.#backend;
    const argumentData = inputs.map(({dataId}) => backend.get(dataId));
    for (const slot of this.#slots) this.#feed(slot, inputs);
    const fetches: Record<string, NativeTensor> = {};
    const replaced: {variable: Variable; numbers: Numbers}[] = [];
    for (const {variable, output, shares} of this.#assignments) {
      const data = this.#variableData(variable);
      const inPlace = shares && data.owned && data.references === 1 && !argumentData.includes(data);
      const numbers = inPlace ? (data.numbers as Numbers) : pool.acquire(output.dtype, sizeOf(output.shape));
      if (!inPlace) replaced.push({variable, numbers});
      fetches[output.name] = nativeTensor(output.dtype, numbers, output.shape);
    }
    const made = this.#results.map((value) => {
      const numbers = pool.acquire(value.dtype, sizeOf(value.shape));
      if (numbers.length > 0) fetches[value.name] = nativeTensor(value.dtype, numbers, value.shape);
      return numbers;
    });
    try {
      this.#session.run(this.#feeds, fetches);
    } catch (cause) {
      throw new OnnxEngineError("run", `a compiled function failed in ONNX Runtime: ${String(cause)}`, {
        cause,
      });
    }
    for (const {variable, numbers} of replaced) this.#replace(variable, numbers);
    return this.#results.map(({shape, dtype}, index) => {
      const info = backend.own(made[index] as Numbers, shape, dtype as "float32" | "int32" | "bool");
      return engine().makeTensorFromTensorInfo(info);
    });
  }

  #variableData(variable: Variable): StoredData {
    if (variable.isDisposed) {
      throw new OnnxEngineError(
        "captured",
        `variable '${variable.name}' of the compiled function was disposed`,
      );
    }
    return this.#backend.get(variable.dataId);
  }

  #numbers(slot: Slot, inputs: readonly Tensor[]): Numbers {
    switch (slot.kind) {
      case "argument":
        return this.#backend.numbersOf(inputs[slot.index] as Tensor);
      case "variable":
        return this.#variableData(slot.variable).numbers as Numbers;
      case "constant":
        return slot.numbers;
      case "captured":
        if (slot.data.disposed) {
          throw new OnnxEngineError(
            "captured",
            `a tensor of shape [${slot.value.shape.join(", ")}] that the compiled function uses from outside was ` +
              `disposed: keep it as long as the function, or pass it as an argument`,
          );
        }
        return slot.data.numbers as Numbers;
    }
  }

  #feed(slot: Slot, inputs: readonly Tensor[]): void {
    const {name, dtype, shape} = slot.value;
    const numbers = this.#numbers(slot, inputs);
    if (this.#feeds[name]?.data !== numbers) this.#feeds[name] = nativeTensor(dtype, numbers, shape);
  }

  #replace(variable: Variable, numbers: Numbers): void {
    const data = this.#backend.get(variable.dataId);
    if (data.references === 1) {
      if (data.owned && data.numbers) pool.release(data.numbers);
      data.numbers = toNumbers(numbers, data.dtype);
      data.owned = true;
      return;
    }
    // Other tensors share the old data and must keep their value.
    const info = this.#backend.own(numbers, variable.shape, variable.dtype);
    const tensor = engine().makeTensorFromTensorInfo(info);
    variable.assign(tensor);
    tensor.dispose();
  }

  /** Frees the session. */
  dispose(): void {
    this.#session.dispose();
  }
}

function openSession(model: Uint8Array, threads: number): Session {
  try {
    return new Session(model, {threads, spinning: true, arena: true});
  } catch (cause) {
    if (cause instanceof OnnxEngineError) throw cause;
    throw new OnnxEngineError("trace", `ONNX Runtime refuses the compiled graph: ${String(cause)}`, {cause});
  }
}

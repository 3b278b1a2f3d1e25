import {engine, type Tensor, type Variable} from "@tensorflow/tfjs-core";

import {mayShare} from "./aliasing.js";
import type {OnnxBackend} from "./backend.js";
import {OnnxEngineError} from "./errors.js";
import {writtenAfterFailures} from "./fallible.js";
import {sizeOf, type Value} from "./graph.js";
import type {JournalEntry} from "./journal.js";
import {encodeModel} from "./onnx.js";
import {schedule} from "./schedule.js";
import type {Provider} from "./provider.js";
import {gainsFromThreads} from "./parallelism.js";
import {PackedWeights} from "./packed-weights.js";
import {PlanSession} from "./plan-session.js";
import {defaultThreads} from "./register.js";
import {nativeTensor, type NativeTensor} from "./session.node.js";
import {simplify, type FinishedGraph} from "./simplify.js";
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

/** How a plan is run. */
export interface PlanOptions {
  /** Left out means as many as `registerOnnxBackend` was told, or one where the graph is too small for more. */
  readonly threads?: number | undefined;
  readonly provider: Provider;
  /** Whether variables become constants of the session, see {@link PackedWeights}. */
  readonly packWeights: boolean;
}

interface Assignment {
  readonly variable: Variable;
  readonly output: Value;
  readonly shares: boolean;
}

/** A compiled signature: a session with the memory that its inputs and outputs are bound to. */
export class Plan {
  readonly structure: Structure;
  readonly report: PlanReport;
  readonly #backend: OnnxBackend;
  /** Undefined where everything that the function gives is empty. */
  readonly #session: PlanSession | undefined;
  /** What the session is fed at every run. */
  readonly #slots: readonly Slot[];
  readonly #results: readonly Value[];
  readonly #assignments: readonly Assignment[];
  readonly #packed: PackedWeights | undefined;
  readonly #feeds: Record<string, NativeTensor> = {};
  #journal: readonly JournalEntry[] | undefined;

  constructor(backend: OnnxBackend, traced: TracedFunction, options: PlanOptions) {
    const {graph, slots, journal} = traced.trace;
    this.#backend = backend;
    this.#journal = journal;
    this.structure = traced.structure;
    // Variables first: a result that is also assigned gets the copy.
    const assignments = traced.assignments.filter(({value}) => sizeOf(value.shape) > 0);
    const outputs = assignments.map(({value}) => graph.outputOf(value));
    this.#results = traced.results.map((value) => (sizeOf(value.shape) > 0 ? graph.outputOf(value) : value));
    const finished = simplify(graph);
    const old = (variable: Variable): Value | undefined =>
      slots.find((slot) => slot.kind === "variable" && slot.variable === variable)?.value;
    const shares = mayShare(
      finished,
      assignments.map(({variable}, index) => ({old: old(variable), next: outputs[index] as Value})),
    );
    const late = writtenAfterFailures(finished, graph, outputs);
    this.#assignments = assignments.map(({variable}, index) => ({
      variable,
      output: outputs[index] as Value,
      shares: (shares[index] as boolean) && (late[index] as boolean),
    }));
    const read = new Set(finished.inputs);
    // ONNX Runtime walks back from the outputs and, of several inputs, computes that of the last node first: turned
    // round, the list makes it run the nodes in the order of the schedule.
    const nodes = schedule(finished).reverse();
    // The smallest first: the binding copies that one before a run can be ended.
    const ordered = finished.outputs.toSorted((a, b) => sizeOf(a.shape) - sizeOf(b.shape));
    const {provider} = options;
    const used = slots.filter(({value}) => read.has(value));
    if (options.packWeights)
      this.#packed = new PackedWeights(used, (slot) => this.#variableData(slot.variable));
    this.#slots = used.filter(({value}) => !this.#packed?.values.has(value));
    const encode = this.#encoder({...finished, nodes, outputs: ordered});
    const parallel = provider !== "cpu" || gainsFromThreads(finished);
    const threads = options.threads ?? (parallel ? defaultThreads() : 1);
    if (finished.outputs.length > 0) {
      // A training step runs again at once and keeps its working memory. What only computes gives it back after each
      // run, for the next graph; that takes no longer.
      const arena = assignments.length > 0;
      this.#session = new PlanSession(encode, {threads, provider, spinning: true, arena});
    }
    this.report = {
      nodes: finished.nodes.length,
      inputs: finished.inputs.length,
      constants: finished.initializers.length,
      modelBytes: this.#session?.modelBytes ?? 0,
      sessionMs: this.#session?.openMs ?? 0,
    };
  }

  /** Gives the bytes of the model: always the same ones, or with the weights of the moment inside. */
  #encoder(graph: FinishedGraph): () => Uint8Array {
    const packed = this.#packed;
    if (!packed) {
      const model = encodeModel(graph);
      // Kept for as long as the graph: without the room that was left for it to grow.
      const kept = model.byteLength < model.buffer.byteLength ? model.slice() : model;
      return () => kept;
    }
    const inputs = graph.inputs.filter((value) => !packed.values.has(value));
    return () => encodeModel({...graph, inputs, initializers: [...graph.initializers, ...packed.take()]});
  }

  /** What the function did while it was traced; undefined once it is forgotten. */
  get journal(): readonly JournalEntry[] | undefined {
    return this.#journal;
  }

  /** Frees what only further checks of the function would need: its constants among others. */
  forgetJournal(): void {
    this.#journal = undefined;
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
    const acquired: Numbers[] = [];
    try {
      return this.#run(inputs, acquired);
    } catch (cause) {
      for (const numbers of acquired) pool.release(numbers);
      throw cause;
    } finally {
      // Arguments are the caller's, who may want their memory back before the next call.
      for (const slot of this.#slots) if (slot.kind === "argument") delete this.#feeds[slot.value.name];
    }
  }

  /** @param acquired - Gets every buffer that is taken from the pool, for the case that the run fails. */
  #run(inputs: readonly Tensor[], acquired: Numbers[]): Tensor[] {
    const backend = this.#backend;
    const acquire = ({dtype, shape}: Value): Numbers => {
      const numbers = pool.acquire(dtype, sizeOf(shape));
      acquired.push(numbers);
      return numbers;
    };
    const argumentData = inputs.map(({dataId}) => backend.get(dataId));
    if (this.#packed?.changed()) this.#session?.close();
    for (const slot of this.#slots) this.#feed(slot, inputs);
    const fetches: Record<string, NativeTensor> = {};
    const replaced: {variable: Variable; numbers: Numbers}[] = [];
    for (const {variable, output, shares} of this.#assignments) {
      const data = this.#variableData(variable);
      const inPlace = shares && data.owned && data.references === 1 && !argumentData.includes(data);
      const numbers = inPlace ? (data.numbers as Numbers) : acquire(output);
      if (inPlace) data.writes = (data.writes ?? 0) + 1;
      else replaced.push({variable, numbers});
      fetches[output.name] = nativeTensor(output.dtype, numbers, output.shape);
    }
    const made = this.#results.map((value) => {
      const numbers = acquire(value);
      if (numbers.length > 0) fetches[value.name] = nativeTensor(value.dtype, numbers, value.shape);
      return numbers;
    });
    try {
      this.#session?.run(this.#feeds, fetches);
    } catch (cause) {
      throw runFailure(
        cause,
        this.#assignments.some(({shares}) => shares),
      );
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
        return this.#captured(slot).numbers as Numbers;
    }
  }

  #captured({data, dataId, value}: Slot & {kind: "captured"}): StoredData {
    if (!data.disposed) return data;
    // Used on another backend in between, which took the numbers with it.
    if (engine().state.tensorInfo.has(dataId)) return this.#backend.get(dataId);
    throw new OnnxEngineError(
      "captured",
      `a tensor of shape [${value.shape.join(", ")}] that the compiled function uses from outside was ` +
        `disposed: keep it as long as the function, or pass it as an argument`,
    );
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
      data.writes = (data.writes ?? 0) + 1;
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
    this.#session?.dispose();
  }
}

/**
 * The error of a run, in our words where it is known what they mean.
 *
 * @param writes - Whether variables are updated in their own memory; only look-ups are known to fail before that.
 */
function runFailure(cause: unknown, writes: boolean): OnnxEngineError {
  const text = String(cause);
  const look = /running (\w+) node.*(out of data bounds|invalid index)/s.exec(text);
  const partly = writes
    ? ". Variables may have been updated in part: load them from the last checkpoint before going on"
    : "";
  const message = look
    ? `an index lies outside of the tensor that it points into (${look[1]}; a negative index is reported as the first ` +
      `one beyond the end). Variables keep their values. Check indices before the call, or clip them inside: ${text}`
    : `a compiled function failed in ONNX Runtime${partly}: ${text}`;
  return new OnnxEngineError("run", message, {cause});
}

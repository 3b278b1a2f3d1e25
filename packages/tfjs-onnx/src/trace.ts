import {engine, Variable, type DataId, type TensorInfo} from "@tensorflow/tfjs-core";

import type {OnnxBackend} from "./backend.js";
import {OnnxEngineError, UnsupportedLoweringError} from "./errors.js";
import {Graph, sizeOf, type Value, type ValueType} from "./graph.js";
import type {JournalEntry} from "./journal.js";
import {full} from "./lowering/broadcast.js";
import type {Lowering, LoweringContext} from "./lowering/index.js";
import {reshape} from "./lowering/layout.js";
import {presentInputs} from "./present-inputs.js";
import {valueTypeOf, type Numbers, type StoredData} from "./storage.js";
import {emptyResults, emptyValue} from "./trace-empty.js";

/** Where an input of the traced graph gets its numbers from at each call. */
export type Slot =
  | {readonly kind: "argument"; readonly value: Value; readonly index: number}
  | {readonly kind: "variable"; readonly value: Value; readonly variable: Variable}
  | {readonly kind: "captured"; readonly value: Value; readonly data: StoredData; readonly dataId: DataId}
  | {readonly kind: "constant"; readonly value: Value; readonly numbers: Numbers};

/** Larger constants become inputs: a model stays small and its numbers are not held twice. */
const LARGEST_INITIALIZER = 1024 * 1024;

/** A text that is equal for equal attributes of a kernel, also for NaN, infinities and -0. */
export function attributesKey(attributes: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(attributes, (_name, value: unknown) => {
    if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))) {
      return Object.is(value, -0) ? "#-0" : `#${value}`;
    }
    if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>);
    return value;
  });
}

/** The operations of TensorFlow.js that are being computed, outermost first. */
function operationsInProgress(): string {
  const names = engine().state.scopeStack.map(({name}) => name);
  const operations = names.filter((name) => name.endsWith("__op")).map((name) => `tf.${name.slice(0, -4)}`);
  return [...new Set(operations)].join(" > ");
}

/** Whether all numbers are the same one, as in the ones that gradients of sums are multiplied by. */
function isUniform(numbers: Numbers): boolean {
  const [first] = numbers;
  return numbers.every((number) => Object.is(number, first));
}

/** The graph that a function builds while it runs on symbolic tensors. */
export class Trace {
  readonly graph = new Graph();
  /** Marks what JavaScript writes meanwhile; tensors that live on hold this mark and not the whole trace. */
  readonly mark: object = {};
  readonly slots: Slot[] = [];
  readonly journal: JournalEntry[] = [];
  /** Data ids of the symbolic tensors made so far. */
  readonly dataIds: DataId[] = [];
  readonly #backend: OnnxBackend;
  readonly #context: LoweringContext;
  readonly #variables: ReadonlyMap<Variable, DataId>;
  readonly #holders: ReadonlyMap<DataId, Variable>;
  readonly #variableValues = new Map<Variable, Value>();
  readonly #constants = new Map<StoredData, Value>();
  readonly #captured = new Map<StoredData, Map<string, Value>>();
  readonly #labels = new Map<DataId, string>();

  /**
   * @param variables - Every variable that exists, with the data that it holds when tracing starts.
   * @param context - What the graph may contain.
   */
  constructor(backend: OnnxBackend, variables: ReadonlyMap<Variable, DataId>, context: LoweringContext) {
    this.#backend = backend;
    this.#context = context;
    this.#variables = variables;
    this.#holders = new Map([...variables].map(([variable, dataId]) => [dataId, variable]));
  }

  /** Notes a symbolic tensor, so that the trace can clean up after an error. */
  remember(dataId: DataId): void {
    this.dataIds.push(dataId);
  }

  /** A symbolic tensor that stands for an argument of the function. */
  argument(index: number, info: TensorInfo): TensorInfo {
    const dtype = valueTypeOf(info.dtype);
    if (!dtype) {
      throw new OnnxEngineError("trace", `argument ${index} of the compiled function has type ${info.dtype}`);
    }
    const value = this.#input(info.shape, dtype, (input) => ({kind: "argument", value: input, index}));
    return this.#labelled(this.#backend.symbolic({trace: this, value, origin: `argument ${index}`}));
  }

  /**
   * A name for the journal that says which tensor it is: they are numbered as they are made or first used. Names of the
   * graph would not do, for they depend on which constants happen to be equal.
   */
  labelOf({dataId}: TensorInfo): string {
    let label = this.#labels.get(dataId);
    if (label === undefined) this.#labels.set(dataId, (label = `t${this.#labels.size}`));
    return label;
  }

  #labelled(info: TensorInfo): TensorInfo {
    this.labelOf(info);
    return info;
  }

  /** An input of the graph; what is empty needs none. */
  #input(shape: readonly number[], dtype: ValueType, slotOf: (value: Value) => Slot): Value {
    if (sizeOf(shape) === 0) return emptyValue(this.graph, shape, dtype);
    const value = this.graph.input(shape, dtype);
    this.slots.push(slotOf(value));
    return value;
  }

  /** The edge of the graph that stands for a tensor; outer tensors and constants enter the graph here. */
  valueOf(info: TensorInfo): Value {
    if (info instanceof Variable) {
      // After an assignment inside the function it may hold the data of another variable.
      const holder = this.#holders.get(info.dataId);
      if (holder)
        return this.#variable(
          this.#variables.get(info as Variable) === info.dataId ? (info as Variable) : holder,
        );
    }
    const data = this.#backend.get(info.dataId);
    if (data.symbolic) return this.#symbolic(data.symbolic.value, data.symbolic.trace, data.symbolic.origin);
    return data.writtenDuring === this.mark ? this.#constant(info, data) : this.#capture(info, data);
  }

  #symbolic(value: Value, trace: Trace, origin: string): Value {
    if (trace !== this) {
      throw new OnnxEngineError("trace", `the tensor made by ${origin} belongs to another compiled function`);
    }
    return value;
  }

  #variable(variable: Variable): Value {
    const known = this.#variableValues.get(variable);
    if (known) return known;
    const dtype = valueTypeOf(variable.dtype);
    if (!dtype) throw new OnnxEngineError("trace", `variable '${variable.name}' has type ${variable.dtype}`);
    const slot = (input: Value): Slot => ({kind: "variable", value: input, variable});
    const value = this.#input(variable.shape, dtype, slot);
    this.journal.push({kind: "variable", name: variable.name});
    this.#variableValues.set(variable, value);
    return value;
  }

  #constant(info: TensorInfo, data: StoredData): Value {
    let value = this.#constants.get(data);
    if (!value) {
      // A copy: the array may be the caller's, who may fill it with other numbers before the next call.
      const numbers = this.#backend.numbersOf(info).slice();
      const dtype = valueTypeOf(data.dtype) ?? "float32";
      const origin = `used by ${operationsInProgress() || "the function itself"}`;
      const shape = `[${info.shape.join(", ")}]`;
      this.journal.push({kind: "constant", origin, shape, numbers, data});
      if (numbers.length > 1 && isUniform(numbers)) {
        value = full(this.graph, numbers[0] as number, info.shape, dtype);
      } else if (numbers.byteLength <= LARGEST_INITIALIZER) {
        value = this.graph.constant(numbers, info.shape, dtype);
      } else {
        value = this.#input(info.shape, dtype, (input) => ({kind: "constant", value: input, numbers}));
      }
      this.#constants.set(data, value);
    }
    return reshape(this.graph, value, info.shape);
  }

  #capture(info: TensorInfo, data: StoredData): Value {
    const shape = `[${info.shape.join(", ")}]`;
    let views = this.#captured.get(data);
    if (!views) this.#captured.set(data, (views = new Map<string, Value>()));
    let value = views.get(shape);
    if (!value) {
      this.#backend.numbersOf(info);
      const dtype = valueTypeOf(data.dtype) ?? "float32";
      const {dataId} = info;
      value = this.#input(info.shape, dtype, (input) => ({kind: "captured", value: input, data, dataId}));
      this.journal.push({kind: "captured", shape, data});
      views.set(shape, value);
    }
    return value;
  }

  /** Appends a kernel call to the graph. */
  append(
    name: string,
    inputs: object,
    attributes: Readonly<Record<string, unknown>>,
    lowering: Lowering,
  ): TensorInfo[] {
    const present = presentInputs(inputs);
    const entries = present.map(([key, info]) => [key, this.valueOf(info)] as const);
    const origin = `kernel '${name}'`;
    this.journal.push({
      kind: "kernel",
      name,
      inputs: present
        .map(([key, info]) => `${key}: ${this.labelOf(info)} [${info.shape.join(", ")}]`)
        .join("; "),
      attributes: attributesKey(attributes),
    });
    try {
      const values = this.#lower(name, entries, Array.isArray(inputs), attributes, lowering);
      return values.map((value) => this.#labelled(this.#backend.symbolic({trace: this, value, origin})));
    } catch (cause) {
      if (!(cause instanceof UnsupportedLoweringError)) throw cause;
      const operations = operationsInProgress();
      throw new OnnxEngineError(
        "unsupported",
        `${origin}${operations && ` (in ${operations})`} cannot be part of a compiled function like this: ` +
          `${cause.message}. Compute it outside and pass the result as an argument`,
        {cause},
      );
    }
  }

  #lower(
    name: string,
    given: readonly (readonly [string, Value])[],
    isList: boolean,
    attributes: Readonly<Record<string, unknown>>,
    lowering: Lowering,
  ): Value[] {
    const {graph} = this;
    const filled = given.filter(([, {shape}]) => sizeOf(shape) > 0);
    // Joining to something empty changes nothing; all else is decided by what the other tensors leave to compute.
    const entries = name === "Concat" && filled.length > 0 ? filled : given;
    const emptyCall = {graph, backend: this.#backend, name, entries, isList, attributes};
    if (entries.some(([, {shape}]) => sizeOf(shape) === 0)) return emptyResults(emptyCall);
    const list = entries.map(([, value]) => value);
    const call = {inputs: Object.fromEntries(entries), list, attrs: attributes};
    let values: Value[];
    try {
      values = lowering(graph, call, this.#context);
    } catch (error) {
      // Kernels without inputs give constants, such as an empty range.
      if (list.length === 0 && error instanceof UnsupportedLoweringError) return emptyResults(emptyCall);
      throw error;
    }
    return values.map((value) =>
      sizeOf(value.shape) > 0 ? value : emptyValue(graph, value.shape, value.dtype),
    );
  }

  /** A further symbolic tensor for the same edge. */
  alias(info: TensorInfo): TensorInfo {
    const value = this.valueOf(info);
    const data = this.#backend.get(info.dataId);
    const origin = data.symbolic?.origin ?? "kernel 'Identity'";
    const alias = this.#backend.symbolic({trace: this, value, origin});
    this.#labels.set(alias.dataId, this.labelOf(info));
    return alias;
  }
}

import {engine, Variable, type DataId, type TensorInfo} from "@tensorflow/tfjs-core";

import type {OnnxBackend} from "./backend.js";
import {OnnxEngineError} from "./errors.js";
import {Graph, type Value} from "./graph.js";
import type {JournalEntry} from "./journal.js";
import type {Lowering} from "./lowering/index.js";
import {valueTypeOf, type Numbers, type StoredData} from "./storage.js";

/** Where an input of the traced graph gets its numbers from at each call. */
export type Slot =
  | {readonly kind: "argument"; readonly value: Value; readonly index: number}
  | {readonly kind: "variable"; readonly value: Value; readonly variable: Variable}
  | {readonly kind: "captured"; readonly value: Value; readonly data: StoredData}
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

/** The inputs of a kernel call by name, absent optional ones left out. */
export function presentInputs(inputs: object): [string, TensorInfo][] {
  return Object.entries(inputs as Record<string, TensorInfo | null | undefined>).filter(
    (entry): entry is [string, TensorInfo] => entry[1] !== null && entry[1] !== undefined,
  );
}

/** The graph that a function builds while it runs on symbolic tensors. */
export class Trace {
  readonly graph = new Graph();
  readonly slots: Slot[] = [];
  readonly journal: JournalEntry[] = [];
  /** Data ids of the symbolic tensors made so far. */
  readonly dataIds: DataId[] = [];
  readonly #backend: OnnxBackend;
  readonly #variables: ReadonlyMap<Variable, DataId>;
  readonly #holders: ReadonlyMap<DataId, Variable>;
  readonly #variableValues = new Map<Variable, Value>();
  readonly #constants = new Map<StoredData, Value>();
  readonly #captured = new Map<StoredData, Map<string, Value>>();

  /** @param variables - Every variable that exists, with the data that it holds when tracing starts. */
  constructor(backend: OnnxBackend, variables: ReadonlyMap<Variable, DataId>) {
    this.#backend = backend;
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
    const value = this.graph.input(info.shape, dtype);
    this.slots.push({kind: "argument", value, index});
    return this.#backend.symbolic({trace: this, value, origin: `argument ${index}`});
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
    return data.writtenDuring === this ? this.#constant(info, data) : this.#capture(info, data);
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
    const value = this.graph.input(variable.shape, dtype);
    this.slots.push({kind: "variable", value, variable});
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
      if (numbers.byteLength <= LARGEST_INITIALIZER) {
        value = this.graph.constant(numbers, info.shape, dtype);
      } else {
        value = this.graph.input(info.shape, dtype);
        this.slots.push({kind: "constant", value, numbers});
      }
      this.#constants.set(data, value);
    }
    return this.#reshaped(value, info.shape);
  }

  #reshaped(value: Value, shape: readonly number[]): Value {
    if (value.shape.length === shape.length && value.shape.every((size, axis) => size === shape[axis])) {
      return value;
    }
    return this.graph.one("Reshape", [value, this.graph.ints(shape)], shape, value.dtype);
  }

  #capture(info: TensorInfo, data: StoredData): Value {
    const shape = `[${info.shape.join(", ")}]`;
    let views = this.#captured.get(data);
    if (!views) this.#captured.set(data, (views = new Map<string, Value>()));
    let value = views.get(shape);
    if (!value) {
      this.#backend.numbersOf(info);
      const dtype = valueTypeOf(data.dtype) ?? "float32";
      value = this.graph.input(info.shape, dtype);
      this.slots.push({kind: "captured", value, data});
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
    const entries = presentInputs(inputs).map(([key, info]) => [key, this.valueOf(info)] as const);
    const list = entries.map(([, value]) => value);
    const call = {inputs: Object.fromEntries(entries), list, attrs: attributes};
    const origin = `kernel '${name}'`;
    this.journal.push({
      kind: "kernel",
      name,
      inputs: entries.map(([key, value]) => `${key}: ${value.name} [${value.shape.join(", ")}]`).join("; "),
      attributes: attributesKey(attributes),
    });
    const values = lowering(this.graph, call, {contrib: true});
    return values.map((value) => this.#backend.symbolic({trace: this, value, origin}));
  }

  /** A further symbolic tensor for the same edge. */
  alias(info: TensorInfo): TensorInfo {
    const value = this.valueOf(info);
    const data = this.#backend.get(info.dataId);
    return this.#backend.symbolic({trace: this, value, origin: data.symbolic?.origin ?? "kernel 'Identity'"});
  }
}

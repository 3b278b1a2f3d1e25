/** Element types that a value inside a graph may have. */
export type ValueType = "float32" | "int32" | "bool" | "int64";

/** One edge of a graph: the result of a node, an input or a constant, with a static shape. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: ValueType;
}

/** Shape and element type of one output. */
export interface ValueInfo {
  readonly shape: readonly number[];
  readonly dtype: ValueType;
}

/** Attributes of a node: plain numbers are integers; wrap a floating-point number as `{float}`. */
export type Attributes = Readonly<
  Record<
    string,
    number | readonly number[] | string | {readonly float: number} | {readonly floats: readonly number[]}
  >
>;

/** Operator domain of ONNX Runtime's own operators. */
export const CONTRIB_DOMAIN = "com.microsoft";

/** One operator call. A missing optional input is `undefined`. */
export interface GraphNode {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

/** Raw data of a constant, as the element type stores it (booleans one byte each). */
export type ConstantData = Float32Array | Int32Array | Uint8Array | BigInt64Array;

/** A constant stored inside the graph. */
export interface Initializer {
  readonly value: Value;
  readonly data: ConstantData;
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** The bytes of a typed array, without copying. */
export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** 32-bit FNV-1a hash of bytes, used to find equal constants quickly. */
function hashBytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Conversions that lose nothing, so that converting back may be skipped. */
const WIDENINGS: Readonly<Record<ValueType, readonly ValueType[]>> = {
  bool: ["int32", "int64", "float32"],
  int32: ["int64"],
  // Not int32, which keeps the low 32 bits only.
  int64: [],
  float32: [],
};

/**
 * An ONNX graph under construction, with static shapes and element types.
 *
 * Nodes are kept in the order of creation, which is a topological order. Constants with equal
 * content are stored once; conversions that undo each other vanish.
 *
 * @example
 * ```ts
 * const graph = new Graph();
 * const x = graph.input([2, 3], "float32");
 * const y = graph.one("Mul", [x, graph.scalar(2, "float32")], [2, 3], "float32");
 * graph.output(y);
 * ```
 */
export class Graph {
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  readonly nodes: GraphNode[] = [];
  readonly initializers: Initializer[] = [];
  readonly #constants = new Map<string, Initializer[]>();
  readonly #producers = new Map<Value, GraphNode>();
  readonly #casts = new Map<Value, Map<ValueType, Value>>();
  #counter = 0;

  #value(shape: readonly number[], dtype: ValueType, name = `v${this.#counter++}`): Value {
    return {name, shape: [...shape], dtype};
  }

  /**
   * A new input of the graph.
   *
   * @param name - Unique name; left out means a generated one.
   */
  input(shape: readonly number[], dtype: ValueType, name?: string): Value {
    const value = this.#value(shape, dtype, name);
    this.inputs.push(value);
    return value;
  }

  /** Marks a value as an output of the graph. */
  output(value: Value): void {
    this.outputs.push(value);
  }

  /** Marks a value as an output, or a copy of it where it is an input, a constant or an output already. */
  outputOf(value: Value): Value {
    const fresh = this.producer(value) !== undefined && !this.outputs.includes(value);
    const output = fresh ? value : this.one("Identity", [value], value.shape, value.dtype);
    this.output(output);
    return output;
  }

  /**
   * A constant stored in the graph. The data must not be changed afterwards.
   *
   * @throws RangeError if the data does not have as many elements as the shape.
   */
  constant(data: ConstantData | readonly bigint[], shape: readonly number[], dtype: ValueType): Value {
    const array = Array.isArray(data) ? BigInt64Array.from(data) : (data as ConstantData);
    if (array.length !== sizeOf(shape)) {
      throw new RangeError(
        `constant of shape [${shape.join(", ")}] needs ${sizeOf(shape)} elements, got ${array.length}`,
      );
    }
    const bytes = bytesOf(array);
    const key = `${dtype}[${shape.join()}]${hashBytes(bytes)}`;
    const candidates = this.#constants.get(key) ?? [];
    const known = candidates.find(({data: other}) => sameBytes(bytesOf(other), bytes));
    if (known) return known.value;
    const initializer = {value: this.#value(shape, dtype), data: array};
    this.#constants.set(key, [...candidates, initializer]);
    this.initializers.push(initializer);
    return initializer.value;
  }

  /** A one-dimensional int64 constant, as shapes and axes want it. */
  ints(values: readonly number[]): Value {
    return this.constant(values.map(BigInt), [values.length], "int64");
  }

  /** A constant of rank 0. */
  scalar(value: number, dtype: ValueType): Value {
    switch (dtype) {
      case "float32":
        return this.constant(Float32Array.of(value), [], dtype);
      case "int32":
        return this.constant(Int32Array.of(value), [], dtype);
      case "bool":
        return this.constant(Uint8Array.of(value ? 1 : 0), [], dtype);
      case "int64":
        return this.constant([BigInt(value)], [], dtype);
    }
  }

  /** Appends an operator call and gives its outputs. */
  node(
    op: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly ValueInfo[],
    attributes: Attributes = {},
    domain = "",
  ): Value[] {
    const values = outputs.map(({shape, dtype}) => this.#value(shape, dtype));
    const node = {op, domain, inputs: [...inputs], outputs: values, attributes};
    this.nodes.push(node);
    for (const value of values) this.#producers.set(value, node);
    return values;
  }

  /** Appends an operator call with one output and gives that output. */
  one(
    op: string,
    inputs: readonly (Value | undefined)[],
    shape: readonly number[],
    dtype: ValueType,
    attributes: Attributes = {},
    domain = "",
  ): Value {
    return this.node(op, inputs, [{shape, dtype}], attributes, domain)[0] as Value;
  }

  /** The value in another element type; nothing is added where the conversion is not needed. */
  cast(value: Value, dtype: ValueType): Value {
    if (value.dtype === dtype) return value;
    const producer = this.#producers.get(value);
    const source = producer?.op === "Cast" ? producer.inputs[0] : undefined;
    if (source && WIDENINGS[source.dtype].includes(value.dtype)) return this.cast(source, dtype);
    let casts = this.#casts.get(value);
    if (!casts) this.#casts.set(value, (casts = new Map<ValueType, Value>()));
    let result = casts.get(dtype);
    if (!result) {
      result = this.one("Cast", [value], value.shape, dtype, {to: ELEMENT_TYPES[dtype]});
      casts.set(dtype, result);
    }
    return result;
  }

  /** The node that makes a value; undefined for inputs and constants. */
  producer(value: Value): GraphNode | undefined {
    return this.#producers.get(value);
  }
}

/** Numbers of the element types in the ONNX format (`TensorProto.DataType`). */
export const ELEMENT_TYPES: Readonly<Record<ValueType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
};

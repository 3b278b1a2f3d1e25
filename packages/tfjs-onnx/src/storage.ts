import type {DataType, TensorInfo} from "@tensorflow/tfjs-core";

import type {Value, ValueType} from "./graph.js";
import type {Trace} from "./trace.js";

/** Memory of a tensor of numbers. */
export type Numbers = Float32Array | Int32Array | Uint8Array;

/** A tensor that exists only as an edge of the graph being traced. */
export interface Symbolic {
  readonly trace: Trace;
  readonly value: Value;
  /** What made it, for error messages: `kernel 'Add'`, `argument 0`. */
  readonly origin: string;
}

/** What the backend keeps for one data id. */
export interface StoredData {
  readonly dtype: DataType;
  /** Number of tensors that share the data. */
  references: number;
  numbers?: Numbers;
  strings?: Uint8Array[];
  complex?: {readonly real: TensorInfo; readonly imag: TensorInfo};
  symbolic?: Symbolic;
  /** The mark of the trace during which JavaScript code wrote the numbers. */
  writtenDuring?: object | undefined;
  /**
   * Whether the engine allocated `numbers` and has never given it away, so that it may be
   * overwritten or reused. Arrays that come from or were read by the user's code are not owned.
   */
  owned: boolean;
  /** How often a compiled function has overwritten or replaced `numbers`; undefined stands for never. */
  writes?: number;
  disposed: boolean;
}

/** The element type inside a graph for a TensorFlow.js element type; undefined if there is none. */
export function valueTypeOf(dtype: DataType): ValueType | undefined {
  return dtype === "float32" || dtype === "int32" || dtype === "bool" ? dtype : undefined;
}

const BYTES: Readonly<Record<ValueType, number>> = {float32: 4, int32: 4, bool: 1, int64: 8};

/** Arrays below this many bytes are left to the garbage collector. */
const SMALLEST_POOLED = 16 * 1024;

/** Bytes that the pool keeps at most. */
const CAPACITY = 256 * 1024 * 1024;

/**
 * Memory of released tensors, kept for the next tensors of the same size.
 *
 * Fresh large arrays cost page faults on first use, which is a good part of the time of an
 * element-wise kernel.
 */
export class BufferPool {
  /** Waiting memory by size, the size that was asked for or given back longest ago first. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  #bytes = 0;

  /** Bytes that are waiting to be used again. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory for `size` elements; its content is undefined. */
  acquire(dtype: ValueType, size: number): Numbers {
    const byteLength = size * BYTES[dtype];
    const free = this.#free.get(byteLength);
    const buffer = free?.pop();
    if (free && buffer) {
      this.#bytes -= byteLength;
      this.#free.delete(byteLength);
      if (free.length > 0) this.#free.set(byteLength, free);
    }
    return view(dtype, buffer ?? new ArrayBuffer(byteLength));
  }

  /** Takes back memory that nobody else refers to. */
  release(numbers: Numbers): void {
    const {buffer, byteLength} = numbers;
    if (byteLength < SMALLEST_POOLED || byteLength !== buffer.byteLength) return;
    if (byteLength > CAPACITY || !(buffer instanceof ArrayBuffer)) return;
    const free = this.#free.get(byteLength) ?? [];
    free.push(buffer);
    this.#free.delete(byteLength);
    this.#free.set(byteLength, free);
    this.#bytes += byteLength;
    this.#trim();
  }

  /** Lets the sizes go that have not been used for longest, so that those in use find room. */
  #trim(): void {
    for (const [byteLength, free] of this.#free) {
      while (this.#bytes > CAPACITY && free.pop()) this.#bytes -= byteLength;
      if (free.length === 0) this.#free.delete(byteLength);
      if (this.#bytes <= CAPACITY) return;
    }
  }

  /** Gives all waiting memory back to the garbage collector. */
  clear(): void {
    this.#free.clear();
    this.#bytes = 0;
  }
}

function view(dtype: ValueType, buffer: ArrayBuffer): Numbers {
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "bool":
      return new Uint8Array(buffer);
    case "int64":
      throw new RangeError("tensors of TensorFlow.js are never int64");
  }
}

/** The values as the typed array that the element type is kept in; the same array where it already is. */
export function toNumbers(values: ArrayLike<number | boolean>, dtype: DataType): Numbers {
  if (dtype === "int32") return values instanceof Int32Array ? values : Int32Array.from(values, Number);
  if (dtype === "bool") return values instanceof Uint8Array ? values : Uint8Array.from(values, Number);
  return values instanceof Float32Array ? values : Float32Array.from(values, Number);
}

/** The pool of the process: it outlives backends, as the sessions do. */
export const pool = new BufferPool();

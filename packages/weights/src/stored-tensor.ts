import {WeightError} from "@claps/core";

/** The array types that hold the numbers of a file. */
export type StoredData =
  | Float64Array
  | Float32Array
  | Uint16Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Int8Array
  | Uint8Array;

type StoredArray = new (buffer: ArrayBufferLike, offset?: number, length?: number) => StoredData;

interface ElementType {
  bytes: number;
  array: StoredArray;
}

// The order is the one in which a writer lays tensors out (last first), so that each starts aligned.
const ELEMENT_TYPES = {
  BOOL: {bytes: 1, array: Uint8Array},
  U8: {bytes: 1, array: Uint8Array},
  I8: {bytes: 1, array: Int8Array},
  I16: {bytes: 2, array: Int16Array},
  U16: {bytes: 2, array: Uint16Array},
  F16: {bytes: 2, array: Uint16Array},
  BF16: {bytes: 2, array: Uint16Array},
  I32: {bytes: 4, array: Int32Array},
  U32: {bytes: 4, array: Uint32Array},
  F32: {bytes: 4, array: Float32Array},
  F64: {bytes: 8, array: Float64Array},
  I64: {bytes: 8, array: BigInt64Array},
  U64: {bytes: 8, array: BigUint64Array},
} as const satisfies Record<string, ElementType>;

/** Element type of a stored tensor, as safetensors spells it. */
export type StoredDtype = keyof typeof ELEMENT_TYPES;

/** Every element type that can be read, in the order in which a writer lays them out, last first. */
export const storedDtypes: readonly StoredDtype[] = Object.keys(ELEMENT_TYPES) as StoredDtype[];

/**
 * One tensor as it lies in a file.
 *
 * F16 and BF16 keep their bits as `Uint16Array` until `toFloat32` is asked; BOOL is 0 or 1 in a `Uint8Array`.
 */
export interface StoredTensor {
  /** Element type. */
  readonly dtype: StoredDtype;
  /** Sizes of the axes; none for a single number. */
  readonly shape: number[];
  /** The numbers, last axis fastest. */
  readonly data: StoredData;
}

/** Whether a text names an element type that can be read. */
export function isStoredDtype(text: string): text is StoredDtype {
  return Object.hasOwn(ELEMENT_TYPES, text);
}

/** Bytes of one element. */
export function bytesPerElement(dtype: StoredDtype): number {
  return ELEMENT_TYPES[dtype].bytes;
}

/** How many elements a shape holds. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * A view on bytes as numbers, or a copy where the bytes are not aligned for it.
 *
 * @param dtype - Element type.
 * @param bytes - Little-endian bytes; a whole number of elements.
 */
export function viewElements(dtype: StoredDtype, bytes: Uint8Array): StoredData {
  const {bytes: width, array: View} = ELEMENT_TYPES[dtype] as ElementType;
  const aligned = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  return new View(aligned.buffer, aligned.byteOffset, aligned.byteLength / width);
}

/**
 * A float32 tensor for a file.
 *
 * @param shape - Sizes of the axes.
 * @param data - The numbers, last axis fastest.
 * @throws WeightError if the count does not fit the shape.
 * @example
 * ```ts
 * storedFloat32([2, 2], Float32Array.of(1, 2, 3, 4));
 * ```
 */
export function storedFloat32(shape: readonly number[], data: Float32Array): StoredTensor {
  if (elementCount(shape) !== data.length) {
    throw new WeightError(
      `Expected ${elementCount(shape)} numbers for shape [${shape.join(", ")}], got ${data.length}.`,
      {code: "shape"},
    );
  }
  return {dtype: "F32", shape: [...shape], data};
}

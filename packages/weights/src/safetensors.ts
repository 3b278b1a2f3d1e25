import {WeightError} from "@claps/core";
import type {TensorSource} from "./lazy-tensor.js";
import {
  LENGTH_BYTES,
  MAX_HEADER_BYTES,
  checkDataLength,
  headerLength,
  parseHeader,
} from "./safetensors-header.js";
import {bytesPerElement, elementCount, storedDtypes, viewElements} from "./stored-tensor.js";
import type {StoredTensor} from "./stored-tensor.js";

/** What a safetensors file holds. */
export interface Safetensors {
  /** Tensors by name, in the order of their bytes. */
  tensors: Map<string, StoredTensor>;
  /** Free texts by name. */
  metadata: Record<string, string>;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Reads the bytes of a safetensors file.
 *
 * Nothing in the file is executed or trusted: every length, offset and product is checked before use.
 *
 * @param bytes - The whole file. Tensors are views on it where alignment allows.
 * @param what - The file, for messages.
 * @throws WeightError whose `code` names the kind of damage.
 * @example
 * ```ts
 * const {tensors} = parseSafetensors(await response.bytes());
 * ```
 *
 * Source: the format description of safetensors.
 */
export function parseSafetensors(bytes: Uint8Array, what = "safetensors"): Safetensors {
  const dataStart = LENGTH_BYTES + headerLength(bytes, bytes.length, what);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, dataStart), what);
  checkDataLength(header, bytes.length - dataStart, what);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, {dtype, shape, start, end}] of header.tensors) {
    const data = viewElements(dtype, bytes.subarray(dataStart + start, dataStart + end));
    tensors.set(name, {dtype, shape, data});
  }
  return {tensors, metadata: header.metadata};
}

function checkedText(text: string, what: string): string {
  if (LONE_SURROGATE.test(text)) {
    throw new WeightError(`${what} ${JSON.stringify(text)} has half a surrogate pair.`, {
      code: "header-encoding",
    });
  }
  return JSON.stringify(text);
}

function layOut<T extends TensorSource>(tensors: ReadonlyMap<string, T>): [string, T][] {
  const rank = new Map(storedDtypes.map((dtype, index) => [dtype, index]));
  return [...tensors].sort(([nameA, a], [nameB, b]) => {
    const order = (rank.get(b.dtype) ?? 0) - (rank.get(a.dtype) ?? 0);
    return order === 0 ? (nameA < nameB ? -1 : 1) : order;
  });
}

/** A safetensors file before its numbers are written. */
export interface SafetensorsPieces<T extends TensorSource> {
  /** Length and header. */
  start: Uint8Array;
  /** The tensors in the order in which their bytes follow. */
  order: readonly [name: string, tensor: T][];
  /** The bytes of one of them; throws if they are not what the header says. */
  bytesOf(name: string, tensor: StoredTensor): Uint8Array;
}

/** How many bytes a tensor takes. */
export function byteLengthOf({dtype, shape}: TensorSource): number {
  return elementCount(shape) * bytesPerElement(dtype);
}

function isCount(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0;
}

/**
 * Lays a safetensors file out, so that its numbers can be written one tensor after the other.
 *
 * @param tensors - Tensors by name.
 * @param metadata - Free texts by name.
 * @throws WeightError if a name is reserved or a shape is none.
 */
export function safetensorsPieces<T extends TensorSource>(
  tensors: ReadonlyMap<string, T>,
  metadata: Readonly<Record<string, string>> = {},
): SafetensorsPieces<T> {
  const entries: string[] = [];
  const texts = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (texts.length > 0) {
    const pairs = texts.map(
      ([key, text]) => `${checkedText(key, "Metadata")}:${checkedText(text, "Metadata")}`,
    );
    entries.push(`"__metadata__":{${pairs.join(",")}}`);
  }
  const order = layOut(tensors);
  let position = 0;
  for (const [name, tensor] of order) {
    const {dtype, shape} = tensor;
    const end = position + byteLengthOf(tensor);
    if (name === "__metadata__") {
      throw new WeightError('The name "__metadata__" is reserved; give the tensor another one.', {
        code: "metadata",
      });
    }
    if (!shape.every(isCount) || !isCount(end)) {
      throw new WeightError(
        `Tensor "${name}": expected sizes that are whole numbers of at least 0, got [${shape.join(", ")}].`,
        {code: "tensor-info"},
      );
    }
    entries.push(
      `${checkedText(name, "Tensor")}:{"dtype":"${dtype}","shape":[${shape.join(",")}],"data_offsets":[${position},${end}]}`,
    );
    position = end;
  }
  const header = new TextEncoder().encode(`{${entries.join(",")}}`);
  // Blanks behind the header let the numbers start at a multiple of eight.
  const padded = Math.ceil(header.length / 8) * 8;
  if (padded > MAX_HEADER_BYTES) {
    throw new WeightError(
      `Expected names and shapes to take at most ${MAX_HEADER_BYTES} bytes, got ${padded}; spread the tensors over several files.`,
      {code: "header-too-large"},
    );
  }
  const start = new Uint8Array(LENGTH_BYTES + padded).fill(0x20);
  new DataView(start.buffer).setBigUint64(0, BigInt(padded), true);
  start.set(header, LENGTH_BYTES);
  return {
    start,
    order,
    bytesOf: (name, {data, dtype}) => {
      const promised = tensors.get(name);
      const bytes = promised === undefined ? 0 : byteLengthOf(promised);
      if (dtype !== promised?.dtype || data.byteLength !== bytes) {
        throw new WeightError(
          `Tensor "${name}": expected ${elementCount(promised?.shape ?? [])} numbers of ${promised?.dtype} for shape [${promised?.shape.join(", ")}], got ${data.length} of ${dtype}.`,
          {code: "tensor-info"},
        );
      }
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    },
  };
}

/**
 * The bytes of a safetensors file; the same tensors always give the same bytes.
 *
 * @param tensors - Tensors by name.
 * @param metadata - Free texts by name.
 * @throws WeightError if a name is reserved or a count does not fit its shape.
 * @example
 * ```ts
 * encodeSafetensors(new Map([["bias", storedFloat32([2], Float32Array.of(1, 2))]]));
 * ```
 *
 * Source: the format description of safetensors; tensors are laid out by element type, then name, as the original does.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const {start, order, bytesOf} = safetensorsPieces(tensors, metadata);
  const chunks = [start, ...order.map(([name, tensor]) => bytesOf(name, tensor))];
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}

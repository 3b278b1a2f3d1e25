import {openReadable} from "#files";
import type {ReadableFile} from "#files";
import {WeightError, nearestName} from "@claps/core";
import type {LazyTensor} from "./lazy-tensor.js";
import {isPickleName, pickleError} from "./pickle.js";
import {LENGTH_BYTES, checkDataLength, headerLength, parseHeader} from "./safetensors-header.js";
import type {SafetensorsHeader} from "./safetensors-header.js";
import {viewElements} from "./stored-tensor.js";
import type {StoredTensor} from "./stored-tensor.js";

/** Weights that are open for reading, one tensor at a time. */
export interface OpenWeights {
  /** Names of the tensors. */
  readonly names: readonly string[];
  /** Tensors by name; each is read when its `read` is called. */
  readonly tensors: ReadonlyMap<string, LazyTensor>;
  /** Free texts by name. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Reads one tensor.
   *
   * @throws WeightError with code `tensor-not-found` for a name that is not there.
   */
  read(name: string): Promise<StoredTensor>;
  /** Closes the files; nothing can be read afterwards. */
  close(): Promise<void>;
}

/** A safetensors file that is open for reading. */
export interface OpenSafetensors extends OpenWeights {
  /** Where everything lies in the file. */
  readonly header: SafetensorsHeader;
}

async function readHeader(
  file: ReadableFile,
  path: string,
): Promise<{header: SafetensorsHeader; dataStart: number}> {
  const start = await file.read(0, Math.min(32, file.size));
  const dataStart = LENGTH_BYTES + headerLength(start, file.size, path);
  const header = parseHeader(await file.read(LENGTH_BYTES, dataStart - LENGTH_BYTES), path);
  checkDataLength(header, file.size - dataStart, path);
  return {header, dataStart};
}

/** Reads one tensor of several, or throws with the nearest name. */
export async function readNamed(
  tensors: ReadonlyMap<string, LazyTensor>,
  name: string,
  path: string,
): Promise<StoredTensor> {
  const tensor = tensors.get(name);
  if (tensor !== undefined) return tensor.read();
  const nearest = nearestName(name, [...tensors.keys()]);
  const guess = nearest === undefined ? "" : ` Did you mean ${JSON.stringify(nearest)}?`;
  throw new WeightError(`${path}: expected a tensor ${JSON.stringify(name)}, got none.${guess}`, {
    code: "tensor-not-found",
  });
}

/**
 * Opens a safetensors file: its header is read and checked, its numbers stay on the disk.
 *
 * A file of any size can be read with the memory of its largest tensor.
 *
 * @param path - Path of the file.
 * @returns The open file; close it when done.
 * @throws WeightError if the file cannot be read or is damaged; `code` names the kind.
 * @example
 * ```ts
 * const file = await openSafetensors("model.safetensors");
 * const {shape} = await file.read("text_projection.weight");
 * await file.close();
 * ```
 */
export async function openSafetensors(path: string): Promise<OpenSafetensors> {
  if (isPickleName(path)) throw pickleError(path);
  const file = await openReadable(path);
  try {
    const {header, dataStart} = await readHeader(file, path);
    const tensors = new Map<string, LazyTensor>();
    for (const [name, {dtype, shape, start, end}] of header.tensors) {
      const read = async (): Promise<StoredTensor> => {
        const data = viewElements(dtype, await file.read(dataStart + start, end - start));
        return {dtype, shape: [...shape], data};
      };
      tensors.set(name, {dtype, shape, read});
    }
    return {
      header,
      tensors,
      names: [...tensors.keys()],
      metadata: header.metadata,
      read: (name) => readNamed(tensors, name, path),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

import {writeAtomically} from "#files";
import {fetchTensor} from "./lazy-tensor.js";
import type {TensorSource} from "./lazy-tensor.js";
import {openSafetensors} from "./open-safetensors.js";
import type {OpenWeights} from "./open-safetensors.js";
import {safetensorsPieces} from "./safetensors.js";
import type {Safetensors} from "./safetensors.js";
import type {StoredTensor} from "./stored-tensor.js";

/** Reads everything that is open into memory, and closes it. */
export async function readAll(file: OpenWeights): Promise<Safetensors> {
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const [name, tensor] of file.tensors) tensors.set(name, await tensor.read());
    return {tensors, metadata: {...file.metadata}};
  } finally {
    await file.close();
  }
}

/**
 * Reads a safetensors file into memory; `openSafetensors` reads one tensor at a time.
 *
 * @param path - Path of the file.
 * @returns Tensors by name and the free texts.
 * @throws WeightError if the file cannot be read or is damaged; `code` names the kind.
 * @example
 * ```ts
 * const {tensors} = await readSafetensors("model.safetensors");
 * ```
 */
export async function readSafetensors(path: string): Promise<Safetensors> {
  return readAll(await openSafetensors(path));
}

/** The bytes of a safetensors file, each tensor fetched when its turn comes. */
async function* chunksOf(
  tensors: ReadonlyMap<string, TensorSource>,
  metadata: Readonly<Record<string, string>>,
  onTensor: (name: string) => void,
): AsyncGenerator<Uint8Array> {
  const {start, order, bytesOf} = safetensorsPieces(tensors, metadata);
  yield start;
  for (const [name, source] of order) {
    yield bytesOf(name, await fetchTensor(source));
    onTensor(name);
  }
}

/** Options of {@link writeSafetensors}. */
export interface WriteOptions {
  /** Told each tensor that has been written. */
  onTensor?: (name: string) => void;
}

/**
 * Writes a safetensors file atomically: at every moment the old or the whole new file is there.
 *
 * Tensors that lie elsewhere are fetched one by one, so that writing takes the memory of the largest only.
 *
 * @param path - Path of the file; its folder must exist.
 * @param tensors - Tensors by name, in memory or elsewhere.
 * @param metadata - Free texts by name.
 * @param options - Who is told how far it is.
 * @throws WeightError if a tensor is inconsistent or the file cannot be written.
 * @example
 * ```ts
 * await writeSafetensors("model.safetensors", lazyWeights(model, ownRules), {format: "claps"});
 * ```
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorSource>,
  metadata: Readonly<Record<string, string>> = {},
  options: WriteOptions = {},
): Promise<void> {
  await writeAtomically(path, chunksOf(tensors, metadata, options.onTensor ?? (() => undefined)));
}

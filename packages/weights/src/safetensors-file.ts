import {openReadable, writeAtomically} from "#files";
import type {ReadableFile} from "#files";
import {LENGTH_BYTES, checkDataLength, headerLength, parseHeader} from "./safetensors-header.js";
import type {SafetensorsHeader} from "./safetensors-header.js";
import {safetensorsChunks} from "./safetensors.js";
import type {Safetensors} from "./safetensors.js";
import {viewElements} from "./stored-tensor.js";
import type {StoredTensor} from "./stored-tensor.js";

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

/**
 * Reads a safetensors file.
 *
 * Tensors are read one by one, so that a file may be larger than one array can be.
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
  const file = await openReadable(path);
  try {
    const {header, dataStart} = await readHeader(file, path);
    const tensors = new Map<string, StoredTensor>();
    for (const [name, {dtype, shape, start, end}] of header.tensors) {
      const data = viewElements(dtype, await file.read(dataStart + start, end - start));
      tensors.set(name, {dtype, shape, data});
    }
    return {tensors, metadata: header.metadata};
  } finally {
    await file.close();
  }
}

/**
 * Reads only the header of a safetensors file.
 *
 * @param path - Path of the file.
 * @throws WeightError if the file cannot be read or is damaged.
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const file = await openReadable(path);
  try {
    return (await readHeader(file, path)).header;
  } finally {
    await file.close();
  }
}

/**
 * Writes a safetensors file atomically: at every moment the old or the whole new file is there.
 *
 * @param path - Path of the file; its folder must exist.
 * @param tensors - Tensors by name.
 * @param metadata - Free texts by name.
 * @throws WeightError if a tensor is inconsistent or the file cannot be written.
 * @example
 * ```ts
 * await writeSafetensors("model.safetensors", await collectWeights(model), {format: "claps"});
 * ```
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeAtomically(path, safetensorsChunks(tensors, metadata));
}

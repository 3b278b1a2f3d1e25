import {folderOf, pathInFolder, readTextFile} from "#files";
import {WeightError} from "@claps/core";
import type {LazyTensor} from "./lazy-tensor.js";
import {openSafetensors, readNamed} from "./open-safetensors.js";
import type {OpenSafetensors, OpenWeights} from "./open-safetensors.js";
import {MAX_HEADER_BYTES} from "./safetensors-header.js";
import {parseStrictJson} from "./strict-json.js";

function checkShardName(name: unknown, what: string): string {
  // Only a plain name beside the index: no separator of any system, no drive, no parent, no end of text.
  if (typeof name !== "string" || !/^[^/\\:\0]+\.safetensors$/.test(name) || name.startsWith("..")) {
    throw new WeightError(
      `${what}: expected the plain name of a .safetensors file beside the index, got ${typeof name === "string" ? JSON.stringify(name) : String(name)}.`,
      {code: "shard-name"},
    );
  }
  return name;
}

/** From each tensor to its file, as an index lists them. */
export async function readShardIndex(path: string): Promise<Map<string, string>> {
  const document = parseStrictJson(await readTextFile(path, MAX_HEADER_BYTES), path);
  const places = document instanceof Map ? document.get("weight_map") : undefined;
  if (!(places instanceof Map)) {
    throw new WeightError(`${path}: expected a record "weight_map" from tensor to file.`, {
      code: "shard-index",
    });
  }
  return new Map([...places].map(([tensor, file]) => [tensor, checkShardName(file, `${path}: ${tensor}`)]));
}

function checkListed(
  path: string,
  places: ReadonlyMap<string, string>,
  file: string,
  shard: OpenSafetensors,
): void {
  for (const name of shard.names) {
    if (places.get(name) === file) continue;
    throw new WeightError(
      `${path}: ${file} holds "${name}", which the index ${places.has(name) ? `places in ${places.get(name)}` : "does not list"}.`,
      {code: "shard-index"},
    );
  }
}

/**
 * Opens weights that are spread over several safetensors files, without reading the numbers.
 *
 * A file may be a link, as in Hugging Face's cache; what it leads to is checked like any other.
 *
 * @param path - Path of the index, `model.safetensors.index.json`.
 * @returns Tensors of all files, in the order of the index; close it when done.
 * @throws WeightError if the index names a file elsewhere (`shard-name`), a tensor is not where the index says
 * (`tensor-not-found`), or a file holds a tensor that the index does not list there (`shard-index`).
 *
 * Source: the index files of Hugging Face transformers.
 */
export async function openSharded(path: string): Promise<OpenWeights> {
  const places = await readShardIndex(path);
  const shards = new Map<string, OpenSafetensors>();
  const close = async (): Promise<void> => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    const texts = new Map<string, string>();
    for (const file of new Set(places.values())) {
      const shard = await openSafetensors(pathInFolder(folderOf(path), file));
      shards.set(file, shard);
      checkListed(path, places, file, shard);
      for (const [key, text] of Object.entries(shard.metadata)) texts.set(key, text);
    }
    const tensors = new Map<string, LazyTensor>();
    for (const [name, file] of places) {
      const tensor = shards.get(file)?.tensors.get(name);
      if (tensor === undefined) {
        throw new WeightError(`${path}: expected "${name}" in ${file}, but it is not there.`, {
          code: "tensor-not-found",
        });
      }
      tensors.set(name, tensor);
    }
    return {
      tensors,
      names: [...tensors.keys()],
      metadata: Object.fromEntries(texts),
      read: (name) => readNamed(tensors, name, path),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

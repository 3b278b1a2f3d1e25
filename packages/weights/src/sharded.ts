import {WeightError} from "@claps/core";
import {folderOf, kindOfPath, pathInFolder, readTextFile} from "#files";
import {MAX_HEADER_BYTES} from "./safetensors-header.js";
import {readSafetensors} from "./safetensors-file.js";
import type {Safetensors} from "./safetensors.js";
import type {StoredTensor} from "./stored-tensor.js";
import {parseStrictJson} from "./strict-json.js";

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

function checkShardName(name: unknown, what: string): string {
  // Only a plain name beside the index: no separator of any system, no drive, no parent, no end of text.
  if (typeof name !== "string" || !/^[^/\\:\0]+\.safetensors$/.test(name) || name.startsWith("..")) {
    throw new WeightError(
      `${what}: expected the plain name of a .safetensors file beside the index, got ${JSON.stringify(name) ?? String(name)}.`,
      {code: "shard-name"},
    );
  }
  return name;
}

async function readIndex(path: string): Promise<Map<string, string>> {
  const document = parseStrictJson(await readTextFile(path, MAX_HEADER_BYTES), path);
  const places = document instanceof Map ? document.get("weight_map") : undefined;
  if (!(places instanceof Map)) {
    throw new WeightError(`${path}: expected a record "weight_map" from tensor to file.`, {
      code: "shard-index",
    });
  }
  return new Map([...places].map(([tensor, file]) => [tensor, checkShardName(file, `${path}: ${tensor}`)]));
}

/**
 * Reads weights that are spread over several safetensors files.
 *
 * @param path - Path of the index, `model.safetensors.index.json`.
 * @returns Tensors of all files, in the order of the index.
 * @throws WeightError if the index names a file elsewhere (`shard-name`), a tensor is not where the index says
 * (`tensor-not-found`), or a file holds a tensor that the index does not list (`shard-index`).
 *
 * Source: the index files of Hugging Face transformers.
 */
export async function readShardedSafetensors(path: string): Promise<Safetensors> {
  const places = await readIndex(path);
  const loaded = new Map<string, StoredTensor>();
  const texts = new Map<string, string>();
  for (const file of new Set(places.values())) {
    const shard = await readSafetensors(pathInFolder(folderOf(path), file));
    for (const [key, text] of Object.entries(shard.metadata)) texts.set(key, text);
    for (const [name, tensor] of shard.tensors) {
      if (places.get(name) !== file) {
        throw new WeightError(
          `${path}: ${file} holds "${name}", which the index ${places.has(name) ? `places in ${places.get(name)}` : "does not list"}.`,
          {
            code: "shard-index",
          },
        );
      }
      loaded.set(name, tensor);
    }
  }
  const tensors = new Map<string, StoredTensor>();
  for (const [name, file] of places) {
    const tensor = loaded.get(name);
    if (tensor === undefined) {
      throw new WeightError(`${path}: expected "${name}" in ${file}, but it is not there.`, {
        code: "tensor-not-found",
      });
    }
    tensors.set(name, tensor);
  }
  return {tensors, metadata: Object.fromEntries(texts)};
}

/**
 * Reads weights from a file, an index of several files, or a folder that holds one of these.
 *
 * @param path - A `.safetensors` file, a `.safetensors.index.json` file, or a folder with `model.safetensors` or
 * `model.safetensors.index.json`.
 * @throws WeightError if nothing of the kind is there, or it is damaged.
 * @example
 * ```ts
 * const {tensors} = await readWeights("weights/sam-base");
 * ```
 */
export async function readWeights(path: string): Promise<Safetensors> {
  const kind = await kindOfPath(path);
  if (kind !== "folder") {
    return path.endsWith(".json") ? readShardedSafetensors(path) : readSafetensors(path);
  }
  if ((await kindOfPath(pathInFolder(path, SINGLE))) === "file")
    return readSafetensors(pathInFolder(path, SINGLE));
  if ((await kindOfPath(pathInFolder(path, INDEX))) === "file")
    return readShardedSafetensors(pathInFolder(path, INDEX));
  throw new WeightError(`${path}: expected ${SINGLE} or ${INDEX} in this folder, got neither.`, {
    code: "file-ENOENT",
  });
}

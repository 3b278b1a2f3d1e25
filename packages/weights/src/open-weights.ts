import {kindOfPath, namesInFolder, pathInFolder} from "#files";
import {WeightError} from "@claps/core";
import {openSafetensors} from "./open-safetensors.js";
import type {OpenWeights} from "./open-safetensors.js";
import {openSharded} from "./open-sharded.js";
import {isPickleName, pickleError} from "./pickle.js";
import {readAll} from "./safetensors-file.js";
import type {Safetensors} from "./safetensors.js";

/** Names that weights have in a folder, the first that is there counts: Hugging Face's two, then open_clip's. */
const IN_FOLDER = ["model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors"];

/**
 * Finds the weights at a path.
 *
 * @param path - A `.safetensors` file, a `.safetensors.index.json` file, or a folder with `model.safetensors`,
 * `model.safetensors.index.json` or `open_clip_model.safetensors`.
 * @returns Path of the file or index.
 * @throws WeightError with code `pickle` if there is only a Python pickle, or `file-ENOENT` if there is nothing.
 */
export async function locateWeights(path: string): Promise<string> {
  const kind = await kindOfPath(path);
  if (kind !== "folder") {
    if (isPickleName(path)) throw pickleError(path);
    return path;
  }
  for (const name of IN_FOLDER) {
    const candidate = pathInFolder(path, name);
    if ((await kindOfPath(candidate)) === "file") return candidate;
  }
  const names = await namesInFolder(path);
  const others = names.filter((name) => name.endsWith(".safetensors"));
  const pickle = names.find(isPickleName);
  if (pickle !== undefined && others.length === 0) throw pickleError(pathInFolder(path, pickle));
  const instead = others.length === 0 ? "" : ` It holds ${others.join(", ")}: name the file itself.`;
  throw new WeightError(`${path}: expected ${IN_FOLDER.join(" or ")} in this folder, got none.${instead}`, {
    code: "file-ENOENT",
  });
}

/**
 * Opens weights for reading one tensor at a time: headers are read and checked, the numbers stay on the disk.
 *
 * @param path - A file, an index of several, or a folder with either, as `locateWeights` finds them.
 * @returns The open weights; close them when done.
 * @throws WeightError if nothing of the kind is there, or it is damaged.
 * @example
 * ```ts
 * const weights = await openWeights("weights/clip-vit-base-patch32");
 * const {data} = await weights.read("logit_scale");
 * await weights.close();
 * ```
 */
export async function openWeights(path: string): Promise<OpenWeights> {
  const found = await locateWeights(path);
  return found.endsWith(".json") ? openSharded(found) : openSafetensors(found);
}

/**
 * Reads weights from a file, an index of several files, or a folder that holds one of these, into memory;
 * `openWeights` and `loadWeights` read one tensor at a time.
 *
 * @param path - As for `openWeights`.
 * @throws WeightError if nothing of the kind is there, or it is damaged.
 * @example
 * ```ts
 * const {tensors} = await readWeights("weights/sam-base");
 * ```
 */
export async function readWeights(path: string): Promise<Safetensors> {
  return readAll(await openWeights(path));
}

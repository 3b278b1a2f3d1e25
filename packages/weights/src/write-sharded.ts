import {
  kindOfPath,
  makeFolder,
  namesInFolder,
  pathInFolder,
  removeFile,
  renameFile,
  writeAtomically,
} from "#files";
import {ConfigError} from "@claps/core";
import type {TensorSource} from "./lazy-tensor.js";
import {byteLengthOf} from "./safetensors.js";
import {writeSafetensors} from "./safetensors-file.js";
import type {WriteOptions} from "./safetensors-file.js";

/** Options of {@link writeShardedSafetensors}. */
export interface ShardOptions extends WriteOptions {
  /** The most bytes of numbers in one file, 5e9 if left out; a larger tensor gets a file of its own. */
  maxShardBytes?: number;
  /** Free texts by name, written into every file. */
  metadata?: Readonly<Record<string, string>>;
}

const DEFAULT_SHARD_BYTES = 5e9;
const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";
// Also what a save that was ended by force left.
const SHARD = /^(?:\.unfinished-)?model-\d{5,}-of-\d{5,}\.safetensors$/;

type Shard = Map<string, TensorSource>;

/** Shards in the order of the tensors: a new one begins when the next tensor does not fit. */
function split(tensors: ReadonlyMap<string, TensorSource>, maxShardBytes: number): Shard[] {
  const shards: Shard[] = [new Map<string, TensorSource>()];
  let bytes = 0;
  for (const [name, tensor] of tensors) {
    const size = byteLengthOf(tensor);
    if (bytes > 0 && bytes + size > maxShardBytes) {
      shards.push(new Map<string, TensorSource>());
      bytes = 0;
    }
    shards.at(-1)?.set(name, tensor);
    bytes += size;
  }
  return shards;
}

function indexText(shards: readonly Shard[], files: readonly string[]): string {
  const places = shards.flatMap((shard, number) =>
    [...shard.keys()].map((name): [string, string] => [name, files[number] ?? ""]),
  );
  // Compared by code units, so that the file is the same in every language.
  places.sort(([a], [b]) => (a < b ? -1 : 1));
  const sizes = shards.flatMap((shard) => [...shard.values()].map(byteLengthOf));
  const index = {
    metadata: {total_size: sizes.reduce((sum, size) => sum + size, 0)},
    weight_map: Object.fromEntries(places),
  };
  return `${JSON.stringify(index, null, 2)}\n`;
}

/**
 * Writes weights into a folder, over several safetensors files with an index if they are larger than one may be.
 *
 * Tensors that lie elsewhere are fetched one by one. New files are written whole under other names before any old
 * one is touched; an index never leads to files of two saves, and what an earlier save left is removed: while the
 * last names are given, the folder holds the old weights, the new ones, or none.
 *
 * @param folder - Made if it is not there.
 * @param tensors - Tensors by name, in memory or elsewhere.
 * @param options - Size of a file and free texts.
 * @returns Names of the files written, the index last: `model.safetensors` alone if everything fits, else
 * `model-00001-of-00003.safetensors` and so on and `model.safetensors.index.json`.
 * @throws ConfigError for a size that is none; WeightError if a tensor is inconsistent or a file cannot be written.
 * @example
 * ```ts
 * await writeShardedSafetensors("weights/large", lazyWeights(model, rules), {maxShardBytes: 2e9});
 * ```
 *
 * Source: names and index of Hugging Face transformers.
 */
export async function writeShardedSafetensors(
  folder: string,
  tensors: ReadonlyMap<string, TensorSource>,
  options: ShardOptions = {},
): Promise<string[]> {
  const {maxShardBytes = DEFAULT_SHARD_BYTES, metadata = {}, ...writing} = options;
  if (!(maxShardBytes >= 1)) {
    throw new ConfigError(`maxShardBytes: expected at least 1 byte, got ${maxShardBytes}.`, {
      code: "shard-size",
    });
  }
  await makeFolder(folder);
  const shards = split(tensors, maxShardBytes);
  const count = shards.length;
  if (count === 1) {
    // Readers prefer the single file to an index, so that it counts from the moment it is there.
    await writeSafetensors(pathInFolder(folder, SINGLE), tensors, metadata, writing);
    await removeFile(pathInFolder(folder, INDEX));
    await removeShards(folder, []);
    return [SINGLE];
  }
  const digits = (number: number): string => String(number).padStart(5, "0");
  const files = shards.map((_, number) => `model-${digits(number + 1)}-of-${digits(count)}.safetensors`);
  const text = indexText(shards, files);
  const unfinished = files.map((file) => pathInFolder(folder, `.unfinished-${file}`));
  try {
    for (const [number, shard] of shards.entries()) {
      await writeSafetensors(unfinished[number] ?? "", shard, metadata, writing);
    }
    await giveNames(folder, files, unfinished, text);
  } catch (error) {
    for (const path of unfinished) await removeFile(path);
    throw error;
  }
  return [...files, INDEX];
}

async function giveNames(
  folder: string,
  files: readonly string[],
  unfinished: readonly string[],
  indexContent: string,
): Promise<void> {
  const index = pathInFolder(folder, INDEX);
  const existing = await namesInFolder(folder);
  // An old index that leads to these very names would mix both saves while they are replaced.
  if (files.some((file) => existing.includes(file))) await removeFile(index);
  for (const [number, file] of files.entries()) {
    await renameFile(unfinished[number] ?? "", pathInFolder(folder, file));
  }
  await writeAtomically(index, [new TextEncoder().encode(indexContent)]);
  const single = pathInFolder(folder, SINGLE);
  if ((await kindOfPath(single)) === "file") await removeFile(single);
  await removeShards(folder, files);
}

async function removeShards(folder: string, kept: readonly string[]): Promise<void> {
  for (const name of await namesInFolder(folder)) {
    if (SHARD.test(name) && !kept.includes(name)) await removeFile(pathInFolder(folder, name));
  }
}

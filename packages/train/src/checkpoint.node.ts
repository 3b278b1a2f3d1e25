import {createHash} from "node:crypto";
import {createReadStream} from "node:fs";
import {mkdir, readFile, readdir, rename, rm, stat} from "node:fs/promises";
import {join} from "node:path";
import {pipeline} from "node:stream/promises";
import {DataError} from "@claps/core";
import {readSafetensors, writeSafetensors} from "@claps/weights";
import type {Checkpoint} from "./checkpoint.js";
import {fileProblem, syncFolder, writeDurably} from "./durable-file.node.js";
import {parseTrainingState} from "./training-state.js";

/** A checkpoint on the disk. */
export interface SavedCheckpoint {
  /** Steps done when it was saved. */
  readonly step: number;
  /** Its folder. */
  readonly path: string;
}

interface Manifest {
  format: "claps checkpoint 1";
  files: Record<string, {bytes: number; sha256: string}>;
}

const WEIGHTS = "weights.safetensors";
const OPTIMIZER = "optimizer.safetensors";
const AVERAGE = "average.safetensors";
const STATE = "state.json";
const MANIFEST = "manifest.json";
const UNFINISHED = ".unfinished-";

/**
 * The checkpoints in a folder, oldest first, damaged ones included.
 *
 * @param folder - The folder of all checkpoints of a run; it may be absent.
 */
export async function listCheckpoints(folder: string): Promise<SavedCheckpoint[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    if ((cause as {code?: string}).code === "ENOENT") return [];
    throw fileProblem("list", folder, cause);
  });
  return names
    .map((name) => ({name, step: /^step-(\d{6,})$/.exec(name)?.[1]}))
    .filter(({step}) => step !== undefined)
    .map(({name, step}) => ({step: Number(step), path: join(folder, name)}))
    .sort((a, b) => a.step - b.step);
}

/**
 * Writes a checkpoint so that at every moment it exists whole or not at all.
 *
 * Files go to a temporary folder, the manifest with their sizes and hashes last; each is forced to the disk;
 * then the folder takes its name and is read back and checked.
 *
 * @param folder - The folder of all checkpoints of a run; made if absent.
 * @param checkpoint - What to write.
 * @returns Where it is. If that step was saved before, the old one is left as it is.
 * @throws DataError if it cannot be written, with the bytes that it needs; older checkpoints are untouched.
 */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint): Promise<SavedCheckpoint> {
  const {step} = checkpoint.state;
  const name = `step-${String(step).padStart(6, "0")}`;
  const saved = {step, path: join(folder, name)};
  if ((await listCheckpoints(folder)).some((other) => other.step === step)) return saved;
  const unfinished = join(folder, UNFINISHED + name);
  try {
    await mkdir(folder, {recursive: true});
    await rm(unfinished, {recursive: true, force: true});
    await mkdir(unfinished);
    await writeSafetensors(join(unfinished, WEIGHTS), checkpoint.weights);
    await writeSafetensors(join(unfinished, OPTIMIZER), checkpoint.optimizer);
    if (checkpoint.average !== undefined) {
      await writeSafetensors(join(unfinished, AVERAGE), checkpoint.average);
    }
    await writeDurably(join(unfinished, STATE), `${JSON.stringify(checkpoint.state, null, 2)}\n`);
    const manifest: Manifest = {format: "claps checkpoint 1", files: {}};
    for (const file of filesOf(checkpoint.average !== undefined)) {
      manifest.files[file] = await fingerprint(join(unfinished, file));
    }
    await writeDurably(join(unfinished, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    await syncFolder(unfinished);
    await rename(unfinished, saved.path);
    await syncFolder(folder);
    await verifyCheckpoint(saved.path);
    return saved;
  } catch (cause) {
    await rm(unfinished, {recursive: true, force: true}).catch(() => undefined);
    const {weights, optimizer, average = new Map()} = checkpoint;
    const bytes = sizeOf(weights) + sizeOf(optimizer) + sizeOf(average);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(
      `Checkpoint of step ${step}: expected to write ${bytes} bytes into ${folder}, got: ${reason} Older checkpoints are untouched; make room or choose another folder, then resume.`,
      {cause, code: "checkpoint-write"},
    );
  }
}

function filesOf(hasAverage: boolean): string[] {
  return [WEIGHTS, OPTIMIZER, ...(hasAverage ? [AVERAGE] : []), STATE];
}

function sizeOf(tensors: Checkpoint["weights"]): number {
  return [...tensors.values()].reduce((sum, {data}) => sum + data.byteLength, 0);
}

async function fingerprint(path: string): Promise<{bytes: number; sha256: string}> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return {bytes: (await stat(path)).size, sha256: hash.digest("hex")};
}

/**
 * Checks every file of a checkpoint against its manifest.
 *
 * @param path - Folder of the checkpoint.
 * @throws DataError if the manifest is absent or a file is missing, truncated or changed.
 */
export async function verifyCheckpoint(path: string): Promise<void> {
  const manifest = await readManifest(join(path, MANIFEST));
  for (const file of filesOf(AVERAGE in manifest.files)) {
    const expected = manifest.files[file];
    const actual = await fingerprint(join(path, file)).catch((cause: unknown) => {
      throw fileProblem("read", join(path, file), cause);
    });
    if (expected?.bytes !== actual.bytes || expected.sha256 !== actual.sha256) {
      throw new DataError(
        `${join(path, file)}: expected ${expected?.bytes ?? 0} bytes with the SHA-256 of the manifest, got ${actual.bytes} bytes that differ; the checkpoint is damaged.`,
        {code: "checkpoint"},
      );
    }
  }
}

async function readManifest(path: string): Promise<Manifest> {
  try {
    const manifest = JSON.parse(await readFile(path, "utf8")) as Manifest;
    const {format, files} = manifest;
    if (format === "claps checkpoint 1" && typeof files === "object" && files !== null) return manifest;
    throw new DataError("it has another format");
  } catch (cause) {
    throw new DataError(
      `${path}: expected the manifest of a whole checkpoint, got none that can be read (${(cause as Error).message}).`,
      {cause, code: "checkpoint"},
    );
  }
}

/**
 * Reads a checkpoint after checking it against its manifest.
 *
 * @param path - Folder of the checkpoint.
 * @throws DataError or WeightError if it is damaged.
 * @example
 * ```ts
 * const {weights} = await readCheckpoint("runs/one/checkpoints/step-000100");
 * ```
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  await verifyCheckpoint(path);
  const hasAverage = AVERAGE in (await readManifest(join(path, MANIFEST))).files;
  return {
    weights: (await readSafetensors(join(path, WEIGHTS))).tensors,
    optimizer: (await readSafetensors(join(path, OPTIMIZER))).tensors,
    ...(hasAverage && {average: (await readSafetensors(join(path, AVERAGE))).tensors}),
    state: parseTrainingState(await readFile(join(path, STATE), "utf8"), join(path, STATE)),
  };
}

/**
 * The newest checkpoint that is whole.
 *
 * Damaged ones newer than it are renamed to `damaged-step-…`, so that the run can save those steps anew.
 *
 * @param folder - The folder of all checkpoints of a run.
 * @param report - Told about each damaged one.
 * @returns The checkpoint, or undefined if there is none at all.
 * @throws DataError if there are checkpoints but none is whole.
 */
export async function newestCheckpoint(
  folder: string,
  report: (line: string) => void,
): Promise<Checkpoint | undefined> {
  const saved = await listCheckpoints(folder);
  const damaged: SavedCheckpoint[] = [];
  for (const candidate of [...saved].reverse()) {
    try {
      const checkpoint = await readCheckpoint(candidate.path);
      for (const {path} of damaged) await setAside(folder, path);
      return checkpoint;
    } catch (error) {
      damaged.push(candidate);
      report(
        `Checkpoint of step ${candidate.step} is damaged, trying the one before: ${(error as Error).message}`,
      );
    }
  }
  if (damaged.length === 0) return undefined;
  throw new DataError(
    `${folder}: expected one whole checkpoint, got ${damaged.length} damaged ones; start a new run in another folder.`,
    {code: "checkpoint"},
  );
}

async function setAside(folder: string, path: string): Promise<void> {
  const target = join(folder, `damaged-${path.slice(folder.length + 1)}`);
  await rm(target, {recursive: true, force: true});
  await rename(path, target);
}

/**
 * Removes the oldest checkpoints. What an interrupted write left behind stays: see {@link removeUnfinished}.
 *
 * @param folder - The folder of all checkpoints of a run.
 * @param keep - How many of the newest stay.
 * @param best - Step of one more that stays.
 */
export async function pruneCheckpoints(
  folder: string,
  keep: number,
  best: number | undefined,
): Promise<void> {
  const saved = await listCheckpoints(folder);
  for (const {step, path} of saved.slice(0, Math.max(0, saved.length - keep))) {
    if (step === best) continue;
    // Without its manifest it no longer exists, whatever interrupts the rest.
    await rm(join(path, MANIFEST), {force: true});
    await rm(path, {recursive: true, force: true});
  }
}

/**
 * Removes what an interrupted write left behind.
 *
 * @param folder - The folder of all checkpoints of a run; it may be absent.
 */
export async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.startsWith(UNFINISHED)) await rm(join(folder, name), {recursive: true, force: true});
  }
}

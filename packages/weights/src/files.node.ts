import {constants} from "node:fs";
import {mkdir, open, readFile, readdir, rename, rm, stat} from "node:fs/promises";
import type {FileHandle} from "node:fs/promises";
import {basename, dirname, join} from "node:path";
import {ClapsError, WeightError} from "@claps/core";
import type {ReadableFile} from "./readable-file.js";

export type {ReadableFile} from "./readable-file.js";

// One read of Node may not pass 2 GiB.
const MAX_PIECE = 1 << 30;

let filesWritten = 0;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  ENOTDIR: "a part of its path is not a folder",
  EACCES: "reading or writing it is not allowed",
  EPERM: "reading or writing it is not allowed",
  ELOOP: "its links point in a circle",
  ENAMETOOLONG: "its name is too long",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
};

function fileError(action: string, path: string, cause: unknown): WeightError {
  const system = cause as {code?: string; message?: string};
  const reason = REASONS[system.code ?? ""] ?? system.message ?? String(cause);
  return new WeightError(`Cannot ${action} ${path}: ${reason}.`, {
    code: `file-${system.code ?? "error"}`,
    cause,
  });
}

/** What stands at a path. */
export async function kindOfPath(path: string): Promise<"file" | "folder" | "other" | "nothing"> {
  try {
    const entry = await stat(path);
    return entry.isFile() ? "file" : entry.isDirectory() ? "folder" : "other";
  } catch (cause) {
    if ((cause as {code?: string}).code === "ENOENT") return "nothing";
    throw fileError("look at", path, cause);
  }
}

async function readFully(
  handle: FileHandle,
  path: string,
  position: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const piece = Math.min(MAX_PIECE, length - done);
    const {bytesRead} = await handle.read(bytes, done, piece, position + done);
    if (bytesRead === 0) {
      throw new WeightError(`Cannot read ${path}: it became shorter while it was read.`, {
        code: "file-changed",
      });
    }
    done += bytesRead;
  }
  return bytes;
}

/**
 * Opens a file for reading.
 *
 * @param path - Path of an ordinary file.
 * @throws WeightError if there is none or it may not be read; its code is `file-` and the system's reason.
 */
export async function openReadable(path: string): Promise<ReadableFile> {
  // Asked before opening: opening a named pipe would wait for ever.
  const kind = await kindOfPath(path);
  if (kind === "folder" || kind === "other") {
    throw new WeightError(
      `Cannot read ${path}: expected a file, got ${kind === "folder" ? "a folder" : "a device or pipe"}.`,
      {
        code: "file-kind",
      },
    );
  }
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY);
  } catch (cause) {
    throw fileError("read", path, cause);
  }
  const {size} = await handle.stat();
  return {
    size,
    read: (position, length) => readFully(handle, path, position, length),
    close: () => handle.close(),
  };
}

/**
 * Reads a text file of limited size, for configurations and vocabularies that lie beside weights.
 *
 * @param path - Path of an ordinary file.
 * @param maxBytes - The largest size accepted.
 * @throws WeightError if there is none, it may not be read or it is larger.
 * @example
 * ```ts
 * JSON.parse(await readTextFile("weights/config.json", 1e6));
 * ```
 */
export async function readTextFile(path: string, maxBytes: number): Promise<string> {
  const file = await openReadable(path);
  try {
    if (file.size > maxBytes) {
      throw new WeightError(`Cannot read ${path}: expected at most ${maxBytes} bytes, got ${file.size}.`, {
        code: "file-too-large",
      });
    }
    return new TextDecoder().decode(await file.read(0, file.size));
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  // A new name survives a power cut only once its folder is on the disk; some systems cannot do this.
  const handle = await open(folder, constants.O_RDONLY).catch(() => undefined);
  try {
    await handle?.sync().catch(() => undefined);
  } finally {
    await handle?.close();
  }
}

/**
 * Writes a file so that at every moment either the old or the whole new one is there.
 *
 * The bytes go to a temporary name in the same folder, are forced to the disk, and then take the name.
 *
 * @param path - Path of the file.
 * @param chunks - Its bytes in order; they may be made while earlier ones are written.
 * @throws WeightError if it cannot be written; the temporary file is then removed, the old one untouched.
 * @example
 * ```ts
 * await writeAtomically("weights/config.json", [new TextEncoder().encode("{}")]);
 * ```
 */
export async function writeAtomically(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}-${filesWritten++}.part`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, "wx");
    for await (const chunk of chunks) {
      for (let start = 0; start < chunk.length; start += MAX_PIECE) {
        await handle.writeFile(chunk.subarray(start, start + MAX_PIECE));
      }
    }
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (cause) {
    await handle?.close().catch(() => undefined);
    await rm(temporary, {force: true}).catch(() => undefined);
    // What is wrong with a tensor says so itself.
    throw cause instanceof ClapsError ? cause : fileError("write", path, cause);
  }
}

/** Whether a path is a folder; false also if nothing is there or it may not be looked at. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

/**
 * The text of a small file beside weights, or `undefined` if there is no such file.
 *
 * @param path - Path of the file.
 * @throws WeightError if it is there and cannot be read.
 */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as {code?: string}).code === "ENOENT") return undefined;
    throw fileError("read", path, cause);
  }
}

/**
 * Makes a folder and those above it.
 *
 * @param path - The folder.
 * @throws WeightError if it cannot be made.
 */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, {recursive: true}).catch((cause: unknown) => {
    throw fileError("make the folder", path, cause);
  });
}

/** The names of what is in a folder, sorted. */
export async function namesInFolder(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (cause) {
    throw fileError("list", path, cause);
  }
}

/** Gives a file another name; a file of that name is replaced. */
export async function renameFile(from: string, to: string): Promise<void> {
  await rename(from, to).catch((cause: unknown) => {
    throw fileError("write", to, cause);
  });
  await syncFolder(dirname(to));
}

/** Removes a file, if it is there. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, {force: true}).catch((cause: unknown) => {
    throw fileError("remove", path, cause);
  });
}

/** The path of a file beside another one or in a folder. */
export function pathInFolder(folder: string, name: string): string {
  return join(folder, name);
}

/** The folder that holds a file. */
export function folderOf(path: string): string {
  return dirname(path);
}

import {open} from "node:fs/promises";
import {DataError} from "@claps/core";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  ENOTDIR: "a part of its path is not a folder",
  EACCES: "it is not allowed",
  EPERM: "it is not allowed",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
};

/**
 * A typed error for what the file system refused.
 *
 * @param action - A verb, for example `write`.
 * @param path - What it was about.
 * @param cause - The system's error.
 */
export function fileProblem(action: string, path: string, cause: unknown): DataError {
  const system = cause as {code?: string; message?: string};
  const reason = REASONS[system.code ?? ""] ?? system.message ?? String(cause);
  return new DataError(`Cannot ${action} ${path}: ${reason}.`, {
    cause,
    code: `file-${system.code ?? "error"}`,
  });
}

/**
 * Writes a new file and forces it to the disk.
 *
 * @param path - Path of a file that does not exist yet.
 * @param text - Its content.
 * @throws DataError if it exists or cannot be written.
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  try {
    const handle = await open(path, "wx");
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw fileProblem("write", path, cause);
  }
}

/**
 * Forces the names in a folder to the disk, where the system can do that.
 *
 * @param folder - The folder.
 */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  try {
    await handle?.sync().catch(() => undefined);
  } finally {
    await handle?.close();
  }
}

import {mkdir, readFile, stat, writeFile} from "node:fs/promises";
import {join} from "node:path";
import {WeightError} from "@claps/core";

function failure(action: string, path: string, cause: unknown): WeightError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new WeightError(`Cannot ${action} ${path}: ${reason}.`, {cause, code: "file"});
}

/** Whether a path is a folder; false also if nothing is there. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

/** The path of a file in a folder. */
export function inFolder(folder: string, name: string): string {
  return join(folder, name);
}

/** The text of a file, or `undefined` if there is no such file. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as {code?: string}).code === "ENOENT") {
      return undefined;
    }
    throw failure("read", path, cause);
  }
}

/** Makes a folder and those above it. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, {recursive: true}).catch((cause: unknown) => {
    throw failure("make the folder", path, cause);
  });
}

/** Writes a text file. */
export async function writeText(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((cause: unknown) => {
    throw failure("write", path, cause);
  });
}

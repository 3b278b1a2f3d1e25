import {mkdir, readdir, readFile, stat, writeFile} from "node:fs/promises";
import {dirname, join, resolve} from "node:path";
import {DataError} from "@claps/core";

/** Deeper folders than this are not looked at; the official layouts need five. */
const DEEPEST = 8;
const NOISE = /^(\.|thumbs\.db$|desktop\.ini$|__macosx$)/i;

/** Is there a folder at the path? */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** Is there a file at the path? */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** A path that is relative to the folder of a file; an absolute one stays as it is. */
export function resolveBeside(file: string, path: string): string {
  return resolve(dirname(file), path);
}

/** Names of the folders directly in a folder, sorted; empty if it cannot be read. */
export async function listFolders(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, {withFileTypes: true});
    const names: string[] = [];
    for (const entry of entries) {
      if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(join(path, entry.name))))) {
        names.push(entry.name);
      }
    }
    return names.sort();
  } catch {
    return [];
  }
}

/**
 * Every file below a folder, relative, with `/` between the parts, sorted; without what systems leave behind.
 *
 * @throws DataError if a folder cannot be read.
 */
export async function listFiles(root: string): Promise<string[]> {
  const found: string[] = [];
  const visit = async (relative: string, depth: number): Promise<void> => {
    const here = join(root, relative);
    let entries;
    try {
      entries = await readdir(here, {withFileTypes: true});
    } catch (cause) {
      throw new DataError(
        `${here}: expected a readable folder, got ${String(cause)}. Check its permissions.`,
        {
          cause,
          code: "unreadable-folder",
        },
      );
    }
    for (const entry of entries) {
      if (NOISE.test(entry.name)) {
        continue;
      }
      const path = relative === "" ? entry.name : `${relative}/${entry.name}`;
      const linked = entry.isSymbolicLink();
      if (entry.isDirectory() || (linked && (await isFolder(join(root, path))))) {
        if (depth < DEEPEST) {
          await visit(path, depth + 1);
        }
      } else if (entry.isFile() || linked) {
        found.push(path);
      }
    }
  };
  await visit("", 0);
  return found.sort();
}

/** A path below a root. */
export function joinPath(root: string, relative: string): string {
  return join(root, relative);
}

/** The text of a file. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new DataError(`${path}: expected a readable text file, got ${String(cause)}.`, {
      cause,
      code: "unreadable",
    });
  }
}

/**
 * Writes a text file and the folders that it needs.
 *
 * @throws DataError if the place cannot be written to.
 */
export async function writeText(path: string, text: string): Promise<void> {
  await makeFolder(dirname(path));
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw new DataError(`${path}: expected a place to write to, got ${String(cause)}.`, {
      cause,
      code: "unwritable",
    });
  }
}

/**
 * Makes a folder with all folders above it; one that is there already is left as it is.
 *
 * @throws DataError if it cannot be made.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, {recursive: true});
  } catch (cause) {
    throw new DataError(
      `${path}: expected a place for a folder, got ${String(cause)}. Choose another folder, or change the permissions.`,
      {cause, code: "unwritable"},
    );
  }
}

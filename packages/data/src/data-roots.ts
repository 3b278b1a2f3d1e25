import {ConfigError} from "@claps/core";
import {isFolder, joinPath, listFolders} from "#files";
import type {DatasetDefinition} from "./define-dataset.js";

/** Where a user keeps datasets. */
export interface DataRoots {
  /** Folders in which any dataset is looked for, in this order. */
  readonly shared: readonly string[];
  /** Folders of single datasets, by id. */
  readonly named: ReadonlyMap<string, string>;
}

/**
 * Reads what a user gave as data roots: `DIR` for all datasets, `drive=DIR` for one.
 *
 * @param texts - One or several, as from the command line; empty ones are left out.
 * @throws ConfigError if a folder is missing behind `=`.
 * @example
 * ```ts
 * parseDataRoots(["/data", "drive=/mnt/DRIVE"]);
 * ```
 */
export function parseDataRoots(texts: string | readonly string[]): DataRoots {
  const shared: string[] = [];
  const named = new Map<string, string>();
  for (const text of typeof texts === "string" ? [texts] : texts) {
    const match = /^([A-Za-z0-9][A-Za-z0-9-]*)=(.*)$/s.exec(text);
    if (match === null) {
      if (text.trim() !== "") {
        shared.push(text);
      }
    } else if (match[2] === undefined || match[2].trim() === "") {
      throw new ConfigError(`Data root "${text}": expected ${match[1] ?? "name"}=FOLDER, got no folder.`);
    } else {
      named.set((match[1] as string).toLowerCase(), match[2]);
    }
  }
  return {shared, named};
}

/**
 * Folders in which a dataset may lie, the likeliest first.
 *
 * A named folder alone counts; otherwise `DIR/<id or title, any case>` and then `DIR` of each shared folder.
 *
 * @returns Existing folders only, and all places that were looked at, for messages.
 */
export async function findDatasetFolders(
  definition: Pick<DatasetDefinition, "id" | "title">,
  roots: DataRoots,
): Promise<{found: string[]; tried: string[]}> {
  const names = [definition.id, definition.title].map((name) => name.toLowerCase());
  const named = roots.named.get(definition.id) ?? roots.named.get(definition.title.toLowerCase());
  const found: string[] = [];
  const tried: string[] = [];
  if (named !== undefined) {
    return {found: (await isFolder(named)) ? [named] : [], tried: [named]};
  }
  for (const root of roots.shared) {
    const inside = (await listFolders(root)).filter((folder) => names.includes(folder.toLowerCase()));
    found.push(...inside.map((folder) => joinPath(root, folder)));
    tried.push(joinPath(root, definition.title));
    if (await isFolder(root)) {
      found.push(root);
    }
    tried.push(root);
  }
  return {found, tried};
}

import {readdir} from "node:fs/promises";
import {join, resolve} from "node:path";
import {pathToFileURL} from "node:url";
import {ConfigError, unknownNameMessage} from "@claps/core";
import type {DatasetDefinition} from "@claps/data";

/**
 * The dataset adapters of a folder: every file whose default export was made by `defineDataset`.
 *
 * @param folder - For example `datasets`.
 * @returns Adapters by id, in the order of their files.
 * @throws ConfigError if the folder holds none.
 */
export async function loadAdapters(folder: string): Promise<ReadonlyMap<string, DatasetDefinition>> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => /^[a-z0-9-]+\.(ts|js)$/.test(name)).sort();
  const adapters = new Map<string, DatasetDefinition>();
  for (const file of files) {
    const module = (await import(pathToFileURL(resolve(join(folder, file))).href)) as {default?: unknown};
    if (isDefinition(module.default)) adapters.set(module.default.id, module.default);
  }
  if (adapters.size === 0) {
    throw new ConfigError(
      `${folder}: expected files that export dataset adapters, got none. Run this in a checkout, or name a folder with --adapters DIR.`,
      {code: "no-adapters"},
    );
  }
  return adapters;
}

function isDefinition(value: unknown): value is DatasetDefinition {
  return (
    typeof value === "object" && value !== null && "cases" in value && "modality" in value && "id" in value
  );
}

/**
 * One adapter by its id or title, any case.
 *
 * @throws ConfigError naming the known ones and the nearest.
 */
export function findAdapter(
  adapters: ReadonlyMap<string, DatasetDefinition>,
  name: string,
): DatasetDefinition {
  const wanted = name.toLowerCase();
  const found = [...adapters.values()].find(({id, title}) => id === wanted || title.toLowerCase() === wanted);
  if (found === undefined) {
    throw new ConfigError(unknownNameMessage("dataset", name, [...adapters.keys()]), {
      code: "unknown-dataset",
    });
  }
  return found;
}

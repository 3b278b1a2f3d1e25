import {ConfigError} from "@claps/core";

function refuse(path: string): Promise<never> {
  return Promise.reject(
    new ConfigError(
      `Cannot open ${path}: there are no files here; use createClip, parseSafetensors and assignWeights.`,
      {
        code: "no-files",
      },
    ),
  );
}

/** Outside Node there are no folders. */
export function isFolder(path: string): Promise<boolean> {
  return refuse(path);
}

/** The path of a file in a folder. */
export function inFolder(folder: string, name: string): string {
  return `${folder}/${name}`;
}

/** Outside Node there are no files to read. */
export function readTextIfThere(path: string): Promise<string | undefined> {
  return refuse(path);
}

/** Outside Node no folder can be made. */
export function makeFolder(path: string): Promise<void> {
  return refuse(path);
}

/** Outside Node there are no files to write. */
export function writeText(path: string): Promise<void> {
  return refuse(path);
}

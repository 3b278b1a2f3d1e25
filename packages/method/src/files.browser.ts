import {ConfigError} from "@claps/core";

/** Outside Node no folder can be made. */
export function makeFolder(path: string): Promise<void> {
  return Promise.reject(
    new ConfigError(`Cannot make the folder ${path}: there are no files here; use namedWeights.`, {
      code: "no-files",
    }),
  );
}

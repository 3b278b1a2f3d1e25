import {mkdir} from "node:fs/promises";
import {dirname} from "node:path";
import {ConfigError} from "@claps/core";
import {writeJson} from "@claps/report";

/**
 * Writes the document of `--out FILE`; its folder is made if it is not there.
 *
 * @param path - The file; the old one stays until the new one is whole.
 * @param document - Plain data.
 * @throws ConfigError if it cannot be written.
 */
export async function writeDocument(path: string, document: unknown): Promise<void> {
  try {
    await mkdir(dirname(path), {recursive: true});
    await writeJson(path, document);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`--out: expected a file that can be written, got ${path}, which cannot.`, {
      cause,
      code: "file-read-only",
    });
  }
}

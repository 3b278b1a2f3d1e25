import {mkdir} from "node:fs/promises";
import {WeightError} from "@claps/core";

/** Makes a folder and those above it. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, {recursive: true}).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WeightError(`Cannot make the folder ${path}: ${reason}.`, {cause, code: "file"});
  });
}

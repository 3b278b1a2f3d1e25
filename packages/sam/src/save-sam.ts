import {inFolder, makeFolder, writeText} from "#files";
import {exportWeights, writeSafetensors} from "@claps/weights";
import type {SamConfig} from "./config.js";
import type {Sam} from "./model.js";
import {huggingFaceRules} from "./weights.js";

/** What `config.json` of a saved model holds. */
export interface SavedSamConfig {
  /** Tells our files from others. */
  readonly format: "claps-sam";
  /** The configuration. */
  readonly sam: SamConfig;
}

/**
 * Saves a model as a folder: `config.json` and `model.safetensors` with the names of Hugging Face.
 *
 * @param sam - The model.
 * @param folder - The folder; made if it is not there, files in it are replaced.
 * @throws WeightError if it cannot be written.
 * @example
 * ```ts
 * await saveSam(sam, "runs/first/sam");
 * ```
 */
export async function saveSam(sam: Sam, folder: string): Promise<void> {
  await makeFolder(folder);
  const tensors = await exportWeights(sam, huggingFaceRules);
  await writeSafetensors(inFolder(folder, "model.safetensors"), tensors, {format: "pt"});
  const saved: SavedSamConfig = {format: "claps-sam", sam: sam.config};
  await writeText(inFolder(folder, "config.json"), `${JSON.stringify(saved, null, 2)}\n`);
}

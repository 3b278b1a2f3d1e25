import {
  convertTensors,
  lazyWeights,
  makeFolder,
  pathInFolder,
  writeAtomically,
  writeSafetensors,
} from "@claps/weights";
import type {FloatDtype} from "@claps/weights";
import type {SamConfig} from "./config.js";
import type {Sam} from "./model.js";
import {huggingFaceRules, originalRules} from "./weights.js";

/** What `config.json` of a saved model holds. */
export interface SavedSamConfig {
  /** Tells our files from others. */
  readonly format: "claps-sam";
  /** The configuration. */
  readonly sam: SamConfig;
}

/** Options of {@link saveSam}. */
export interface SaveSamOptions {
  /** Whose names and layouts the weights get; default Hugging Face's. */
  layout?: "huggingface" | "original";
  /** Element type of the numbers; default F32. */
  dtype?: FloatDtype;
}

/**
 * Saves a model as a folder: `config.json` and `model.safetensors` with the names of Hugging Face or of the
 * original code. Weights are copied one by one while they are written.
 *
 * @param sam - The model.
 * @param folder - The folder; made if it is not there, files in it are replaced.
 * @param options - Names and element type.
 * @throws WeightError if it cannot be written, a number is too large for the type, or a weight has no name in the
 * layout, as the path for fine detail has none in the original code.
 * @example
 * ```ts
 * await saveSam(sam, "runs/first/sam");
 * ```
 */
export async function saveSam(sam: Sam, folder: string, options: SaveSamOptions = {}): Promise<void> {
  const {layout = "huggingface", dtype = "F32"} = options;
  const tensors = lazyWeights(sam, layout === "huggingface" ? huggingFaceRules : originalRules);
  await makeFolder(folder);
  await writeSafetensors(pathInFolder(folder, "model.safetensors"), convertTensors(tensors, dtype), {
    format: "pt",
  });
  const saved: SavedSamConfig = {format: "claps-sam", sam: sam.config};
  await writeAtomically(pathInFolder(folder, "config.json"), [
    new TextEncoder().encode(`${JSON.stringify(saved, null, 2)}\n`),
  ]);
}

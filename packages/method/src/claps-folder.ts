import {huggingFaceTextRules, loadTokenizer, saveTokenizer} from "@claps/clip";
import {ConfigError, createRandom, WeightError} from "@claps/core";
import {huggingFaceRules, untieStoredPositions} from "@claps/sam";
import {
  lazyWeights,
  loadWeights,
  makeFolder,
  openSafetensors,
  ownRules,
  writeSafetensors,
} from "@claps/weights";
import type {ClapsConfig} from "./config.js";
import {Claps} from "./model.js";

/** What a folder must say of itself; a later format gets another number. */
const FORMAT = "claps model 1";

/** Reading and writing a folder whose files the published implementations can read too. */
const FILES = {
  sam: "sam.safetensors",
  text: "text.safetensors",
  textPrompt: "text_prompt.safetensors",
} as const;

/**
 * Saves a model as a folder: `sam.safetensors` and `text.safetensors` under the published names and layouts,
 * `text_prompt.safetensors`, and the tokenizer's files.
 *
 * @param claps - The model.
 * @param folder - Made if it is not there; each file is whole or not there.
 */
export async function saveClaps(claps: Claps, folder: string): Promise<void> {
  const config: ClapsConfig = {...claps.config, threshold: claps.threshold};
  await makeFolder(folder);
  await saveTokenizer(claps.tokenizer, folder);
  await writeSafetensors(`${folder}/${FILES.text}`, lazyWeights(claps.text, huggingFaceTextRules));
  if (claps.textPrompt !== undefined) {
    await writeSafetensors(`${folder}/${FILES.textPrompt}`, lazyWeights(claps.textPrompt, ownRules));
  }
  // Last, because it says that the folder is complete.
  const metadata = {format: FORMAT, config: JSON.stringify(config)};
  await writeSafetensors(`${folder}/${FILES.sam}`, lazyWeights(claps.sam, huggingFaceRules), metadata);
}

/**
 * Loads a model that {@link saveClaps} wrote.
 *
 * @param folder - The folder.
 * @returns The model; dispose it when done.
 * @throws ConfigError if the folder holds no model; WeightError if a file is damaged or of another architecture.
 * @example
 * ```ts
 * const claps = await loadClaps("runs/quickstart/weights");
 * ```
 */
export async function loadClaps(folder: string): Promise<Claps> {
  const sam = await openSafetensors(`${folder}/${FILES.sam}`).catch((error: unknown) => {
    if (!(error instanceof WeightError) || error.code !== "file-ENOENT") throw error;
    throw new ConfigError(
      `${folder}: expected a folder with a trained model, got none. No weights are shipped: "npx claps run experiments/quickstart.ts" trains some in minutes and says where they are.`,
      {code: "no-weights", cause: error},
    );
  });
  try {
    const config = configOf(sam.metadata, folder);
    const claps = new Claps(config, await loadTokenizer(folder), createRandom("replaced by the file"));
    try {
      await loadWeights(claps.sam, await untieStoredPositions(sam.tensors), huggingFaceRules);
      await loadWeights(claps.text, `${folder}/${FILES.text}`, huggingFaceTextRules);
      if (claps.textPrompt !== undefined) {
        await loadWeights(claps.textPrompt, `${folder}/${FILES.textPrompt}`, ownRules);
      }
    } catch (error) {
      claps.dispose();
      throw error;
    }
    return claps;
  } finally {
    await sam.close();
  }
}

function configOf(metadata: Readonly<Record<string, string>>, folder: string): ClapsConfig {
  const {format, config} = metadata;
  if (format !== FORMAT || config === undefined) {
    throw new WeightError(
      `${folder}/${FILES.sam}: expected the weights of "${FORMAT}", got ${format === undefined ? "a file that names no format" : `"${format}"`}.`,
      {code: "format"},
    );
  }
  return JSON.parse(config) as ClapsConfig;
}

import {ConfigError} from "@claps/core";
import {blankRandom} from "@claps/layers";
import {isFolder, loadWeights, openWeights, pathInFolder, readTextIfThere} from "@claps/weights";
import type {SamConfig} from "./config.js";
import {createSam} from "./model.js";
import type {Sam} from "./model.js";
import {samConfigFromHuggingFace, samConfigFromOriginal} from "./published-config.js";
import type {SavedSamConfig} from "./save-sam.js";
import {rulesFor, untieStoredPositions} from "./weights.js";

/** Options of {@link loadSam}. */
export interface LoadSamOptions {
  /** Configuration for weights that come without one; with a folder's `config.json` it is not needed. */
  config?: SamConfig;
}

/**
 * Loads a model that `saveSam` wrote, or published weights, with the memory of the model and the largest tensor.
 *
 * @param path - A folder with `config.json` (ours, Hugging Face's or the original code's arguments) and
 * safetensors weights; or a safetensors file, with the configuration in the options.
 * @param options - The configuration where the path has none, for example `samBase`.
 * @returns The model; dispose it when done.
 * @throws ConfigError if no configuration is found; WeightError with a table of names if weights do not fit.
 * @example
 * ```ts
 * const sam = await loadSam("weights/sam-vit-base");
 * ```
 */
export async function loadSam(path: string, options: LoadSamOptions = {}): Promise<Sam> {
  const config = options.config ?? (await readConfig(path));
  const file = await openWeights(path);
  const sam = createSam(config, {random: blankRandom});
  try {
    await loadWeights(sam, await untieStoredPositions(file.tensors), rulesFor);
  } catch (error) {
    sam.dispose();
    throw error;
  } finally {
    await file.close();
  }
  return sam;
}

async function readConfig(path: string): Promise<SamConfig> {
  const text = (await isFolder(path)) ? await readTextIfThere(pathInFolder(path, "config.json")) : undefined;
  if (text === undefined) {
    throw new ConfigError(
      `${path}: expected a folder with config.json beside the weights, got none; pass {config: samBase} or another configuration.`,
      {code: "no-config"},
    );
  }
  return parseSamConfig(text, path);
}

/**
 * A configuration from the text of a `config.json` of any of the three kinds.
 *
 * @param text - The file.
 * @param path - Where it is, for messages.
 * @returns The configuration.
 * @throws ConfigError if it is no JSON or of another kind.
 */
export function parseSamConfig(text: string, path: string): SamConfig {
  let json: Partial<SavedSamConfig> & Record<string, unknown>;
  try {
    json = JSON.parse(text) as typeof json;
  } catch (cause) {
    throw new ConfigError(`${path}: expected config.json to be JSON, got something else.`, {cause});
  }
  if (json.format === "claps-sam" && json.sam !== undefined) {
    return json.sam;
  }
  if ("vision_config" in json) {
    return samConfigFromHuggingFace(json);
  }
  if ("image_encoder" in json) {
    return samConfigFromOriginal(json);
  }
  throw new ConfigError(
    `${path}: expected a configuration of Segment Anything, got one with the fields ${Object.keys(json).slice(0, 5).join(", ")}.`,
    {code: "config-architecture"},
  );
}

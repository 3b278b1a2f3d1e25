import {readFile, stat} from "node:fs/promises";
import {join} from "node:path";
import {ConfigError, DataError, nearestName, startEngine} from "@claps/core";
import {
  clipRulesFor,
  clipSmall,
  clipTensors,
  clipTiny,
  clipUniMedB16,
  clipVitB16,
  clipVitB32,
  clipVitL14,
  clipVitL14At336,
  createClip,
  readClipConfig,
} from "@claps/clip";
import type {ClipConfig} from "@claps/clip";
import {blankRandom} from "@claps/layers";
import {
  createSam,
  parseSamConfig,
  rulesFor,
  samBase,
  samHuge,
  samLarge,
  samMicro,
  samTiny,
  untieStoredPositions,
} from "@claps/sam";
import type {SamConfig} from "@claps/sam";
import type {Rules, Shaped, TensorSource, WeightHolder} from "@claps/weights";

/** A configuration of a model that weights can be compared with. */
export type ModelConfig =
  {readonly kind: "sam"; readonly config: SamConfig} | {readonly kind: "clip"; readonly config: ClipConfig};

/** A model without numbers: what its weights are called and how large they are. */
export interface WeightTarget {
  readonly kind: ModelConfig["kind"];
  /** Shapes by dotted path. */
  readonly weights: ReadonlyMap<string, Shaped>;
  /** Which rules lead there from the names of a file. */
  rulesFor(names: Iterable<string>): Rules;
  /** The tensors of a file with those that hold one weight twice left once. */
  untie(tensors: ReadonlyMap<string, TensorSource>): Promise<ReadonlyMap<string, TensorSource>>;
}

const PRESETS: Readonly<Record<string, ModelConfig>> = {
  "sam-micro": {kind: "sam", config: samMicro},
  "sam-tiny": {kind: "sam", config: samTiny},
  "sam-base": {kind: "sam", config: samBase},
  "sam-large": {kind: "sam", config: samLarge},
  "sam-huge": {kind: "sam", config: samHuge},
  "clip-tiny": {kind: "clip", config: clipTiny},
  "clip-small": {kind: "clip", config: clipSmall},
  "clip-vit-b-32": {kind: "clip", config: clipVitB32},
  "clip-vit-b-16": {kind: "clip", config: clipVitB16},
  "clip-vit-l-14": {kind: "clip", config: clipVitL14},
  "clip-vit-l-14-336": {kind: "clip", config: clipVitL14At336},
  "clip-unimed-b-16": {kind: "clip", config: clipUniMedB16},
};

/** Names of the models whose sizes the library knows. */
export const presetNames: readonly string[] = Object.keys(PRESETS);

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

async function textIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as {code?: string}).code === "ENOENT") return undefined;
    throw new DataError(`Cannot read ${path}: ${(cause as Error).message}.`, {cause, code: "file"});
  }
}

/** Whether a configuration is one of Segment Anything: ours, Hugging Face's, or the original code's arguments. */
function isSam(text: string, place: string): boolean {
  try {
    const json = JSON.parse(text) as Record<string, unknown>;
    const isOurs = json["format"] === "claps-sam";
    return isOurs || json["model_type"] === "sam" || "image_encoder" in json || "mask_decoder_config" in json;
  } catch (cause) {
    throw new ConfigError(`${place}: expected config.json to be JSON, got something else.`, {cause});
  }
}

/**
 * The configuration that a word of the command line means.
 *
 * @param place - A folder with a configuration, or the name of a preset.
 * @param tensors - The weights in question: a folder may hold the configurations of two libraries.
 * @throws ConfigError if it is neither, or the folder holds none.
 */
export async function modelConfigAt(
  place: string,
  tensors: ReadonlyMap<string, TensorSource>,
): Promise<ModelConfig> {
  if (Object.hasOwn(PRESETS, place)) return PRESETS[place] as ModelConfig;
  if (!(await isFolder(place))) {
    const nearest = nearestName(place, presetNames);
    const guess = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
    throw new ConfigError(
      `Expected a folder with a configuration or one of ${presetNames.join(", ")}, got "${place}"${guess}`,
      {code: "no-config"},
    );
  }
  const text = await textIfThere(join(place, "config.json"));
  if (text !== undefined && isSam(text, place)) return {kind: "sam", config: parseSamConfig(text, place)};
  const config = await readClipConfig(place, clipTensors(tensors));
  if (config !== undefined) return {kind: "clip", config};
  throw new ConfigError(
    `${place}: expected config.json or open_clip_config.json in this folder, got none; say with --against which model it is: a folder with a configuration, or ${presetNames.join(", ")}.`,
    {code: "no-config"},
  );
}

/**
 * Names and shapes of a model's weights.
 *
 * The model is made with weights that are never written to, which take addresses but little memory, and given up at
 * once.
 *
 * @param model - Which model.
 */
export async function weightTarget(model: ModelConfig): Promise<WeightTarget> {
  await startEngine({engine: "cpu"});
  const options = {random: blankRandom};
  const made: WeightHolder & {dispose(): void} =
    model.kind === "sam" ? createSam(model.config, options) : createClip(model.config, options);
  const weights = new Map([...made.namedWeights()].map(([path, {shape}]) => [path, {shape}]));
  made.dispose();
  return model.kind === "sam"
    ? {kind: "sam", weights, rulesFor, untie: untieStoredPositions}
    : {
        kind: "clip",
        weights,
        rulesFor: clipRulesFor,
        untie: (tensors) => Promise.resolve(clipTensors(tensors)),
      };
}

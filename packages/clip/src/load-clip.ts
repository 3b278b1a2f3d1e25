import {ConfigError, WeightError} from "@claps/core";
import {blankRandom} from "@claps/layers";
import {loadTokenizer} from "@claps/text";
import type {Tokenizer} from "@claps/text";
import {isFolder, loadWeights, openWeights, pathInFolder, readTextIfThere, stripPrefix} from "@claps/weights";
import type {TensorSource} from "@claps/weights";
import type {ClipConfig} from "./config.js";
import {clipConfigFromHuggingFace} from "./hugging-face-config.js";
import {createClip} from "./model.js";
import type {Clip} from "./model.js";
import {clipConfigFromOpenClip, openClipTextModel} from "./open-clip-config.js";
import type {OpenClipSources} from "./open-clip-config.js";
import {clipRulesFor, huggingFaceClipRules} from "./weights.js";

/** Options of {@link loadClip}. */
export interface LoadClipOptions {
  /** Configuration for weights that come without one, for example `clipVitB16`. */
  config?: ClipConfig;
  /** Tokenizer, where none lies beside the weights. */
  tokenizer?: Tokenizer;
  /** Where the one line about texts that were too long goes; default `console.warn`. */
  report?: (line: string) => void;
  /** Told how many of the tensors have been read, each twice: `done` of `total`. */
  onTensor?: (done: number, total: number) => void;
}

/** What {@link parseClipConfig} takes beside the configuration itself. */
export interface ClipConfigSources extends OpenClipSources {
  /** The parsed `preprocessor_config.json` of a Hugging Face folder. */
  preprocessor?: unknown;
}

/**
 * A configuration from the parsed text of any of its files: ours, Hugging Face's, open_clip's.
 *
 * @param json - Content of `config.json` or `open_clip_config.json`.
 * @param sources - What that file does not say itself.
 * @returns The configuration.
 * @throws ConfigError naming what is wrong, if it is of another architecture or asks for what is not built.
 * @example
 * ```ts
 * parseClipConfig(JSON.parse(await file.text()));
 * ```
 */
export function parseClipConfig(json: unknown, sources: ClipConfigSources = {}): ClipConfig {
  const record = typeof json === "object" && json !== null ? (json as Readonly<Record<string, unknown>>) : {};
  if (record["format"] === "claps-clip" && record["clip"] !== undefined) return record["clip"] as ClipConfig;
  if ("model_cfg" in record || "embed_dim" in record) return clipConfigFromOpenClip(json, sources);
  if ("text_config" in record || "vision_config" in record || "model_type" in record) {
    return clipConfigFromHuggingFace(json, sources.preprocessor);
  }
  throw new ConfigError(
    `Expected a configuration of CLIP, got one with the fields ${Object.keys(record).slice(0, 5).join(", ") || "none"}.`,
    {code: "config-architecture"},
  );
}

/**
 * Loads a CLIP: a folder of Hugging Face, of open_clip or UniMed-CLIP, or one that `saveClip` wrote.
 *
 * Weights are read tensor by tensor: no more than the largest is held beside the model. Names, shapes and numbers are
 * checked before anything is filled.
 *
 * @param path - A folder with `config.json` or `open_clip_config.json`, safetensors weights (sharded too) and, if
 * texts are to be read, tokenizer files; or a safetensors file, with the configuration in the options.
 * @param options - What the path has not.
 * @returns The model; dispose it when done.
 * @throws ConfigError if no configuration is found, or it asks for what is not built, or the tokenizer does not fit;
 * WeightError with a table of names if weights do not fit.
 * @example
 * ```ts
 * const clip = await loadClip("weights/clip-vit-base-patch16");
 * ```
 */
export async function loadClip(path: string, options: LoadClipOptions = {}): Promise<Clip> {
  const {report, onTensor} = options;
  const folder = (await isFolder(path)) ? path : undefined;
  const file = await openWeights(path);
  try {
    const tensors = clipTensors(file.tensors);
    const rules = clipRulesFor(tensors.keys());
    const found = folder === undefined ? undefined : await findConfig(folder, tensors);
    const config = options.config ?? found?.config;
    if (config === undefined) {
      throw new ConfigError(
        `${path}: expected config.json or open_clip_config.json beside the weights, got none; pass {config: clipVitB16} or another configuration.`,
        {code: "no-config"},
      );
    }
    const tokenizer = options.tokenizer ?? (await findTokenizer(folder, found?.textModel));
    const clip = createClip(config, {random: blankRandom, tokenizer, report});
    try {
      await loadWeights(clip, tensors, rules, onTensor === undefined ? {} : {onTensor});
    } catch (error) {
      clip.dispose();
      throw error;
    }
    return clip;
  } finally {
    await file.close();
  }
}

/**
 * The tensors of a file as `clipRulesFor` knows them: without a `module.` before every name, the scale a number.
 *
 * @param tensors - Tensors by published name.
 * @returns The same, named and shaped as a model saves them.
 */
export function clipTensors(tensors: ReadonlyMap<string, TensorSource>): ReadonlyMap<string, TensorSource> {
  return plainScale(withoutModule(tensors));
}

/**
 * The configuration of a folder with a CLIP, from the file that belongs to the names of its weights.
 *
 * @param folder - The folder.
 * @param tensors - What `clipTensors` gave; only names are looked at.
 * @returns The configuration; undefined if the folder has none.
 * @throws ConfigError if it is of another architecture or asks for what is not built.
 * @example
 * ```ts
 * const file = await openWeights("weights/clip");
 * const config = await readClipConfig("weights/clip", clipTensors(file.tensors));
 * ```
 */
export async function readClipConfig(
  folder: string,
  tensors: ReadonlyMap<string, TensorSource>,
): Promise<ClipConfig | undefined> {
  return (await findConfig(folder, tensors))?.config;
}

/** Files that were saved from a parallel training hold every name under `module.`. */
function withoutModule(tensors: ReadonlyMap<string, TensorSource>): ReadonlyMap<string, TensorSource> {
  const isPrefixed = tensors.size > 0 && [...tensors.keys()].every((name) => name.startsWith("module."));
  return isPrefixed ? stripPrefix(tensors, "module.") : tensors;
}

/** Some files hold the scale as a list of one number. */
function plainScale(tensors: ReadonlyMap<string, TensorSource>): ReadonlyMap<string, TensorSource> {
  const scale = tensors.get("logit_scale");
  if (scale === undefined || scale.shape.length !== 1 || scale.shape[0] !== 1) return tensors;
  const plain: TensorSource =
    "data" in scale
      ? {...scale, shape: []}
      : {dtype: scale.dtype, shape: [], read: async () => ({...(await scale.read()), shape: []})};
  return new Map([...tensors, ["logit_scale", plain]]);
}

interface FoundConfig {
  readonly config: ClipConfig;
  /** Name of the text model of an open_clip configuration. */
  readonly textModel: string | undefined;
}

/** The configuration that belongs to the names of the weights; a folder may hold those of both libraries. */
async function findConfig(
  folder: string,
  tensors: ReadonlyMap<string, TensorSource>,
): Promise<FoundConfig | undefined> {
  const isHuggingFace = clipRulesFor(tensors.keys()) === huggingFaceClipRules;
  const names = isHuggingFace ? ["config.json"] : ["open_clip_config.json", "config.json"];
  for (const name of names) {
    const json = await readJson(pathInFolder(folder, name));
    if (json === undefined) continue;
    if (isHuggingFace) {
      const preprocessor = await readJson(pathInFolder(folder, "preprocessor_config.json"));
      return {config: parseClipConfig(json, {preprocessor}), textModel: undefined};
    }
    const textModel = isOpenClip(json) ? openClipTextModel(json) : undefined;
    const bert = await readTextModel(folder, textModel);
    const hasPooler = tensors.has("text.transformer.pooler.dense.weight");
    const sources = textModel === undefined ? {} : {bert, hasPooler};
    return {config: parseClipConfig(json, sources), textModel};
  }
  return undefined;
}

function isOpenClip(json: unknown): boolean {
  return typeof json === "object" && json !== null && ("model_cfg" in json || "embed_dim" in json);
}

/** Folders in which the files of a text model may lie; a name must not lead out of the folder. */
function textFolders(folder: string, textModel: string | undefined): string[] {
  const isInside =
    textModel !== undefined &&
    /^[\w.-]+(\/[\w.-]+)*$/.test(textModel) &&
    !/(^|\/)\.\.?(\/|$)/.test(textModel);
  return [...(isInside ? [pathInFolder(folder, textModel)] : []), pathInFolder(folder, "text")];
}

async function readTextModel(folder: string, textModel: string | undefined): Promise<unknown> {
  if (textModel === undefined) return undefined;
  for (const place of textFolders(folder, textModel)) {
    const json = await readJson(pathInFolder(place, "config.json"));
    if (json !== undefined) return json;
  }
  return undefined;
}

async function readJson(path: string): Promise<unknown> {
  const text = await readTextIfThere(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ConfigError(`${path}: expected JSON, got something else.`, {cause});
  }
}

/** The tokenizer beside the weights, if there is one. */
async function findTokenizer(
  folder: string | undefined,
  textModel: string | undefined,
): Promise<Tokenizer | undefined> {
  if (folder === undefined) return undefined;
  for (const place of [folder, ...textFolders(folder, textModel)]) {
    try {
      return await loadTokenizer(place);
    } catch (error) {
      if (!(error instanceof WeightError && error.code === "no-tokenizer")) throw error;
    }
  }
  return undefined;
}

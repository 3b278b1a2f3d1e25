import {checkMerged} from "@claps/layers";
import {bertConfigToHuggingFace, saveTokenizer} from "@claps/text";
import {
  convertTensors,
  lazyWeights,
  makeFolder,
  pathInFolder,
  writeAtomically,
  writeSafetensors,
  writeShardedSafetensors,
} from "@claps/weights";
import type {FloatDtype, Rules} from "@claps/weights";
import type {ClipConfig} from "./config.js";
import {clipConfigToHuggingFace} from "./hugging-face-config.js";
import type {Clip} from "./model.js";
import {clipConfigToOpenClip} from "./open-clip-config.js";
import {preprocessToHuggingFace} from "./preprocess-config.js";
import {huggingFaceClipRules, openClipBertRules, openClipRules} from "./weights.js";

/** Options of {@link saveClip}. */
export interface SaveClipOptions {
  /**
   * Whose names and configuration: `huggingface` (transformers' CLIPModel), `open_clip`, or `claps`, our own for what
   * neither has (a residual stem). Default the first of these that can hold the model.
   */
  layout?: "huggingface" | "open_clip" | "claps";
  /** Element type of the weights; default F32. */
  dtype?: FloatDtype;
}

/** What `config.json` of a model in our own layout holds. */
export interface SavedClipConfig {
  /** Tells our files from others. */
  readonly format: "claps-clip";
  /** The configuration. */
  readonly clip: ClipConfig;
}

/**
 * Saves a model as a folder: configuration, weights, preprocessing and tokenizer files.
 *
 * transformers loads `huggingface` with `CLIPModel.from_pretrained(folder)`, open_clip `open_clip` with
 * `create_model_and_transforms("local-dir:" + folder)`; `loadClip` loads all.
 *
 * @param clip - The model.
 * @param folder - The folder; made if it is not there, files in it are replaced.
 * @param options - Layout and element type.
 * @throws ConfigError if the layout cannot hold the model; WeightError if it has low-rank changes that are not merged,
 * or a file cannot be written.
 * @example
 * ```ts
 * await saveClip(clip, "runs/first/clip", {layout: "huggingface"});
 * ```
 */
export async function saveClip(clip: Clip, folder: string, options: SaveClipOptions = {}): Promise<void> {
  checkMerged(clip, "Saving CLIP");
  const {layout = fittingLayout(clip.config), dtype = "F32"} = options;
  const {config, tokenizer} = clip;
  const files = new Map<string, unknown>();
  let rules: Rules = huggingFaceClipRules;
  if (layout === "huggingface") {
    files.set("config.json", {
      ...clipConfigToHuggingFace(config, tokenizer?.startId),
      torch_dtype: TORCH[dtype],
    });
    files.set("preprocessor_config.json", preprocessToHuggingFace(config.preprocess));
  } else if (layout === "open_clip") {
    const isBert = config.text.kind === "bert";
    rules = isBert ? openClipBertRules : openClipRules;
    files.set("open_clip_config.json", clipConfigToOpenClip(config, {hasTokenizer: tokenizer !== undefined}));
  } else {
    files.set("config.json", {format: "claps-clip", clip: config} satisfies SavedClipConfig);
  }
  await makeFolder(folder);
  const weights = convertTensors(lazyWeights(clip, rules), dtype);
  if (layout === "open_clip") {
    await writeSafetensors(pathInFolder(folder, "open_clip_model.safetensors"), weights, {format: "pt"});
  } else {
    await writeShardedSafetensors(folder, weights, {metadata: {format: "pt"}});
  }
  for (const [name, json] of files) await writeJson(pathInFolder(folder, name), json);
  if (tokenizer !== undefined) await saveTokenizer(tokenizer, folder);
  if (layout === "open_clip" && config.text.kind === "bert") {
    const place = pathInFolder(folder, "text");
    await makeFolder(place);
    await writeJson(pathInFolder(place, "config.json"), bertConfigToHuggingFace(config.text.encoder));
  }
}

const TORCH: Readonly<Record<FloatDtype, string>> = {F32: "float32", F16: "float16", BF16: "bfloat16"};

function fittingLayout({text, vision}: ClipConfig): NonNullable<SaveClipOptions["layout"]> {
  if ((vision.stem ?? "linear") !== "linear") return "claps";
  return text.kind === "bert" ? "open_clip" : "huggingface";
}

async function writeJson(path: string, json: unknown): Promise<void> {
  await writeAtomically(path, [new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`)]);
}

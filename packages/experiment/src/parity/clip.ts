import {clipRulesFor, loadClip, parseClipConfig} from "@claps/clip";
import type {Clip} from "@claps/clip";
import {DataError} from "@claps/core";
import {contrastiveLogits, infoNce} from "@claps/train";
import {openWeights} from "@claps/weights";
import type {Rules} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {readFile} from "node:fs/promises";
import {join} from "node:path";
import {compareGradients, compareOutputs} from "./compare.js";
import {movingInputs} from "./compute-case.js";
import {inputOf, readPack} from "./pack.js";
import type {PackCase} from "./pack.js";
import {parityReport} from "./report.js";
import type {ParityCase, ParityReport} from "./report.js";
import {runModel} from "./run-model.js";

/** Names of the inputs in the two kinds of pack. */
const PIXELS = ["pixel_values", "image"] as const;
const IDS = ["input_ids", "text"] as const;
const MASK = "attention_mask";

/**
 * Checks our CLIP against a reference pack: parameters, every output, every gradient.
 *
 * Packs of Hugging Face's CLIPModel and of open_clip are understood. Weights go through `loadClip`, and the
 * computation through the engine's compiler.
 *
 * @param folder - Folder of the pack, for example `clip-quickgelu` or `openclip-native`.
 * @returns The report.
 * @throws DataError, ConfigError or WeightError if the pack is damaged or of another architecture.
 * @example
 * ```ts
 * const {ok} = await checkClipPack("../shared/reference/models/clip-quickgelu");
 * ```
 */
export async function checkClipPack(folder: string): Promise<ParityReport> {
  const {rules, expected} = await inventory(folder);
  const sources = await readPack(folder);
  const cases: ParityCase[] = [];
  let ours = 0;
  for (const source of sources) {
    const clip = await modelFor(folder, source);
    try {
      ours = clip.countParameters();
      cases.push({name: source.name, entries: await checkCase(clip, source, rules)});
    } finally {
      clip.dispose();
    }
  }
  const kind = rules === clipRulesFor(["vision_model."]) ? "clip" : "open_clip";
  return parityReport({kind, pack: folder, parameters: {expected, ours}, cases, refused: []});
}

/** Rules and number of parameters of the published file; what is passed over is none. */
async function inventory(folder: string): Promise<{rules: Rules; expected: number}> {
  const file = await openWeights(folder);
  try {
    const rules = clipRulesFor(file.tensors.keys());
    const expected = [...file.tensors]
      .filter(([name]) => !rules.isIgnored(name))
      .reduce((sum, [, {shape}]) => sum + tf.util.sizeFromShape([...shape]), 0);
    return {rules, expected};
  } finally {
    await file.close();
  }
}

/** The pack's model, with the end token that a case asks for. */
async function modelFor(folder: string, {description}: PackCase): Promise<Clip> {
  const endId = description.options?.["eos_token_id"];
  if (endId === undefined) return loadClip(folder);
  const path = join(folder, "config.json");
  const json = await readFile(path, "utf8").then(
    (text) => JSON.parse(text) as {text_config?: object},
    (cause: unknown) => {
      throw new DataError(`${path}: expected the configuration of a pack with a model, got none.`, {
        cause,
        code: "pack",
      });
    },
  );
  const config = parseClipConfig({...json, text_config: {...json.text_config, eos_token_id: endId}});
  return loadClip(folder, {config});
}

async function checkCase(clip: Clip, source: PackCase, rules: Rules): Promise<ParityCase["entries"]> {
  const pixels = nameOf(source, PIXELS);
  const ids = nameOf(source, IDS);
  const inputs: Record<string, tf.Tensor> = {};
  for (const name of [pixels, ids, ...(source.inputs.has(MASK) ? [MASK] : [])]) {
    const {data, shape} = inputOf(source, name);
    inputs[name] =
      name === pixels ? tf.tensor(data, [...shape]) : tf.tensor(Int32Array.from(data), [...shape], "int32");
  }
  const moving = movingInputs(source);
  for (const name of moving) inputOf(source, name);
  const {outputs, gradients} = await runModel({
    model: clip,
    rules,
    inputs,
    compute: (given) => computeOutputs(clip, {pixels: given[pixels]!, ids: given[ids]!, mask: given[MASK]}),
    wantsGradients: source.description.options?.["gradients"] === true,
    moving,
  });
  tf.dispose(inputs);
  return [...compareOutputs(source, outputs), ...compareGradients(source, gradients)];
}

/** The name under which a case keeps an input. */
function nameOf(source: PackCase, names: readonly string[]): string {
  return names.find((name) => source.inputs.has(name)) ?? names.join(" or ");
}

/** Everything that a case may hold as output, under the names of both kinds of pack. */
function computeOutputs(
  clip: Clip,
  {pixels, ids, mask}: {pixels: tf.Tensor; ids: tf.Tensor; mask: tf.Tensor | undefined},
): Record<string, tf.Tensor> {
  const pictures = tf.transpose(pixels, [0, 2, 3, 1]);
  const image = clip.forwardImage(pictures);
  const text = clip.forwardText(ids, mask);
  const projected = text.projected as tf.Tensor2D;
  const logits = contrastiveLogits(image.projected, projected, clip.logitScale);
  const unit = (rows: tf.Tensor): tf.Tensor => tf.div(rows, tf.sqrt(tf.sum(tf.square(rows), 1, true)));
  const outputs: Record<string, tf.Tensor> = {
    loss: infoNce(logits),
    logits_per_image: logits,
    logits_per_text: tf.transpose(logits),
    logit_scale_exp: tf.exp(clip.logitScale),
    image_embeds: unit(image.projected),
    text_embeds: unit(projected),
    image_features: image.projected,
    text_features: projected,
    vision_last_hidden_state: image.tokens,
    vision_pooled: image.pooled,
    text_last_hidden_state: text.tokens,
    text_pooled: text.pooled,
  };
  clip.vision.hiddenStates(pictures).forEach((state, index) => (outputs[`vision_hidden.${index}`] = state));
  clip.text.hiddenStates(ids, mask).forEach((state, index) => (outputs[`text_hidden.${index}`] = state));
  return outputs;
}

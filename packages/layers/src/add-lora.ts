import {ConfigError, WeightError} from "@claps/core";
import type * as tf from "@tensorflow/tfjs-core";
import type {Block} from "./block.js";
import {Linear} from "./linear.js";
import type {LinearLoraOptions} from "./linear.js";

/** Options of {@link addLora}. */
export interface AddLoraOptions extends LinearLoraOptions {
  /** Tested against the dotted path of each {@link Linear}, without `.weight`. */
  pattern: RegExp;
}

/**
 * Puts low-rank changes beside the weights of linear layers: a model then learns with few weights.
 *
 * Nothing changes at first. The changes are weights like others, `<layer>.lora_a` and `<layer>.lora_b`: optimizers
 * and checkpoints see them by those names. The layers' own weights are frozen; freeze the rest of the model with
 * `setTrainable`. Functions compiled before are to be compiled anew.
 *
 * @param block - The model.
 * @param options - Which layers, rank, factor, source of the first values, whether their own weights are frozen.
 * @returns Paths of the layers that were changed.
 * @throws ConfigError if no linear layer matches, one has a low-rank change already, or the rank does not fit;
 *   the model is then as before.
 * @example
 * ```ts
 * addLora(clip.vision, {pattern: /\.(q|v)_proj$/, rank: 8, alpha: 16, random: createRandom(1)});
 * ```
 *
 * Source: Hu et al. 2022.
 */
export function addLora(block: Pick<Block, "childBlocks">, options: AddLoraOptions): string[] {
  const {pattern, random, ...settings} = options;
  const all = [...linearsOf(block)];
  const chosen = all.filter(([path]) => path.search(pattern) >= 0);
  if (chosen.length === 0) {
    const some = all.slice(0, 5).map(([path]) => path);
    throw new ConfigError(
      `addLora: expected ${String(pattern)} to match a linear layer, got no match among ${all.length}; the first are ${some.join(", ")}.`,
    );
  }
  const done: Linear[] = [];
  try {
    for (const [path, layer] of chosen) {
      layer.addLora({...settings, random: random.fork(path)});
      done.push(layer);
    }
  } catch (error) {
    // Their changes are still zero: merging them changes nothing.
    for (const layer of done) layer.mergeLora();
    throw error;
  }
  return chosen.map(([path]) => path);
}

/**
 * Adds every low-rank change to its weight and removes it: the model computes the same with its published weights.
 *
 * @param block - The model.
 * @returns Paths of the layers whose change was merged.
 * @throws ConfigError if there is nothing to merge.
 * @example
 * ```ts
 * mergeLora(clip.vision);
 * ```
 */
export function mergeLora(block: Pick<Block, "childBlocks">): string[] {
  const changed = changedLayers(block);
  if (changed.length === 0) {
    throw new ConfigError("mergeLora: expected a model with low-rank changes, got none; call addLora first.");
  }
  for (const [, layer] of changed) layer.mergeLora();
  return changed.map(([path]) => path);
}

/**
 * The low-rank changes of a model alone, to store them apart from the published weights.
 *
 * @param block - The model.
 * @returns `lora_a` and `lora_b` of every changed layer by dotted path; the model owns them. Empty without any.
 * @example
 * ```ts
 * const changes = await collectWeights({namedWeights: () => loraWeights(clip.vision)});
 * ```
 */
export function loraWeights(block: Pick<Block, "namedWeights">): Map<string, tf.Variable> {
  return new Map([...block.namedWeights()].filter(([path]) => /(^|\.)lora_[ab]$/.test(path)));
}

/**
 * Throws if low-rank changes are not merged: saved under published names the model would lose them.
 *
 * @param block - The model.
 * @param what - What is to be done with it, for the message.
 * @throws WeightError, code `unmerged-lora`.
 * @example
 * ```ts
 * checkMerged(clip, "Saving CLIP");
 * ```
 */
export function checkMerged(block: Pick<Block, "namedWeights">, what: string): void {
  const paths = [...loraWeights(block).keys()];
  if (paths.length > 0) {
    throw new WeightError(
      `${what}: expected a model whose low-rank changes are merged, got ${paths.length} weights of changes, the first is ${String(paths[0])}. Call mergeLora(model) first, or store loraWeights(model) apart.`,
      {code: "unmerged-lora"},
    );
  }
}

function changedLayers(block: Pick<Block, "childBlocks">): [path: string, layer: Linear][] {
  return [...linearsOf(block)].filter(([, layer]) => layer.hasLora);
}

function* linearsOf(block: Pick<Block, "childBlocks">, path = ""): Generator<[path: string, layer: Linear]> {
  if (block instanceof Linear) yield [path, block];
  for (const [name, child] of block.childBlocks()) {
    yield* linearsOf(child, path === "" ? name : `${path}.${name}`);
  }
}

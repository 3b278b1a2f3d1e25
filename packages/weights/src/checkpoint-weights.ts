import {assignWeights} from "./assign.js";
import type {WeightHolder, WeightReport} from "./assign.js";
import {exportWeights} from "./export.js";
import {ownRules} from "./rules.js";
import type {StoredTensor} from "./stored-tensor.js";

/**
 * Copies of all weights of a model under their own dotted paths and in our layouts, for checkpoints.
 *
 * @param model - The model.
 * @example
 * ```ts
 * await writeSafetensors("checkpoint/weights.safetensors", await collectWeights(model));
 * ```
 */
export function collectWeights(model: WeightHolder): Promise<Map<string, StoredTensor>> {
  return exportWeights(model, ownRules);
}

/**
 * Fills a model from what `collectWeights` gave; strict as `assignWeights`.
 *
 * @param model - The model.
 * @param tensors - Tensors by dotted path.
 * @throws WeightError if a name is missing, left over, of another shape, or not finite.
 * @example
 * ```ts
 * restoreWeights(model, (await readSafetensors("checkpoint/weights.safetensors")).tensors);
 * ```
 */
export function restoreWeights(
  model: WeightHolder,
  tensors: ReadonlyMap<string, StoredTensor>,
): WeightReport {
  return assignWeights(model, tensors, ownRules);
}

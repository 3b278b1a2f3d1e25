import {WeightError} from "@claps/core";
import type {WeightHolder} from "./assign.js";
import {toPublished} from "./layout.js";
import type {ShapedArray} from "./layout.js";
import type {Rules} from "./rules.js";
import {storedFloat32} from "./stored-tensor.js";
import type {StoredTensor} from "./stored-tensor.js";

/**
 * The weights of a model under their published names and layouts: the inverse of `assignWeights`.
 *
 * @param model - The model.
 * @param rules - The same rules that fill it.
 * @returns Tensors by published name, in the order of the model's weights.
 * @throws WeightError if a weight has no published name.
 * @example
 * ```ts
 * await writeSafetensors("model.safetensors", await exportWeights(sam, huggingFaceRules));
 * ```
 */
export async function exportWeights(model: WeightHolder, rules: Rules): Promise<Map<string, StoredTensor>> {
  const variables = model.namedWeights();
  const tensors = new Map<string, StoredTensor>();
  for (const path of variables.keys()) {
    const route = rules.routeOfPath(path);
    if (route === undefined) {
      throw new WeightError(`The weight "${path}" has no published name; add a rule for it.`, {
        code: "weight-rule",
      });
    }
    if (tensors.has(route.name)) continue;
    const parts: ShapedArray[] = [];
    for (const part of route.paths) {
      const variable = variables.get(part);
      if (variable === undefined) {
        throw new WeightError(
          `The published weight "${route.name}" needs "${part}", which the model lacks.`,
          {
            code: "weight-rule",
          },
        );
      }
      parts.push({shape: variable.shape, data: Float32Array.from(await variable.data())});
    }
    const {shape, data} = toPublished(route.layout, parts);
    tensors.set(route.name, storedFloat32(shape, data));
  }
  return tensors;
}

import {WeightError} from "@claps/core";
import type * as tf from "@tensorflow/tfjs-core";
import type {WeightHolder} from "./assign.js";
import {publishedShape, toPublished} from "./layout.js";
import type {ShapedArray} from "./layout.js";
import type {LazyTensor} from "./lazy-tensor.js";
import type {Route, Rules} from "./rules.js";
import {storedFloat32} from "./stored-tensor.js";
import type {StoredTensor} from "./stored-tensor.js";

async function numbersOf(variable: tf.Variable): Promise<ShapedArray> {
  const data = await variable.data();
  return {shape: variable.shape, data: data instanceof Float32Array ? data : Float32Array.from(data)};
}

function lazyWeight(variables: ReadonlyMap<string, tf.Variable>, route: Route): LazyTensor {
  const parts = route.paths.map((path) => {
    const variable = variables.get(path);
    if (variable === undefined) {
      throw new WeightError(`The published weight "${route.name}" needs "${path}", which the model lacks.`, {
        code: "weight-rule",
      });
    }
    return variable;
  });
  const read = async (): Promise<StoredTensor> => {
    const {shape, data} = toPublished(route.layout, await Promise.all(parts.map(numbersOf)));
    return storedFloat32(shape, data);
  };
  return {dtype: "F32", shape: publishedShape(route.layout, parts[0]?.shape ?? []), read};
}

/**
 * The weights of a model under their published names and layouts, each copied only when it is read.
 *
 * For writing a model without holding it twice: `writeSafetensors` and `writeShardedSafetensors` read one tensor
 * at a time. What is read is the weight as it is at that moment.
 *
 * @param model - The model; it must live until everything has been read.
 * @param rules - The same rules that fill it.
 * @returns Tensors by published name, in the order of the model's weights.
 * @throws WeightError if a weight has no published name.
 * @example
 * ```ts
 * await writeSafetensors("model.safetensors", lazyWeights(sam, huggingFaceRules), {format: "pt"});
 * ```
 */
export function lazyWeights(model: WeightHolder, rules: Rules): Map<string, LazyTensor> {
  const variables = model.namedWeights();
  const tensors = new Map<string, LazyTensor>();
  for (const path of variables.keys()) {
    const route = rules.routeOfPath(path);
    if (route === undefined) {
      throw new WeightError(`The weight "${path}" has no published name; add a rule for it.`, {
        code: "weight-rule",
      });
    }
    if (!tensors.has(route.name)) tensors.set(route.name, lazyWeight(variables, route));
  }
  return tensors;
}

/**
 * Copies of the weights of a model under their published names and layouts: the inverse of `assignWeights`.
 *
 * @param model - The model.
 * @param rules - The same rules that fill it.
 * @returns Tensors by published name, in the order of the model's weights.
 * @throws WeightError if a weight has no published name.
 * @example
 * ```ts
 * const tensors = await exportWeights(sam, huggingFaceRules);
 * ```
 */
export async function exportWeights(model: WeightHolder, rules: Rules): Promise<Map<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of lazyWeights(model, rules)) tensors.set(name, await tensor.read());
  return tensors;
}

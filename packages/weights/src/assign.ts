import {WeightError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {compareWeights, requireMatch} from "./compare-weights.js";
import type {AssignOptions, WeightComparison} from "./compare-weights.js";
import {toFloat32} from "./convert.js";
import {toOurs} from "./layout.js";
import {countNotFinite} from "./not-finite.js";
import type {Route, Rules} from "./rules.js";
import type {StoredTensor} from "./stored-tensor.js";

/** Anything whose weights have names: every Block and model of the library. */
export interface WeightHolder {
  /** Every weight by its dotted path. */
  namedWeights(): Map<string, tf.Variable>;
}

/** One weight that was filled. */
export interface AssignedWeight {
  /** Our dotted path. */
  path: string;
  /** Published name. */
  name: string;
  /** Its shape with us. */
  shape: number[];
}

/** What an assignment did. */
export interface WeightReport {
  /** How many numbers were assigned. */
  parameters: number;
  /** The weights that were filled, in the order of the file. */
  assigned: AssignedWeight[];
  /** Paths that were allowed to stay as they are. */
  missing: string[];
  /** Published names that were allowed to be left over, or that the rules pass over. */
  unused: string[];
}

/** Throws if a tensor holds NaN or an infinity. */
export function checkFinite(tensor: StoredTensor, name: string): void {
  const found = countNotFinite(tensor);
  if (found === undefined) return;
  const {position} = found;
  const data = tensor.data.slice(position, position + 1);
  const [value] = toFloat32({dtype: tensor.dtype, shape: [1], data});
  throw new WeightError(
    `Weight "${name}": expected finite numbers, got ${String(value)} at position ${position}; the file is damaged or its training diverged.`,
    {code: "weights-not-finite"},
  );
}

/** Fills the one weight, or the three, that a published tensor leads to. */
export function fillRoute(
  variables: ReadonlyMap<string, tf.Variable>,
  route: Route,
  tensor: StoredTensor,
): void {
  const published = {shape: tensor.shape, data: toFloat32(tensor)};
  for (const [part, path] of route.paths.entries()) {
    const variable = variables.get(path);
    if (variable === undefined) continue;
    const {data} = toOurs(route.layout, published, part);
    tf.tidy(() => variable.assign(tf.tensor(data, variable.shape, variable.dtype as "float32" | "int32")));
  }
}

/** What has been done once every route of a comparison was filled. */
export function reportOf(
  variables: ReadonlyMap<string, tf.Variable>,
  {routes, missing, unused}: WeightComparison,
): WeightReport {
  const assigned: AssignedWeight[] = [];
  let parameters = 0;
  for (const {name, paths} of routes) {
    for (const path of paths) {
      const variable = variables.get(path);
      assigned.push({path, name, shape: variable?.shape ?? []});
      parameters += variable?.size ?? 0;
    }
  }
  return {parameters, assigned, missing, unused};
}

/**
 * Fills a model with published weights, strictly: every path must be filled, every name must have a place,
 * every shape must agree and every number must be finite. If anything is wrong, nothing is changed.
 *
 * `loadWeights` does the same from a file, one tensor at a time.
 *
 * @param model - The model.
 * @param tensors - Tensors by published name.
 * @param rules - Where published names go, and how their axes change.
 * @param options - Exceptions.
 * @returns What was filled; `parameters` should equal the preset's count.
 * @throws WeightError with code `weights-mismatch` and a table of names, or `weights-not-finite`.
 * @example
 * ```ts
 * const {tensors} = await readWeights("weights/sam-base");
 * const report = assignWeights(sam, tensors, huggingFaceRules);
 * ```
 */
export function assignWeights(
  model: WeightHolder,
  tensors: ReadonlyMap<string, StoredTensor>,
  rules: Rules,
  options: AssignOptions = {},
): WeightReport {
  const variables = model.namedWeights();
  const comparison = requireMatch(compareWeights(variables, tensors, rules, options));
  const pending = comparison.routes.flatMap((route) => {
    const tensor = tensors.get(route.name);
    return tensor === undefined ? [] : [{route, tensor}];
  });
  for (const {route, tensor} of pending) checkFinite(tensor, route.name);
  for (const {route, tensor} of pending) fillRoute(variables, route, tensor);
  return reportOf(variables, comparison);
}

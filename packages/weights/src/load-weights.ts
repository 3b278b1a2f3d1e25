import {checkFinite, fillRoute, reportOf} from "./assign.js";
import type {WeightHolder, WeightReport} from "./assign.js";
import {compareWeights, requireMatch} from "./compare-weights.js";
import type {AssignOptions} from "./compare-weights.js";
import {fetchTensor} from "./lazy-tensor.js";
import type {TensorSource} from "./lazy-tensor.js";
import {openWeights} from "./open-weights.js";
import type {Rules} from "./rules.js";

/** Options of {@link loadWeights}. */
export interface LoadOptions extends AssignOptions {
  /** Told how many of the tensors have been read, each twice: `done` of `total`. */
  onTensor?: (done: number, total: number) => void;
}

/**
 * Fills a model with published weights that lie on the disk, strictly as `assignWeights` does, with the memory of
 * the model and the largest tensor.
 *
 * Names and shapes are checked first, from the headers alone. Then the numbers are read twice, tensor by tensor:
 * once to see that all are finite, once to fill. So a file that is wrong anywhere changes nothing, and no more than
 * one tensor is held beside the model.
 *
 * @param model - The model.
 * @param source - A file, an index of several or a folder with either, which is opened and closed; or tensors by
 * published name of weights that the caller has opened.
 * @param rules - Where published names go and how their axes change; or a choice of rules by the names in the file.
 * @param options - Exceptions, and who is told how far it is.
 * @returns What was filled; `parameters` should equal the preset's count.
 * @throws WeightError with code `weights-mismatch` and a table of names, or `weights-not-finite`, or of the file.
 * @example
 * ```ts
 * const report = await loadWeights(sam, "weights/sam-base", huggingFaceRules);
 * ```
 */
export async function loadWeights(
  model: WeightHolder,
  source: string | ReadonlyMap<string, TensorSource>,
  rules: Rules | ((names: Iterable<string>) => Rules),
  options: LoadOptions = {},
): Promise<WeightReport> {
  if (typeof source !== "string") {
    const chosen = typeof rules === "function" ? rules(source.keys()) : rules;
    return loadTensors(model, source, chosen, options);
  }
  const file = await openWeights(source);
  try {
    return await loadWeights(model, file.tensors, rules, options);
  } finally {
    await file.close();
  }
}

async function loadTensors(
  model: WeightHolder,
  tensors: ReadonlyMap<string, TensorSource>,
  rules: Rules,
  options: LoadOptions,
): Promise<WeightReport> {
  const variables = model.namedWeights();
  const comparison = requireMatch(compareWeights(variables, tensors, rules, options));
  const pending = comparison.routes.flatMap((route) => {
    const tensor = tensors.get(route.name);
    return tensor === undefined ? [] : [{route, tensor}];
  });
  let done = 0;
  const total = 2 * pending.length;
  for (const {route, tensor} of pending) {
    checkFinite(await fetchTensor(tensor), route.name);
    options.onTensor?.(++done, total);
  }
  for (const {route, tensor} of pending) {
    fillRoute(variables, route, await fetchTensor(tensor));
    options.onTensor?.(++done, total);
  }
  return reportOf(variables, comparison);
}

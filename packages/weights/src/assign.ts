import {WeightError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {toFloat32} from "./convert.js";
import {publishedShape, toOurs} from "./layout.js";
import type {ShapedArray} from "./layout.js";
import {mismatchError} from "./mismatch.js";
import type {Mismatch} from "./mismatch.js";
import type {Route, Rules} from "./rules.js";
import type {StoredTensor} from "./stored-tensor.js";

/** Anything whose weights have names: every Block and model of the library. */
export interface WeightHolder {
  /** Every weight by its dotted path. */
  namedWeights(): Map<string, tf.Variable>;
}

/** Exceptions from the rule that file and model must agree. */
export interface AssignOptions {
  /** Our paths that may stay as they are when the file lacks them. */
  allowMissing?: RegExp;
  /** Published names that may have no place in the model. */
  allowUnused?: RegExp;
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

interface Pending {
  route: Route;
  tensor: StoredTensor;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** The shape that a route's published tensor must have, known from the first of its variables. */
function expectedShape(route: Route, variables: ReadonlyMap<string, tf.Variable>): number[] {
  const [path = ""] = route.paths;
  try {
    return publishedShape(route.layout, variables.get(path)?.shape ?? []);
  } catch (cause) {
    throw new WeightError(
      `The rule for "${route.name}", leading to "${path}", does not fit: ${(cause as Error).message}`,
      {
        code: "weight-rule",
        cause,
      },
    );
  }
}

function checkFinite(values: Float32Array, name: string): void {
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index])) {
      throw new WeightError(
        `Weight "${name}": expected finite numbers, got ${String(values[index])} at position ${index}; the file is damaged or its training diverged.`,
        {code: "weights-not-finite"},
      );
    }
  }
}

function fill(variable: tf.Variable, {data}: ShapedArray): void {
  tf.tidy(() => variable.assign(tf.tensor(data, variable.shape, variable.dtype as "float32" | "int32")));
}

/**
 * Fills a model with published weights, strictly: every path must be filled, every name must have a place,
 * every shape must agree and every number must be finite. If anything is wrong, nothing is changed.
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
  const wrong: Mismatch[] = [];
  const pending: Pending[] = [];
  const unused: string[] = [];
  const reached = new Set<string>();
  for (const [name, tensor] of tensors) {
    const route = rules.routeOfName(name);
    if (route === undefined || !route.paths.every((path) => variables.has(path))) {
      if (
        rules.isIgnored(name) ||
        (options.allowUnused !== undefined && name.search(options.allowUnused) >= 0)
      ) {
        unused.push(name);
      } else {
        wrong.push({kind: "unexpected", name, got: tensor.shape});
      }
      continue;
    }
    const taken = route.paths.find((path) => reached.has(path));
    if (taken !== undefined) {
      throw new WeightError(
        `Two published weights lead to "${taken}", the second is "${name}"; correct the rules.`,
        {
          code: "weight-rule",
        },
      );
    }
    for (const path of route.paths) reached.add(path);
    const expected = expectedShape(route, variables);
    if (sameShape(expected, tensor.shape)) pending.push({route, tensor});
    else wrong.push({kind: "shape", name, expected, got: tensor.shape});
  }
  const missing: string[] = [];
  for (const path of variables.keys()) {
    if (reached.has(path)) continue;
    if (options.allowMissing !== undefined && path.search(options.allowMissing) >= 0) {
      missing.push(path);
      continue;
    }
    const route = rules.routeOfPath(path);
    const name = route?.name ?? path;
    if (wrong.some((row) => row.kind === "missing" && row.name === name)) continue;
    wrong.push({
      kind: "missing",
      name,
      expected: route === undefined ? variables.get(path)?.shape : expectedShape(route, variables),
    });
  }
  if (wrong.length > 0) throw mismatchError(wrong);
  for (const {route, tensor} of pending) checkFinite(toFloat32(tensor), route.name);
  const assigned: AssignedWeight[] = [];
  for (const {route, tensor} of pending) {
    const published = {shape: tensor.shape, data: toFloat32(tensor)};
    route.paths.forEach((path, part) => {
      const variable = variables.get(path);
      if (variable === undefined) return;
      fill(variable, toOurs(route.layout, published, part));
      assigned.push({path, name: route.name, shape: variable.shape});
    });
  }
  const parameters = assigned.reduce((sum, {path}) => sum + (variables.get(path)?.size ?? 0), 0);
  return {parameters, assigned, missing, unused};
}

import {WeightError} from "@claps/core";
import {publishedShape} from "./layout.js";
import {mismatchError} from "./mismatch.js";
import type {Mismatch} from "./mismatch.js";
import type {Route, Rules} from "./rules.js";

/** Exceptions from the rule that file and model must agree. */
export interface AssignOptions {
  /** Our paths that may stay as they are when the file lacks them. */
  allowMissing?: RegExp;
  /** Published names that may have no place in the model. */
  allowUnused?: RegExp;
}

/** Anything with a shape: a variable, a tensor of a file, a line of a header. */
export interface Shaped {
  readonly shape: readonly number[];
}

/** How the weights of a file and those of a model fit together. */
export interface WeightComparison {
  /** Everything that does not fit, by published name; none means that the file can be loaded. */
  mismatches: Mismatch[];
  /** What would be filled, in the order of the file. */
  routes: Route[];
  /** Our paths that were allowed to stay as they are. */
  missing: string[];
  /** Published names that were allowed to be left over, or that the rules pass over. */
  unused: string[];
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** The shape that a route's published tensor must have, known from the first of its variables. */
function expectedShape(route: Route, weights: ReadonlyMap<string, Shaped>): number[] {
  const [path = ""] = route.paths;
  try {
    return publishedShape(route.layout, weights.get(path)?.shape ?? []);
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

function fits(text: string, pattern: RegExp | undefined): boolean {
  return pattern !== undefined && text.search(pattern) >= 0;
}

/**
 * Compares names and shapes of a file with those of a model; no number is looked at.
 *
 * @param weights - The weights of the model by dotted path, for example `model.namedWeights()`.
 * @param tensors - The tensors of the file by published name.
 * @param rules - Where published names go, and how their axes change.
 * @param options - Exceptions.
 * @returns What fits and what does not.
 * @throws WeightError with code `weight-rule` if the rules themselves are wrong.
 * @example
 * ```ts
 * const file = await openWeights("weights/sam-base");
 * compareWeights(sam.namedWeights(), file.tensors, huggingFaceRules).mismatches; // []
 * ```
 */
export function compareWeights(
  weights: ReadonlyMap<string, Shaped>,
  tensors: ReadonlyMap<string, Shaped>,
  rules: Rules,
  options: AssignOptions = {},
): WeightComparison {
  const mismatches: Mismatch[] = [];
  const routes: Route[] = [];
  const unused: string[] = [];
  const reached = new Set<string>();
  for (const [name, {shape}] of tensors) {
    const route = rules.routeOfName(name);
    if (route === undefined || !route.paths.every((path) => weights.has(path))) {
      if (rules.isIgnored(name) || fits(name, options.allowUnused)) unused.push(name);
      else mismatches.push({kind: "unexpected", name, got: shape});
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
    const expected = expectedShape(route, weights);
    if (sameShape(expected, shape)) routes.push(route);
    else mismatches.push({kind: "shape", name, expected, got: shape});
  }
  const missing: string[] = [];
  const absent = new Set<string>();
  for (const [path, {shape}] of weights) {
    if (reached.has(path)) continue;
    if (fits(path, options.allowMissing)) {
      missing.push(path);
      continue;
    }
    const route = rules.routeOfPath(path);
    const name = route?.name ?? path;
    if (absent.has(name)) continue;
    absent.add(name);
    mismatches.push({
      kind: "missing",
      name,
      expected: route === undefined ? shape : expectedShape(route, weights),
    });
  }
  return {mismatches, routes, missing, unused};
}

/** The comparison of a file and a model that must agree. */
export function requireMatch(comparison: WeightComparison): WeightComparison {
  if (comparison.mismatches.length > 0) throw mismatchError(comparison.mismatches);
  return comparison;
}

import type * as tf from "@tensorflow/tfjs-core";
import type {PackCase} from "./pack.js";

/** What an operator gives back, under the pack's names; the first is called `output`. */
export type OperatorResult = Record<string, tf.Tensor>;

/** Options of a case as its description holds them. */
export type OperatorOptions = Readonly<Record<string, unknown>>;

/** One operator, told its options, ready to run. */
export interface PreparedOperator {
  /** Inputs without which there is nothing to compute. */
  readonly needs: readonly string[];
  /** Inputs that are read while preparing and are no tensors of the computation. */
  readonly constants?: readonly string[];
  /** The computation on the pack's inputs, in the pack's layouts. */
  readonly run: (inputs: Readonly<Record<string, tf.Tensor>>) => OperatorResult;
}

/** Makes an operator ready for a case, or throws a {@link Refusal}. */
export type OperatorCase = (options: OperatorOptions, source: PackCase) => PreparedOperator;

/** A case asks for something that this version does not have; the message names it. */
export class Refusal extends Error {
  override name = "Refusal";
}

/** An option that must be one of some names, translated to ours; `fallback` where it is absent. */
export function chosen<T>(
  options: OperatorOptions,
  key: string,
  {known, fallback}: {known: Readonly<Record<string, T>>; fallback: string},
): T {
  const value = options[key] ?? fallback;
  if (typeof value !== "string" || !Object.hasOwn(known, value)) {
    throw new Refusal(
      `${String(options["op"])}: ${key} ${JSON.stringify(value)} is not part of this version; known are ${Object.keys(known).join(", ")}`,
    );
  }
  return known[value] as T;
}

/** A number or a pair (vertical, horizontal) as height and width. */
export function pairOption(
  options: OperatorOptions,
  key: string,
  fallback: number,
): {height: number; width: number} {
  const value = options[key] ?? fallback;
  const list = (Array.isArray(value) ? value : [value, value]) as unknown[];
  const [height, width = height] = list;
  if (typeof height !== "number" || typeof width !== "number") {
    throw new Refusal(
      `${String(options["op"])}: expected a number or two as ${key}, got ${JSON.stringify(value)}`,
    );
  }
  return {height, width};
}

/** A number; `fallback` where it is absent. */
export function numberOption(options: OperatorOptions, key: string, fallback: number): number {
  const value = options[key] ?? fallback;
  if (typeof value !== "number") {
    throw new Refusal(`${String(options["op"])}: expected a number as ${key}, got ${JSON.stringify(value)}`);
  }
  return value;
}

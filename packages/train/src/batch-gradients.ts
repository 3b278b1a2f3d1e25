import type {Engine} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {compileChunkedGradients} from "./chunked-gradients.js";
import type {BatchCall} from "./chunked-gradients.js";
import {differentiate} from "./differentiate.js";
import type {Objective} from "./objective.js";
import {outputsWithParts, readOutputs} from "./step-outputs.js";

/** What {@link batchGradients} needs. */
export interface BatchGradientsOptions<Item> extends BatchCall<Item> {
  /** What to differentiate. */
  objective: Objective<Item>;
  /** Items per chunk; left out means the whole batch at once. */
  chunk?: number;
  /** What compiles the computation. */
  engine: Engine;
}

/** Loss and gradients of a batch as plain numbers. */
export interface BatchGradients {
  readonly loss: number;
  /** The parts of the loss. */
  readonly parts: Readonly<Record<string, number>>;
  /** By dotted path; weights that the loss does not reach are left out, all of them where it is not finite. */
  readonly gradients: ReadonlyMap<string, {readonly shape: readonly number[]; readonly data: Float32Array}>;
}

/** Marks the outputs that are gradients. */
const GRADIENT = "gradient of ";

/**
 * Gradients of one batch, without changing anything: to look at them, or to compare chunks with the whole.
 *
 * @param options - Objective, batch, source of randomness, chunk, engine.
 * @returns Loss, parts, gradients.
 * @throws ConfigError if a weight gets no gradient or the objective cannot be computed in chunks.
 * @example
 * ```ts
 * const call = {objective, items, random: createRandom(1), engine: currentEngine()};
 * const whole = await batchGradients(call);
 * const inChunks = await batchGradients({...call, chunk: 8});
 * ```
 */
export async function batchGradients<Item>(options: BatchGradientsOptions<Item>): Promise<BatchGradients> {
  const {objective, items, random, chunk, engine} = options;
  if (chunk !== undefined) {
    const chunked = compileChunkedGradients({objective, chunk, engine});
    try {
      const {loss, parts} = await chunked.run({items, random});
      const found = Number.isFinite(loss) ? chunked.gradients() : new Map<string, tf.Variable>();
      return {loss, parts, gradients: await numbersOf(found)};
    } finally {
      chunked.dispose();
    }
  }
  const inputs = await objective.prepare(items, random);
  const compiled = engine.compile((...given: tf.Tensor[]) => {
    const {loss, parts, gradients} = differentiate(objective, () => objective.loss(given));
    const named = [...gradients].map(([path, gradient]) => [GRADIENT + path, gradient] as const);
    return outputsWithParts({loss, ...Object.fromEntries(named)}, parts);
  });
  let outputs: Record<string, tf.Tensor> = {};
  try {
    outputs = compiled(...inputs);
    const entries = Object.entries(outputs);
    const isGradient = ([name]: readonly [string, tf.Tensor]): boolean => name.startsWith(GRADIENT);
    const scalars = Object.fromEntries(entries.filter((entry) => !isGradient(entry)));
    const {own, parts} = await readOutputs(scalars);
    const loss = own["loss"]!;
    const found = entries
      .filter((entry) => Number.isFinite(loss) && isGradient(entry))
      .map(([name, tensor]) => [name.slice(GRADIENT.length), tensor] as const);
    return {loss, parts, gradients: await numbersOf(new Map(found))};
  } finally {
    compiled.dispose();
    tf.dispose(inputs);
    tf.dispose(outputs);
  }
}

async function numbersOf(
  tensors: ReadonlyMap<string, tf.Tensor>,
): Promise<Map<string, {shape: readonly number[]; data: Float32Array}>> {
  const numbers = new Map<string, {shape: readonly number[]; data: Float32Array}>();
  for (const [path, tensor] of tensors) {
    numbers.set(path, {shape: tensor.shape, data: Float32Array.from(await tensor.data())});
  }
  return numbers;
}

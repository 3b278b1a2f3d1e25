import {ConfigError} from "@claps/core";
import type {Engine} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import type {Objective} from "./objective.js";
import type {AdamW} from "./optimizer/adamw.js";
import {clipFactor, globalNorm} from "./optimizer/clip-by-global-norm.js";

/** What {@link compileTrainStep} needs. */
export interface TrainStepOptions<Item> {
  /** What to minimise. */
  objective: Objective<Item>;
  /** The optimizer; it tracks the objective's weights already. */
  optimizer: AdamW;
  /** Limit of the gradient's norm; left out means no limit. */
  clipNorm?: number | undefined;
  /** What compiles the step. */
  engine: Engine;
}

/** What one step did. */
export interface TrainStepResult {
  readonly loss: number;
  readonly parts: Record<string, number>;
  /** Norm of all gradients before clipping. */
  readonly norm: number;
  /** False if loss or norm was not finite: weights and moments are then as before. */
  readonly accepted: boolean;
}

/** A compiled training step. */
export interface TrainStep {
  /**
   * Runs forward, backward, clipping and update once.
   *
   * @param inputs - What the objective's `prepare` made; the caller keeps them.
   * @param rate - Learning rate.
   * @param update - Number of this update from 1; refused updates do not count.
   */
  run(inputs: readonly tf.Tensor[], rate: number, update: number): Promise<TrainStepResult>;
  /** How many different input shapes the step was run with. */
  readonly traces: number;
  /** Frees the compiled graphs. */
  dispose(): void;
}

/** Largest number below float32's infinity that is safe to compare with. */
const LARGEST = 3.4e38;
const PART = "part ";

/**
 * Compiles forward, backward, clipping and update into one function.
 *
 * Whether loss and norm are finite is decided inside the graph, by comparison: NaN compares false, while a
 * maximum may lose it. A refused update keeps every weight and moment as it was.
 *
 * @param options - Objective, optimizer, engine.
 * @returns The step; dispose it when done.
 * @throws ConfigError, when first run, if a weight gets no gradient.
 * @example
 * ```ts
 * const step = compileTrainStep({objective, optimizer, engine: currentEngine(), clipNorm: 1});
 * const {loss} = await step.run(inputs, 1e-3, 1);
 * ```
 */
export function compileTrainStep<Item>(options: TrainStepOptions<Item>): TrainStep {
  const {objective, optimizer, clipNorm, engine} = options;
  const compiled = engine.compile((rate: tf.Tensor, update: tf.Tensor, ...inputs: tf.Tensor[]) => {
    const {loss, parts, gradients} = differentiate(objective, inputs);
    const norm = globalNorm(gradients);
    const accept = tf.logicalAnd(tf.lessEqual(tf.abs(loss), LARGEST), tf.lessEqual(norm, LARGEST));
    const scale = clipNorm === undefined ? undefined : clipFactor(norm, clipNorm);
    optimizer.apply(gradients, objective.variables, rate, update, {accept, ...(scale && {scale})});
    const result: Record<string, tf.Tensor> = {loss, norm, accepted: tf.cast(accept, "float32")};
    for (const [name, part] of Object.entries(parts)) result[PART + name] = part;
    return result;
  });
  const signatures = new Set<string>();
  return {
    async run(inputs, rate, update) {
      signatures.add(inputs.map(({shape, dtype}) => `${dtype}[${shape.join(",")}]`).join(" "));
      const scalars = [tf.scalar(rate), tf.scalar(update)];
      let outputs: Record<string, tf.Tensor> = {};
      try {
        outputs = compiled(...scalars, ...inputs);
        return await readResult(outputs);
      } finally {
        tf.dispose(scalars);
        tf.dispose(outputs);
      }
    },
    get traces() {
      return signatures.size;
    },
    dispose: () => compiled.dispose(),
  };
}

function differentiate<Item>(
  objective: Objective<Item>,
  inputs: readonly tf.Tensor[],
): {loss: tf.Scalar; parts: Record<string, tf.Tensor>; gradients: Map<string, tf.Tensor>} {
  const kept: Record<string, tf.Tensor> = {};
  const {value: loss, grads} = tf.variableGrads(() => {
    const result = objective.loss(inputs);
    // Whatever is not returned is freed at the end of the forward pass, unless it is kept.
    for (const [name, part] of Object.entries(result.parts)) kept[name] = tf.keep(tf.clone(part));
    return result.loss;
  }, [...objective.variables.values()]);
  const parts: Record<string, tf.Tensor> = {};
  for (const [name, part] of Object.entries(kept)) {
    parts[name] = tf.clone(part);
    part.dispose();
  }
  const gradients = new Map<string, tf.Tensor>();
  const allowed = objective.allowWithoutGradient;
  const missing: string[] = [];
  for (const [path, variable] of objective.variables) {
    const gradient = grads[variable.name] as tf.Tensor | null | undefined;
    if (gradient != null) gradients.set(path, gradient);
    else if (allowed === undefined || path.search(allowed) < 0) missing.push(path);
  }
  if (missing.length > 0) {
    throw new ConfigError(
      `Training step: expected a gradient for every trained weight, got none for ${missing.join(", ")}. Leave them out of the trained weights, or allow it with the objective's allowWithoutGradient.`,
      {code: "no-gradient"},
    );
  }
  return {loss, parts, gradients};
}

async function readResult(outputs: Readonly<Record<string, tf.Tensor>>): Promise<TrainStepResult> {
  const read = async (name: string): Promise<number> => (await outputs[name]!.data())[0] as number;
  const parts: Record<string, number> = {};
  for (const name of Object.keys(outputs)) {
    if (name.startsWith(PART)) parts[name.slice(PART.length)] = await read(name);
  }
  const accepted = (await read("accepted")) === 1;
  return {loss: await read("loss"), parts, norm: await read("norm"), accepted};
}

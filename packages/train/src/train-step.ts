import type {Engine} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {applyUpdate} from "./apply-update.js";
import type {FollowingAverage} from "./apply-update.js";
import {differentiate} from "./differentiate.js";
import type {Objective} from "./objective.js";
import type {AdamW} from "./optimizer/adamw.js";
import {outputsWithParts, readOutputs, signatureOf} from "./step-outputs.js";

/** What {@link compileTrainStep} needs. */
export interface TrainStepOptions<Item> {
  /** What to minimise. */
  objective: Objective<Item>;
  /** The optimizer; it tracks the objective's weights already. */
  optimizer: AdamW;
  /** Limit of the gradient's norm; left out means no limit. */
  clipNorm?: number | undefined;
  /** Averages that follow the weights; left out means none. */
  following?: FollowingAverage | undefined;
  /** What compiles the step. */
  engine: Engine;
}

/** What one step did. */
export interface TrainStepResult {
  readonly loss: number;
  readonly parts: Record<string, number>;
  /** Norm of all gradients before clipping. */
  readonly norm: number;
  /** False if loss or norm was not finite: weights, moments and averages are then as before. */
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

/**
 * Compiles forward, backward, clipping and update into one function.
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
  const {objective, optimizer, clipNorm, following, engine} = options;
  const {variables, bounds} = objective;
  const compiled = engine.compile((rate: tf.Tensor, update: tf.Tensor, ...inputs: tf.Tensor[]) => {
    const {loss, parts, gradients} = differentiate(objective, () => objective.loss(inputs));
    const {norm, accepted} = applyUpdate(
      {variables, bounds, optimizer, clipNorm, following},
      {loss, gradients, rate, update},
    );
    return outputsWithParts({loss, norm, accepted}, parts);
  });
  const signatures = new Set<string>();
  return {
    async run(inputs, rate, update) {
      signatures.add(signatureOf(inputs));
      const scalars = [tf.scalar(rate), tf.scalar(update)];
      let outputs: Record<string, tf.Tensor> = {};
      try {
        outputs = compiled(...scalars, ...inputs);
        const {own, parts} = await readOutputs(outputs);
        return {loss: own["loss"]!, parts, norm: own["norm"]!, accepted: own["accepted"] === 1};
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

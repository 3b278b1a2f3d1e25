import * as tf from "@tensorflow/tfjs-core";
import {applyUpdate} from "./apply-update.js";
import {compileChunkedGradients} from "./chunked-gradients.js";
import type {BatchCall} from "./chunked-gradients.js";
import {readOutputs} from "./step-outputs.js";
import type {TrainStepOptions, TrainStepResult} from "./train-step.js";

/** What {@link compileChunkedStep} needs. */
export interface ChunkedStepOptions<Item> extends TrainStepOptions<Item> {
  /** Items per chunk. */
  chunk: number;
}

/** One batch and how to learn from it. */
export interface BatchStepCall<Item> extends BatchCall<Item> {
  /** Learning rate. */
  rate: number;
  /** Number of this update from 1; refused updates do not count. */
  update: number;
}

/** A compiled training step from items to changed weights. */
export interface BatchStep<Item> {
  /**
   * Learns from one batch.
   *
   * @param call - Batch, rate and number of the update.
   */
  run(call: BatchStepCall<Item>): Promise<TrainStepResult>;
  /** How many different input shapes the step was run with. */
  readonly traces: number;
  /** Frees the compiled graphs. */
  dispose(): void;
}

/**
 * Compiles a training step whose batch is computed chunk by chunk, with the gradient of the whole batch.
 *
 * Memory is that of one chunk, of the embeddings of all items and of one set of gradients; towers that are trained
 * are computed twice. Acceptance, clipping and update are those of `compileTrainStep`; where the loss is not finite the
 * step ends there, with NaN as norm.
 *
 * @param options - Objective, chunk, optimizer, engine.
 * @returns The step; dispose it when done.
 * @throws ConfigError if the objective has no chunked form or the chunk is out of range.
 * @example
 * ```ts
 * const step = compileChunkedStep({objective, optimizer, engine: currentEngine(), chunk: 8});
 * const {loss} = await step.run({items, random: createRandom(1), rate: 1e-3, update: 1});
 * ```
 */
export function compileChunkedStep<Item>(options: ChunkedStepOptions<Item>): BatchStep<Item> {
  const {objective, optimizer, clipNorm, following, engine} = options;
  const {variables, bounds} = objective;
  const chunked = compileChunkedGradients(options);
  const apply = engine.compile((loss: tf.Tensor, rate: tf.Tensor, update: tf.Tensor) => {
    const gradients = chunked.gradients();
    return applyUpdate({variables, bounds, optimizer, clipNorm, following}, {loss, gradients, rate, update});
  });
  return {
    async run({items, random, rate, update}) {
      const {loss, parts} = await chunked.run({items, random});
      if (!Number.isFinite(loss)) return {loss, parts, norm: NaN, accepted: false};
      const scalars = [tf.scalar(loss), tf.scalar(rate), tf.scalar(update)];
      let outputs: Record<string, tf.Tensor> = {};
      try {
        outputs = apply(...scalars);
        const {own} = await readOutputs(outputs);
        return {loss, parts, norm: own["norm"]!, accepted: own["accepted"] === 1};
      } finally {
        tf.dispose(scalars);
        tf.dispose(outputs);
      }
    },
    get traces() {
      return chunked.traces;
    },
    dispose: () => {
      chunked.dispose();
      apply.dispose();
    },
  };
}

import * as tf from "@tensorflow/tfjs-core";
import {compileChunkedStep} from "./chunked-step.js";
import type {BatchStep} from "./chunked-step.js";
import {compileTrainStep} from "./train-step.js";
import type {TrainStepOptions} from "./train-step.js";

/** What {@link compileBatchStep} needs. */
export interface BatchStepOptions<Item> extends TrainStepOptions<Item> {
  /** Items per chunk; left out means what the objective says, else all at once. */
  chunk?: number | undefined;
}

/**
 * Compiles the training step of `fit`: the whole batch at once, or chunk by chunk.
 *
 * @param options - Objective, optimizer, engine, chunk.
 * @returns The step; dispose it when done.
 * @throws ConfigError if a chunk is asked for that the objective cannot be computed in.
 */
export function compileBatchStep<Item>(options: BatchStepOptions<Item>): BatchStep<Item> {
  const {objective} = options;
  const chunk = options.chunk ?? objective.chunked?.size;
  if (chunk !== undefined) return compileChunkedStep({...options, chunk});
  const step = compileTrainStep(options);
  return {
    async run({items, random, rate, update}) {
      const inputs = await objective.prepare(items, random);
      return step.run(inputs, rate, update).finally(() => tf.dispose(inputs));
    },
    get traces() {
      return step.traces;
    },
    dispose: () => step.dispose(),
  };
}

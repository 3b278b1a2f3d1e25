import {ConfigError, DataError} from "@claps/core";
import {collectWeights, restoreWeights, storedFloat32, toFloat32} from "@claps/weights";
import type {StoredTensor} from "@claps/weights";
import type * as tf from "@tensorflow/tfjs-core";
import type {AdamW} from "./optimizer/adamw.js";
import type {ExponentialMovingAverage} from "./optimizer/exponential-moving-average.js";
import type {TrainingState} from "./training-state.js";

/** A run at one step, as it is saved. */
export interface Checkpoint {
  /** Trained weights by dotted path. */
  readonly weights: ReadonlyMap<string, StoredTensor>;
  /** Moments and update counts, `<weight>.exp_avg`, `.exp_avg_sq` and `.step`. */
  readonly optimizer: ReadonlyMap<string, StoredTensor>;
  /** Averages of the weights by the same paths, where the run keeps them. */
  readonly average?: ReadonlyMap<string, StoredTensor>;
  readonly state: TrainingState;
}

/** What a checkpoint is taken from and put back into. */
export interface CheckpointParts {
  /** Trained weights by dotted path. */
  readonly variables: ReadonlyMap<string, tf.Variable>;
  /** An optimizer that tracks them. */
  readonly optimizer: AdamW;
  /** Averages that track them; left out means that the run keeps none. */
  readonly average?: ExponentialMovingAverage | undefined;
}

const COUNT = ".step";

/**
 * Copies weights, optimizer and averages into a checkpoint.
 *
 * @param parts - Weights, optimizer, averages.
 * @param state - Everything else.
 */
export async function takeCheckpoint(parts: CheckpointParts, state: TrainingState): Promise<Checkpoint> {
  const {variables, optimizer, average} = parts;
  const moments = new Map(await collectWeights(optimizer));
  for (const [name, count] of optimizer.updateCounts(state.updates)) {
    moments.set(name + COUNT, storedFloat32([], Float32Array.of(count)));
  }
  return {
    weights: await collectWeights(holderOf(variables)),
    optimizer: moments,
    ...(average && {average: await collectWeights(average)}),
    state,
  };
}

/**
 * Puts weights, optimizer and averages back as they were.
 *
 * @param checkpoint - What {@link takeCheckpoint} made.
 * @param parts - The same weights as then, an optimizer and averages that track them.
 * @throws ConfigError if one keeps averages and the other does not; WeightError if a weight, moment or average is
 *   missing, left over or of another shape.
 */
export function restoreCheckpoint(checkpoint: Checkpoint, parts: CheckpointParts): void {
  const {variables, optimizer, average} = parts;
  if ((checkpoint.average === undefined) !== (average === undefined)) {
    const [kept, wanted] = average === undefined ? ["averages", "none"] : ["no averages", "some"];
    throw new ConfigError(
      `Checkpoint of step ${checkpoint.state.step}: expected the run's own setting of ema, got a checkpoint with ${kept} for a run with ${wanted}; resume with the same ema.`,
    );
  }
  const moments = new Map<string, StoredTensor>();
  const counts = new Map<string, number>();
  for (const [name, tensor] of checkpoint.optimizer) {
    if (name.endsWith(COUNT)) counts.set(name.slice(0, -COUNT.length), countOf(tensor, name));
    else moments.set(name, tensor);
  }
  restoreWeights(holderOf(variables), checkpoint.weights);
  restoreWeights(optimizer, moments);
  if (average !== undefined && checkpoint.average !== undefined) restoreWeights(average, checkpoint.average);
  optimizer.restoreUpdateCounts(counts, checkpoint.state.updates);
}

function countOf(tensor: StoredTensor, name: string): number {
  const count = toFloat32(tensor)[0];
  if (tensor.shape.length > 0 || count === undefined || !Number.isSafeInteger(count)) {
    throw new DataError(
      `Checkpoint: expected one whole number as ${name}, got shape [${tensor.shape.join(", ")}].`,
    );
  }
  return count;
}

/**
 * Weights as the weight functions expect them.
 *
 * @param variables - By dotted path.
 */
export function holderOf(variables: ReadonlyMap<string, tf.Variable>): {
  namedWeights(): Map<string, tf.Variable>;
} {
  return {namedWeights: () => new Map(variables)};
}

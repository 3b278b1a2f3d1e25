import {DataError} from "@claps/core";
import {collectWeights, restoreWeights, storedFloat32, toFloat32} from "@claps/weights";
import type {StoredTensor} from "@claps/weights";
import type * as tf from "@tensorflow/tfjs-core";
import type {AdamW} from "./optimizer/adamw.js";
import type {TrainingState} from "./training-state.js";

/** A run at one step, as it is saved. */
export interface Checkpoint {
  /** Trained weights by dotted path. */
  readonly weights: ReadonlyMap<string, StoredTensor>;
  /** Moments and update counts, `<weight>.exp_avg`, `.exp_avg_sq` and `.step`. */
  readonly optimizer: ReadonlyMap<string, StoredTensor>;
  readonly state: TrainingState;
}

const COUNT = ".step";

/**
 * Copies weights and optimizer into a checkpoint.
 *
 * @param variables - Trained weights by dotted path.
 * @param optimizer - Its optimizer.
 * @param state - Everything else.
 */
export async function takeCheckpoint(
  variables: ReadonlyMap<string, tf.Variable>,
  optimizer: AdamW,
  state: TrainingState,
): Promise<Checkpoint> {
  const moments = new Map(await collectWeights(optimizer));
  for (const [name, count] of optimizer.updateCounts(state.updates)) {
    moments.set(name + COUNT, storedFloat32([], Float32Array.of(count)));
  }
  return {weights: await collectWeights(holderOf(variables)), optimizer: moments, state};
}

/**
 * Puts weights and optimizer back as they were.
 *
 * @param checkpoint - What {@link takeCheckpoint} made.
 * @param variables - Trained weights by dotted path; the same set as then.
 * @param optimizer - An optimizer that tracks them.
 * @throws WeightError if a weight or moment is missing, left over or of another shape.
 */
export function restoreCheckpoint(
  checkpoint: Checkpoint,
  variables: ReadonlyMap<string, tf.Variable>,
  optimizer: AdamW,
): void {
  const moments = new Map<string, StoredTensor>();
  const counts = new Map<string, number>();
  for (const [name, tensor] of checkpoint.optimizer) {
    if (name.endsWith(COUNT)) counts.set(name.slice(0, -COUNT.length), countOf(tensor, name));
    else moments.set(name, tensor);
  }
  restoreWeights(holderOf(variables), checkpoint.weights);
  restoreWeights(optimizer, moments);
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

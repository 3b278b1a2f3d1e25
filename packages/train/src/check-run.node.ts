import {ConfigError} from "@claps/core";
import type * as tf from "@tensorflow/tfjs-core";
import {listCheckpoints} from "./checkpoint.node.js";
import type {TrainingState} from "./training-state.js";

/**
 * Throws unless there are weights to train and all of them may change.
 *
 * @param variables - By dotted path.
 */
export function checkTrainable(variables: ReadonlyMap<string, tf.Variable>): void {
  if (variables.size === 0) throw new ConfigError("fit: expected at least one trained weight, got none.");
  const frozen = [...variables].filter(([, variable]) => !variable.trainable).map(([name]) => name);
  if (frozen.length > 0) {
    throw new ConfigError(
      `fit: expected weights that may change, got frozen ones: ${frozen.join(", ")}. Free them or leave them out of the objective's variables.`,
    );
  }
}

/**
 * Throws if a folder holds checkpoints of another run.
 *
 * @param checkpoints - The folder; it may be absent.
 */
export async function checkUnused(checkpoints: string): Promise<void> {
  const saved = await listCheckpoints(checkpoints);
  if (saved.length > 0) {
    throw new ConfigError(
      `${checkpoints}: expected a folder without checkpoints, got ${saved.length} of another run; resume it or choose another folder.`,
      {code: "folder-not-empty"},
    );
  }
}

/**
 * Throws unless a checkpoint belongs to the run that is to go on; says what will differ in the last digits.
 *
 * @param found - The state in the checkpoint.
 * @param fresh - What the run would start from.
 * @param options - Steps of the run, and who is told.
 */
export function checkSameRun(
  found: TrainingState,
  fresh: TrainingState,
  {steps, report}: {steps: number; report: (line: string) => void},
): void {
  if (found.seed !== fresh.seed) {
    throw new ConfigError(`resume: expected the seed of the run, "${found.seed}", got "${fresh.seed}".`);
  }
  if (found.step > steps) {
    throw new ConfigError(
      `resume: expected at most ${steps} steps done, got a checkpoint after ${found.step}.`,
    );
  }
  if (found.engine !== fresh.engine || found.threads !== fresh.threads) {
    report(
      `The run used engine ${found.engine} with ${found.threads} threads, now it is ${fresh.engine} with ${fresh.threads}: the last digits of its numbers will differ.`,
    );
  }
}

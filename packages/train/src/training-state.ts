import {DataError} from "@claps/core";

/** The best validation so far. */
export interface BestValidation {
  /** Name of the figure; higher is better. */
  readonly name: string;
  /** Steps done when it was reached. */
  readonly step: number;
  readonly value: number;
}

/** Everything besides weights and moments that a run needs to go on where it stopped. */
export interface TrainingState {
  readonly format: "claps training 1";
  /** Steps done. */
  readonly step: number;
  /** Steps that changed the weights. */
  readonly updates: number;
  /** Steps refused because something was not finite, and how many of them came last in a row. */
  readonly skipped: number;
  readonly skippedInARow: number;
  readonly seed: string;
  /** Engine and threads: with others, numbers agree in all but the last digits. */
  readonly engine: string;
  readonly threads: number;
  /** Steps done at the last validation; 0 before the first. */
  readonly validatedAt: number;
  readonly best?: BestValidation;
}

const COUNTS = ["step", "updates", "skipped", "skippedInARow", "threads", "validatedAt"] as const;

/**
 * Reads a state from JSON text.
 *
 * @param text - The file's content.
 * @param where - The file, for messages.
 * @throws DataError if it is no state of a run, or of another format.
 */
export function parseTrainingState(text: string, where: string): TrainingState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DataError(`${where}: expected JSON, got something else.`, {cause, code: "checkpoint"});
  }
  const state = value as TrainingState | null;
  if (typeof state !== "object" || state === null || state.format !== "claps training 1") {
    throw new DataError(`${where}: expected format "claps training 1", got another; start a new run.`, {
      code: "checkpoint",
    });
  }
  for (const name of COUNTS) {
    if (!Number.isSafeInteger(state[name])) {
      throw new DataError(`${where}: expected a whole number as "${name}", got ${String(state[name])}.`, {
        code: "checkpoint",
      });
    }
  }
  return state;
}

import {ConfigError, createRandom, DataError} from "@claps/core";
import type {CaseReference, LoadedCase} from "./case.js";

/** A place in the endless order of cases. */
export interface Position {
  /** Passes through all cases before this one, from 0. */
  readonly epoch: number;
  /** Cases drawn in this pass so far. */
  readonly index: number;
}

/** A case that could not be read and was left out. */
export interface SkippedCase {
  readonly id: string;
  /** Why, naming the file. */
  readonly message: string;
}

/** Some cases for one step. */
export interface Batch {
  readonly cases: readonly LoadedCase[];
  /** Where each case stands in the order; seeds what is drawn for it. */
  readonly positions: readonly Position[];
  /** Where the next batch starts; give it as `from` to go on after a stop. */
  readonly next: Position;
  /** All cases left out so far. */
  readonly skipped: readonly SkippedCase[];
}

/** Options of {@link batches}. */
export interface BatchOptions {
  readonly cases: readonly CaseReference[];
  readonly load: (reference: CaseReference) => Promise<LoadedCase>;
  readonly batchSize: number;
  readonly seed: string | number;
  /** Where to start; default the beginning. */
  readonly from?: Position;
  /** Passes after which the iterator ends, its last batch perhaps smaller; left out means it never ends. */
  readonly epochs?: number;
  /** Called once for each case that cannot be read. */
  readonly onSkip?: (skipped: SkippedCase) => void;
  /** Largest share of unreadable cases before it stops; a single one never stops it. Default 0.05. */
  readonly maxSkipShare?: number;
}

/**
 * The order of the cases in one pass.
 *
 * A pure function: whoever resumes in the middle, or reads on another machine, sees the same order.
 *
 * @param count - Number of cases.
 * @returns Indices 0 to count - 1, shuffled.
 * @example
 * ```ts
 * epochOrder(4, 7, 0);
 * ```
 */
export function epochOrder(count: number, seed: string | number, epoch: number): number[] {
  return createRandom(seed)
    .fork(`order of epoch ${epoch}`)
    .shuffle(Array.from({length: count}, (_, index) => index));
}

/**
 * Batches of loaded cases in an order that depends on (seed, epoch, index) alone.
 *
 * An unreadable case is named, left out and counted, and the next one takes its place.
 *
 * @throws ConfigError if there is no case or the batch size is no whole number of at least 1; DataError with
 * code `too-many-unreadable` when more cases than allowed cannot be read.
 * @example
 * ```ts
 * for await (const {cases} of batches({cases: train, load: dataset.load, batchSize: 4, seed: 1, epochs: 2})) {
 *   console.log(cases.map(({id}) => id));
 * }
 * ```
 */
export async function* batches(options: BatchOptions): AsyncGenerator<Batch, void, void> {
  const {cases, load, batchSize, seed, from = {epoch: 0, index: 0}, epochs = Infinity} = options;
  if (cases.length === 0) {
    throw new ConfigError("batches: expected at least one case, got none. Check the split and the dataset.");
  }
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new ConfigError(`batches: expected a batch size of at least 1, got ${batchSize}.`);
  }
  const allowed = Math.max(1, Math.floor((options.maxSkipShare ?? 0.05) * cases.length));
  const skipped = new Map<string, SkippedCase>();
  let {epoch, index} = from;
  let order = epochOrder(cases.length, seed, epoch);
  let loaded: LoadedCase[] = [];
  let positions: Position[] = [];
  for (;;) {
    if (index >= order.length) {
      epoch++;
      index = 0;
      order = epochOrder(cases.length, seed, epoch);
    }
    if (epoch >= epochs) {
      break;
    }
    const reference = cases[order[index] as number] as CaseReference;
    const position = {epoch, index};
    index++;
    if (skipped.has(reference.id)) {
      continue;
    }
    try {
      loaded.push(await load(reference));
      positions.push(position);
    } catch (error) {
      if (!(error instanceof DataError)) {
        throw error;
      }
      const entry = {id: reference.id, message: error.message};
      skipped.set(reference.id, entry);
      options.onSkip?.(entry);
      if (skipped.size > allowed || skipped.size === cases.length) {
        throw tooMany(skipped, cases.length, allowed, error);
      }
    }
    if (loaded.length === batchSize) {
      yield {cases: loaded, positions, next: {epoch, index}, skipped: [...skipped.values()]};
      loaded = [];
      positions = [];
    }
  }
  if (loaded.length > 0) {
    yield {cases: loaded, positions, next: {epoch, index}, skipped: [...skipped.values()]};
  }
}

function tooMany(
  skipped: ReadonlyMap<string, SkippedCase>,
  total: number,
  allowed: number,
  cause: unknown,
): DataError {
  const list = [...skipped.values()].slice(0, 10).map(({id, message}) => `  ${id}: ${message}`);
  return new DataError(
    `Expected at most ${allowed} of ${total} cases to be unreadable, got ${skipped.size}. Repair or remove them:\n${list.join("\n")}`,
    {cause, code: "too-many-unreadable"},
  );
}

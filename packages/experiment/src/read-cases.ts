import {ClapsError, DataError} from "@claps/core";
import type {CaseReference, Dataset, LoadedCase} from "@claps/data";

/** Cases of one dataset, to be read one by one. */
export interface CaseReader {
  readonly dataset: Dataset;
  readonly references: readonly CaseReference[];
}

/** Share of a dataset's cases that may be unreadable before a run stops; a single one never stops it. */
const TOLERATED = 0.05;

/**
 * Reads cases one after another; one that cannot be read is reported and passed over.
 *
 * @param reader - Which cases.
 * @param onSkip - Told the id and the reason of each case passed over.
 * @throws DataError when more cases than 5 % of the dataset (and more than one) cannot be read.
 */
export async function* readCases(
  {dataset, references}: CaseReader,
  onSkip: (id: string, reason: string) => void,
): AsyncGenerator<LoadedCase> {
  let skipped = 0;
  for (const reference of references) {
    let item: LoadedCase;
    try {
      item = await dataset.load(reference);
    } catch (error) {
      if (!(error instanceof ClapsError)) throw error;
      onSkip(reference.id, error.message);
      skipped++;
      if (skipped > Math.max(1, TOLERATED * dataset.cases.length)) {
        throw new DataError(
          `${dataset.definition.title}: expected at most 5 % unreadable cases, got ${skipped} of ${references.length}; the last one is ${reference.id}: ${error.message}`,
          {cause: error},
        );
      }
      continue;
    }
    yield item;
  }
}

import {ConfigError, DataError} from "@claps/core";
import {composeEvaluation} from "./evaluation-document.js";
import type {EvaluationDocument} from "./evaluation-document.js";
import type {Shard} from "./shard.js";

/**
 * Puts the shards of one evaluation together; the result equals an evaluation that was never divided.
 *
 * @param documents - One per shard, in any order.
 * @throws ConfigError if they belong to different evaluations; DataError if a shard is missing or there twice,
 *   or if their cases do not add up.
 * @example
 * ```ts
 * const whole = mergeEvaluations([await readEvaluation("1.json"), await readEvaluation("2.json")]);
 * ```
 */
export function mergeEvaluations(documents: readonly EvaluationDocument[]): EvaluationDocument {
  const [first] = documents;
  if (first === undefined) {
    throw new ConfigError("merge: expected at least one document, got none.");
  }
  const shards = documents.map(({shard}) => shard);
  if (shards.includes(null)) {
    throw new ConfigError(
      "merge: expected shards (claps evaluate --shard i/n), got a document of all cases.",
    );
  }
  for (const other of documents) checkSameEvaluation(first, other);
  checkShards(shards as Shard[]);
  const cases = documents.flatMap((document) => document.cases);
  if (cases.length !== first.allCases) {
    throw new DataError(
      `merge: expected ${first.allCases} cases in all shards together, got ${cases.length}. Make the shards again from one state of the dataset.`,
      {code: "shards"},
    );
  }
  return composeEvaluation({
    dataset: first.dataset,
    predictions: first.predictions,
    settings: first.settings,
    shard: null,
    cases,
    allCases: first.allCases,
    unreadable: documents.flatMap(({unreadable}) => unreadable),
    targets: first.targets,
    records: documents.flatMap(({records}) => records),
  });
}

/**
 * Throws unless two documents were made from one dataset in one way.
 *
 * @param a - One document.
 * @param b - The other.
 * @throws ConfigError naming what differs.
 */
export function checkSameEvaluation(a: EvaluationDocument, b: EvaluationDocument): void {
  const viewOf = ({dataset, settings, targets, allCases}: EvaluationDocument): Record<string, unknown> => ({
    dataset: dataset.id,
    ...settings,
    targets: targets.map(({id}) => id),
    allCases,
  });
  const [ours, theirs] = [viewOf(a), viewOf(b)];
  for (const [key, value] of Object.entries(ours)) {
    const [one, other] = [JSON.stringify(value), JSON.stringify(theirs[key])];
    if (one !== other) {
      throw new ConfigError(
        `Expected evaluations of one dataset made in one way, got ${key} ${one} and ${other}.`,
        {code: "different-evaluations"},
      );
    }
  }
}

function checkShards(shards: readonly Shard[]): void {
  const count = shards[0]?.count ?? 0;
  const strange = shards.find((shard) => shard.count !== count);
  if (strange !== undefined) {
    throw new ConfigError(`merge: expected shards of one division, got i/${count} and i/${strange.count}.`, {
      code: "shards",
    });
  }
  const indices = shards.map(({index}) => index);
  const twice = indices.find((index, place) => indices.indexOf(index) !== place);
  if (twice !== undefined) {
    throw new DataError(`merge: expected each shard once, got ${twice}/${count} twice.`, {code: "duplicate"});
  }
  const missing = Array.from({length: count}, (_, place) => place + 1).filter(
    (index) => !indices.includes(index),
  );
  if (missing.length > 0) {
    throw new DataError(
      `merge: expected all ${count} shards, got none of ${missing.map((index) => `${index}/${count}`).join(", ")}.`,
      {code: "shards"},
    );
  }
}

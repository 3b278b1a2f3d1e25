import {createHash} from "node:crypto";
import {ConfigError} from "@claps/core";

/** One of several parts into which cases are divided. */
export interface Shard {
  /** Which part, 1 .. count. */
  readonly index: number;
  /** How many parts there are. */
  readonly count: number;
}

/**
 * Reads a shard as written on a command line.
 *
 * @param text - For example `2/4`: the second of four.
 * @throws ConfigError if it is not two whole numbers with 1 \<= first \<= second.
 */
export function parseShard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text.trim());
  const [index, count] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || index < 1 || index > count) {
    throw new ConfigError(`--shard: expected i/n with i from 1 to n, for example 2/4, got "${text}".`, {
      code: "shard",
    });
  }
  return {index, count};
}

/**
 * Whether a case belongs to a shard; the same on every machine, and whatever other cases there are.
 *
 * @param caseId - The case.
 * @param shard - One part; every case belongs to exactly one of them.
 */
export function isInShard(caseId: string, {index, count}: Shard): boolean {
  const hash = createHash("sha256").update(caseId).digest().readUInt32BE(0);
  return (hash % count) + 1 === index;
}

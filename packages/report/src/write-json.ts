import {ConfigError} from "@claps/core";
import writeFileAtomic from "write-file-atomic";

/** JSON has no NaN and no infinity; both would silently become null. */
function refuseNonFinite(key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new ConfigError(`"${key}": expected a finite number or null, got ${value}; JSON cannot hold it.`);
  }
  return value;
}

/**
 * Writes one JSON document; the old file stays until the new one is whole.
 *
 * @param path - File.
 * @param value - Plain data; keys keep their order.
 * @throws ConfigError for a number that is not finite.
 */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, refuseNonFinite, 2)}\n`);
}

/**
 * Writes one JSON document per line; the old file stays until the new one is whole.
 *
 * @param path - File.
 * @param records - One per line.
 * @throws ConfigError for a number that is not finite.
 */
export async function writeJsonLines(path: string, records: readonly unknown[]): Promise<void> {
  await writeFileAtomic(
    path,
    records.map((record) => `${JSON.stringify(record, refuseNonFinite)}\n`).join(""),
  );
}

import type {ParityCase, RefusedCase} from "./report.js";

/** What one file of a pack came to. */
export interface FileResult {
  readonly entries: ParityCase["entries"];
  readonly refused: readonly RefusedCase[];
}

/** Reads another file of the pack. */
export type ReadDocument = <T>(name: string) => Promise<T>;

/**
 * Names of values in a case that no check looks at.
 *
 * @param file - Name of the file, for the report.
 * @param cases - Its cases.
 * @param known - Values that are checked, or only describe.
 */
export function refuseUnknown(
  file: string,
  cases: readonly object[],
  known: readonly string[],
): RefusedCase[] {
  const unknown = new Set(cases.flatMap((item) => Object.keys(item)).filter((key) => !known.includes(key)));
  return [...unknown].map((key) => ({
    name: `${file} ${key}`,
    reason: "a value of a kind that is not known, so it was not checked",
  }));
}

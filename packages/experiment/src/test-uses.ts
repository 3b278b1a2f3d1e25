import {appendFile, readFile} from "node:fs/promises";
import {join} from "node:path";
import {DataError} from "@claps/core";

/** One look at a real test split. */
export interface TestUse {
  readonly experiment: string;
  readonly dataset: string;
  readonly commit: string | null;
  readonly seed: string;
  /** Mean over targets of the model's Dice, of a run that draws masks. */
  readonly dice?: number | null;
  /** Mean balanced accuracy over findings, of a run that trains on words. */
  readonly balancedAccuracy?: number | null;
}

const FILE = "test-uses.jsonl";

/**
 * Notes that a real test split was read, and counts how often that has happened.
 *
 * @param folder - Folder that keeps the notes; one for all runs of a checkout.
 * @param uses - What was read now.
 * @returns Uses of each dataset's test split so far, these included.
 * @throws DataError naming a line that is damaged.
 */
export async function noteTestUses(
  folder: string,
  uses: readonly TestUse[],
): Promise<Readonly<Record<string, number>>> {
  const path = join(folder, FILE);
  await appendFile(path, uses.map((use) => `${JSON.stringify(use)}\n`).join(""));
  const lines = (await readFile(path, "utf8")).trim().split("\n");
  const counts: Record<string, number> = {};
  for (const [index, line] of lines.entries()) {
    const dataset = datasetOf(line);
    if (dataset === undefined) {
      throw new DataError(
        `${path}, line ${index + 1}: expected the note of one use of a test split, got something else. Mend the line; do not remove it.`,
        {code: "test-uses"},
      );
    }
    counts[dataset] = (counts[dataset] ?? 0) + 1;
  }
  return counts;
}

function datasetOf(line: string): string | undefined {
  try {
    return (JSON.parse(line) as Partial<TestUse>).dataset;
  } catch {
    return undefined;
  }
}

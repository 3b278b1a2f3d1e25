import {appendFile, readFile} from "node:fs/promises";
import {join} from "node:path";

/** One look at a real test split. */
export interface TestUse {
  readonly experiment: string;
  readonly dataset: string;
  readonly commit: string | null;
  readonly seed: string;
  /** Mean over targets of the model's Dice. */
  readonly dice: number | null;
}

const FILE = "test-uses.jsonl";

/**
 * Notes that a real test split was read, and counts how often that has happened.
 *
 * @param folder Folder that keeps the notes; one for all runs of a checkout.
 * @param uses What was read now.
 * @returns Uses of each dataset's test split so far, these included.
 */
export async function noteTestUses(
  folder: string,
  uses: readonly TestUse[],
): Promise<Readonly<Record<string, number>>> {
  const path = join(folder, FILE);
  await appendFile(path, uses.map((use) => `${JSON.stringify(use)}\n`).join(""));
  const lines = (await readFile(path, "utf8")).trim().split("\n");
  const counts: Record<string, number> = {};
  for (const line of lines) {
    const {dataset} = JSON.parse(line) as TestUse;
    counts[dataset] = (counts[dataset] ?? 0) + 1;
  }
  return counts;
}

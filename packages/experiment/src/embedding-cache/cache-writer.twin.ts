import {createHash} from "node:crypto";
import {createRandom} from "@claps/core";
import {EmbeddingCache} from "./embedding-cache.js";
import type {Embedding} from "./embedding-entry.js";

/** Number of keys that all writers share. */
export const SHARED_KEYS = 12;

/** A key that stands for a number. */
export function keyOf(number: number): string {
  return createHash("sha256").update(String(number)).digest("hex");
}

/** What every writer keeps under a key. */
export function valueOf(number: number): Embedding {
  return {data: new Float32Array(20_000).fill(number + 0.5), shape: [20_000]};
}

/** Writes and reads all keys several times in an order of its own; says what it counted and what was wrong. */
async function writeAll(folder: string, seed: string): Promise<void> {
  const cache = new EmbeddingCache({folder});
  const random = createRandom(seed);
  const numbers = Array.from({length: SHARED_KEYS}, (_, number) => number);
  let wrong = 0;
  for (let round = 0; round < 6; round++) {
    for (const number of random.shuffle(numbers)) {
      await cache.put(keyOf(number), valueOf(number));
      const other = random.integer(SHARED_KEYS);
      const found = await cache.get(keyOf(other));
      if (found?.data.some((value) => value !== other + 0.5) === true) wrong++;
    }
  }
  process.stdout.write(JSON.stringify({...cache.counts, wrong}));
}

const [, script = "", folder, seed] = process.argv;
if (script.endsWith("cache-writer.twin.ts") && folder !== undefined && seed !== undefined) {
  await writeAll(folder, seed);
}

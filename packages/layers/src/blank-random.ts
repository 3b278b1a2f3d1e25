import type {Random} from "@claps/core";

/**
 * A source that only gives zeros (and the first of every choice), for models whose weights are overwritten at
 * once: drawing a hundred million numbers to throw them away takes seconds.
 *
 * @example
 * ```ts
 * const sam = createSam(samBase, {random: blankRandom});
 * ```
 */
export const blankRandom: Random = Object.freeze({
  seed: "blank",
  fork: () => blankRandom,
  uniform: () => 0,
  normal: () => 0,
  integer: () => 0,
  chance: () => false,
  choice: <T>(items: readonly T[]): T => items[0] as T,
  shuffle: <T>(items: readonly T[]): T[] => [...items],
  uniformArray: (length: number) => new Float32Array(length),
  normalArray: (length: number) => new Float32Array(length),
});

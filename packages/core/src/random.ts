import seedrandom from "seedrandom";
import {ConfigError} from "./errors.js";

/**
 * A seeded source of random numbers; the only one in the library.
 *
 * The same seed gives the same numbers on every machine. `fork` derives an independent source from a label
 * without consuming anything, so that adding a consumer never shifts the numbers of another one.
 */
export interface Random {
  /** The full seed, with the labels of all forks. */
  readonly seed: string;
  /** An independent source; the same label always gives the same source. */
  fork(label: string | number): Random;
  /** A number in `[min, max)`; default 0 to 1. */
  uniform(min?: number, max?: number): number;
  /** A normally distributed number; default mean 0, standard deviation 1. */
  normal(mean?: number, deviation?: number): number;
  /** A whole number in `0 .. end - 1`. */
  integer(end: number): number;
  /** `true` with the given probability. */
  chance(probability: number): boolean;
  /** One of the items. */
  choice<T>(items: readonly T[]): T;
  /** A shuffled copy. */
  shuffle<T>(items: readonly T[]): T[];
  /** Uniform numbers in `[min, max)`. */
  uniformArray(length: number, min?: number, max?: number): Float32Array;
  /** Normally distributed numbers. */
  normalArray(length: number, mean?: number, deviation?: number): Float32Array;
}

class SeededRandom implements Random {
  private readonly next: () => number;

  constructor(readonly seed: string) {
    this.next = seedrandom.alea(seed);
  }

  fork(label: string | number): Random {
    return new SeededRandom(`${this.seed}/${label}`);
  }

  uniform(min = 0, max = 1): number {
    return min + (max - min) * this.next();
  }

  normal(mean = 0, deviation = 1): number {
    // Box-Muller without its second number: a cached half would make the order of calls matter.
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.next());
  }

  integer(end: number): number {
    if (!Number.isInteger(end) || end < 1) {
      throw new ConfigError(`integer(end): expected a whole number of at least 1, got ${String(end)}.`);
    }
    return Math.floor(this.next() * end);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  choice<T>(items: readonly T[]): T {
    if (items.length === 0) {
      throw new ConfigError("choice(items): expected at least one item, got none.");
    }
    return items[this.integer(items.length)] as T;
  }

  shuffle<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let last = result.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      [result[last], result[other]] = [result[other] as T, result[last] as T];
    }
    return result;
  }

  uniformArray(length: number, min = 0, max = 1): Float32Array {
    return Float32Array.from({length}, () => this.uniform(min, max));
  }

  normalArray(length: number, mean = 0, deviation = 1): Float32Array {
    return Float32Array.from({length}, () => this.normal(mean, deviation));
  }
}

/**
 * A seeded source of random numbers.
 *
 * @param seed - Any text or number; the same seed gives the same numbers.
 * @example
 * ```ts
 * const random = createRandom(7);
 * random.fork("weights").normal();
 * ```
 *
 * Source: Baagøe's Alea generator as in the package seedrandom.
 */
export function createRandom(seed: string | number): Random {
  return new SeededRandom(String(seed));
}

import {currentEngine} from "@claps/core";
import type {CompiledFunction, TensorFunction} from "@claps/core";
import type * as tf from "@tensorflow/tfjs-core";

type Named = Record<string, tf.Tensor>;

interface Entry {
  readonly weights: string;
  readonly compiled: CompiledFunction<Named>;
}

/**
 * Functions of a model's weights, compiled when they are first needed.
 *
 * They are compiled anew when weights come or go, as with a low-rank change; new values need nothing.
 */
export class CompiledTowers {
  readonly #entries = new Map<string, Entry>();
  readonly #weights: () => Iterable<tf.Variable>;

  /**
   * @param weights - Gives the weights of the model as they are now.
   */
  constructor(weights: () => Iterable<tf.Variable>) {
    this.#weights = weights;
  }

  /**
   * The compiled form of a function.
   *
   * @param name - Stands for the function; equal names must mean equal functions.
   * @param fn - What to compile if the name is new.
   * @returns The compiled function.
   * @throws ConfigError if no engine runs.
   */
  get(name: string, fn: TensorFunction<Named>): CompiledFunction<Named> {
    const weights = [...this.#weights()].map(({id}) => id).join();
    const entry = this.#entries.get(name);
    if (entry?.weights === weights) return entry.compiled;
    entry?.compiled.dispose();
    const compiled = currentEngine().compile(fn, {packWeights: true});
    this.#entries.set(name, {weights, compiled});
    return compiled;
  }

  /** Frees all compiled functions. */
  dispose(): void {
    for (const {compiled} of this.#entries.values()) compiled.dispose();
    this.#entries.clear();
  }
}

/**
 * How a list is cut into batches of few different sizes: full ones, then one whose size is a power of two.
 *
 * @param count - Length of the list.
 * @param batch - Size of a full batch.
 * @returns First place, number of items and size (with padding) of each batch.
 */
export function batchesOf(count: number, batch: number): {start: number; items: number; size: number}[] {
  const batches = [];
  for (let start = 0; start < count; start += batch) {
    const items = Math.min(batch, count - start);
    const size = Math.min(batch, 2 ** Math.ceil(Math.log2(items)));
    batches.push({start, items, size});
  }
  return batches;
}

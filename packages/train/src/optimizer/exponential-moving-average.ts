import {ConfigError, checkRange} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/**
 * A slowly following copy of weights, often better on unseen data than the last step's.
 *
 * Call `track` first, outside `engine.compile`; `update` may run inside.
 *
 * @example
 * ```ts
 * const average = new ExponentialMovingAverage(0.999);
 * average.track(weights);
 * average.update(weights);
 * ```
 *
 * Source: Polyak and Juditsky 1992 in its exponential form.
 */
export class ExponentialMovingAverage {
  /** What stays of the old average in each update. */
  readonly decay: number;
  readonly #copies = new Map<string, tf.Variable>();

  /**
   * @param decay - What stays of the old average in each update, 0..1.
   * @throws ConfigError if the decay is out of range.
   */
  constructor(decay: number) {
    checkRange(decay, {min: 0, max: 1}, "decay of the moving average");
    this.decay = decay;
  }

  /**
   * Starts following weights, from the values that they have now; those followed already go on.
   *
   * @param variables - Weights by dotted path.
   */
  track(variables: ReadonlyMap<string, tf.Variable>): void {
    for (const [name, variable] of variables) {
      if (this.#copies.has(name)) continue;
      this.#copies.set(
        name,
        // A copy of the numbers, not of the handle: the weight's own buffer is overwritten in place.
        tf.tidy(() => tf.variable(tf.add(variable, 0), false)),
      );
    }
  }

  /**
   * average = decay * average + (1 - decay) * weight.
   *
   * @param variables - Weights by dotted path, tracked before.
   * @throws ConfigError if a weight is not tracked.
   */
  update(variables: ReadonlyMap<string, tf.Tensor>): void {
    tf.tidy(() => {
      for (const [name, variable] of variables) {
        const copy = this.#copies.get(name);
        if (copy === undefined) {
          throw new ConfigError(
            `Moving average: expected a tracked weight, got "${name}"; call track first.`,
          );
        }
        copy.assign(tf.add(tf.mul(copy, this.decay), tf.mul(variable, 1 - this.decay)));
      }
    });
  }

  /** The averages by dotted path; the object owns them. */
  state(): Map<string, tf.Variable> {
    return new Map(this.#copies);
  }

  /** The same as {@link state}, under the name by which checkpoints read weights. */
  namedWeights(): Map<string, tf.Variable> {
    return this.state();
  }

  /** Frees the averages. */
  dispose(): void {
    for (const copy of this.#copies.values()) copy.dispose();
    this.#copies.clear();
  }
}

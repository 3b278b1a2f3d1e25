import {ConfigError, checkRange} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/** What may change an update of the average. */
export interface AverageUpdateOptions {
  /** What stays of the old average instead of the decay, a scalar, see {@link ExponentialMovingAverage.warmUp}. */
  decay?: tf.Tensor;
  /** A bool scalar; false keeps the averages as they are. */
  accept?: tf.Tensor;
}

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
   * The decay of early updates: low at first, so that the start is soon forgotten.
   *
   * @param updates - Number of this update, from 1; a scalar.
   * @returns min(decay, (1 + updates) / (10 + updates)), a scalar; the caller disposes it.
   *
   * Source: the rule of TensorFlow's ExponentialMovingAverage with `num_updates`.
   */
  warmUp(updates: tf.Tensor): tf.Tensor {
    return tf.tidy(() => tf.minimum(this.decay, tf.div(tf.add(updates, 1), tf.add(updates, 10))));
  }

  /**
   * average = decay * average + (1 - decay) * weight.
   *
   * @param variables - Weights by dotted path, tracked before; finite where the update is refused.
   * @param options - Another decay for this update, and whether it happens at all.
   * @throws ConfigError if a weight is not tracked.
   */
  update(variables: ReadonlyMap<string, tf.Tensor>, options: AverageUpdateOptions = {}): void {
    const {decay = this.decay, accept} = options;
    tf.tidy(() => {
      const keep = accept === undefined ? decay : tf.where(accept, decay, 1);
      const take = typeof keep === "number" ? 1 - keep : tf.sub(1, keep);
      for (const [name, variable] of variables) {
        const copy = this.#find(name);
        copy.assign(tf.add(tf.mul(copy, keep), tf.mul(variable, take)));
      }
    });
  }

  /**
   * Runs something while the weights hold their averages; afterwards they hold what they held before.
   *
   * Nothing is copied: weights and averages share their memory meanwhile, so what runs must not change them.
   *
   * @param variables - Weights by dotted path, tracked before.
   * @param run - What to run.
   * @returns What it gives.
   */
  async during<T>(variables: ReadonlyMap<string, tf.Variable>, run: () => Promise<T>): Promise<T> {
    const before = [...variables.values()].map((variable) => tf.clone(variable));
    try {
      for (const [name, variable] of variables) variable.assign(this.#find(name));
      return await run();
    } finally {
      [...variables.values()].forEach((variable, index) => variable.assign(before[index] as tf.Tensor));
      tf.dispose(before);
    }
  }

  #find(name: string): tf.Variable {
    const copy = this.#copies.get(name);
    if (copy === undefined) {
      throw new ConfigError(`Moving average: expected a tracked weight, got "${name}"; call track first.`);
    }
    return copy;
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

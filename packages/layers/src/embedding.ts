import type * as tf from "@tensorflow/tfjs-core";
import {Block} from "./block.js";
import {normal} from "./initializers.js";
import type {Initializer} from "./initializers.js";
import {gather} from "./ops/gather.js";
import type {RandomOptions} from "./random-options.js";

/** Options of {@link Embedding}. */
export interface EmbeddingOptions extends RandomOptions {
  /** First values; default normal with deviation 1, as PyTorch's embeddings. */
  initializer?: Initializer;
}

/**
 * A table of vectors looked up by number.
 *
 * Shapes: ids [...] int32 → [..., C]; weight `weight` [V, C].
 */
export class Embedding extends Block {
  /** The table [V, C]. */
  readonly weight: tf.Variable;

  /**
   * @param count - Number of rows.
   * @param width - Numbers in a row.
   * @param options - Source of the first values.
   */
  constructor(count: number, width: number, options: EmbeddingOptions) {
    super();
    const initializer = options.initializer ?? normal(options.random.fork("weight"), 1);
    this.weight = this.addVariable("weight", [count, width], initializer);
  }

  /**
   * @param ids - Row numbers, int32.
   * @returns The rows; the caller disposes them.
   */
  override forward(ids: tf.Tensor): tf.Tensor {
    return gather(this.weight, ids);
  }
}

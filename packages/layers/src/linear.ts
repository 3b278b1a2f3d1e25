import type * as tf from "@tensorflow/tfjs-core";
import {Block} from "./block.js";
import {fanInUniform, zeros} from "./initializers.js";
import type {Initializer} from "./initializers.js";
import {linear} from "./ops/linear.js";
import type {RandomOptions} from "./random-options.js";

/** Options of {@link Linear}. */
export interface LinearOptions extends RandomOptions {
  /** Whether there is a bias; default true. */
  bias?: boolean;
  /** Whether weight and bias start at zero, so that an untrained layer adds nothing; default false. */
  zero?: boolean;
  /** First values of the weight; default uniform within ±1 / sqrt(inputs). */
  initializer?: Initializer;
  /** First values of the bias; default zeros. */
  biasInitializer?: Initializer;
}

/**
 * An affine map of the last axis.
 *
 * Shapes: [..., in] → [..., out]; weights `weight` [in, out] and `bias` [out].
 *
 * @example
 * ```ts
 * const layer = new Linear(3, 4, {random: createRandom(1)});
 * layer.forward(tf.ones([2, 3])).shape; // [2, 4]
 * ```
 */
export class Linear extends Block {
  /** Matrix [in, out]. */
  readonly weight: tf.Variable;
  /** Offset [out], if there is one. */
  readonly bias: tf.Variable | undefined;

  /**
   * @param inputs - Width that comes in.
   * @param outputs - Width that goes out.
   * @param options - Source of the first values, bias, initializers.
   */
  constructor(inputs: number, outputs: number, options: LinearOptions) {
    super();
    const usual = options.initializer ?? fanInUniform(options.random.fork("weight"));
    const initializer = options.zero === true ? zeros() : usual;
    this.weight = this.addVariable("weight", [inputs, outputs], initializer);
    if (options.bias ?? true) {
      this.bias = this.addVariable(
        "bias",
        [outputs],
        options.zero === true ? zeros() : (options.biasInitializer ?? zeros()),
      );
    }
  }

  /**
   * @param x - Tensor [..., in].
   * @returns Tensor [..., out]; the caller disposes it.
   */
  override forward(x: tf.Tensor): tf.Tensor {
    return linear(x, this.weight, this.bias);
  }
}

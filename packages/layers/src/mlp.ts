import type * as tf from "@tensorflow/tfjs-core";
import {activation} from "./activation.js";
import type {Activation} from "./activation.js";
import {Block} from "./block.js";
import {Linear} from "./linear.js";
import type {Initializer} from "./initializers.js";
import type {RandomOptions} from "./random-options.js";

/** Shape of a two-layer perceptron, for {@link Mlp}. */
export interface MlpConfig {
  /** Width that comes in and goes out. */
  width: number;
  /** Width between the two layers. */
  hidden: number;
  /** Function between them. */
  activation: Activation;
  /** Names of the two layers in the published checkpoint; default `lin1`, `lin2`. */
  names?: readonly [first: string, second: string];
}

/** Options of {@link Mlp}. */
export interface MlpOptions extends RandomOptions {
  /** Makes the first values of a layer's weight; default that of Linear. */
  initializer?: (random: RandomOptions["random"]) => Initializer;
}

/**
 * The two-layer perceptron of a transformer block.
 *
 * Shapes: [..., D] → [..., D].
 */
export class Mlp extends Block {
  /** Layer into the hidden width. */
  readonly first: Linear;
  /** Layer out of it. */
  readonly second: Linear;
  readonly #activate: (x: tf.Tensor) => tf.Tensor;

  /**
   * @param config - Widths, activation, names.
   * @param options - Source of the first values.
   */
  constructor(config: MlpConfig, options: MlpOptions) {
    super();
    const {width, hidden, names = ["lin1", "lin2"]} = config;
    const [firstName, secondName] = names;
    const make = (name: string, inputs: number, outputs: number): Linear => {
      const random = options.random.fork(name);
      return new Linear(inputs, outputs, {random, initializer: options.initializer?.(random.fork("weight"))});
    };
    this.first = this.addBlock(firstName, make(firstName, width, hidden));
    this.second = this.addBlock(secondName, make(secondName, hidden, width));
    this.#activate = activation(config.activation);
  }

  /**
   * @param x - Tensor [..., D].
   * @returns Tensor [..., D]; the caller disposes it.
   */
  override forward(x: tf.Tensor): tf.Tensor {
    return this.second.forward(this.#activate(this.first.forward(x)));
  }
}

import {Block, Linear} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";

/** Sizes of a {@link FeedForward}. */
export interface FeedForwardConfig {
  /** Width that comes in. */
  inputs: number;
  /** Width in between. */
  hidden: number;
  /** Width that goes out. */
  outputs: number;
  /** Number of layers, at least 2. */
  depth: number;
}

/** Options of {@link FeedForward}. */
export interface FeedForwardOptions extends RandomOptions {
  /** Whether the last layer starts at zero, so that an untrained perceptron gives nothing; default false. */
  zeroLast?: boolean;
}

/**
 * A perceptron with ReLU after every layer but the last.
 *
 * Shapes: [..., inputs] → [..., outputs].
 *
 * Source: the MLP heads of Segment Anything's mask decoder; names as in Hugging Face's SamFeedForward.
 */
export class FeedForward extends Block {
  /** The layers in order. */
  readonly layers: readonly Linear[];

  /**
   * @param config - Widths and depth.
   * @param options - Source of the first values; whether the last layer starts at zero.
   */
  constructor(config: FeedForwardConfig, options: FeedForwardOptions) {
    super();
    const {inputs, hidden, outputs, depth} = config;
    const {random, zeroLast = false} = options;
    const make = (name: string, from: number, to: number, zero = false): Linear =>
      new Linear(from, to, {random: random.fork(name), zero});
    const first = this.addBlock("proj_in", make("proj_in", inputs, hidden));
    const middle = this.addBlocks(
      "layers",
      Array.from({length: depth - 2}, (_, index) => make(`layers.${index}`, hidden, hidden)),
    );
    const last = this.addBlock("proj_out", make("proj_out", hidden, outputs, zeroLast));
    this.layers = [first, ...middle, last];
  }

  /**
   * @param x - Tensor [..., inputs].
   * @returns Tensor [..., outputs]; the caller disposes it.
   */
  override forward(x: tf.Tensor): tf.Tensor {
    return this.layers.reduce((value, layer, index) => {
      const result = layer.forward(value);
      return index === this.layers.length - 1 ? result : tf.relu(result);
    }, x);
  }
}

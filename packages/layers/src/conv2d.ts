import type * as tf from "@tensorflow/tfjs-core";
import {Block} from "./block.js";
import {fanInUniform} from "./initializers.js";
import type {Initializer} from "./initializers.js";
import {conv2d} from "./ops/conv2d.js";
import type {RandomOptions} from "./random-options.js";

/** Shape of a convolution, for {@link Conv2d}. */
export interface Conv2dConfig {
  /** Channels that come in. */
  inputs: number;
  /** Channels that go out. */
  outputs: number;
  /** Edge of the kernel, px. */
  kernel: number;
  /** Step, px; default 1. */
  stride?: number;
  /** Zeros on every side, px; default 0. */
  padding?: number;
  /** Whether there is a bias; default true. */
  bias?: boolean;
}

/** Options of {@link Conv2d}. */
export interface Conv2dLayerOptions extends RandomOptions {
  /** First values of the weight; default uniform within ±1 / sqrt(inputs · kernel²). */
  initializer?: Initializer;
}

/**
 * A square convolution of channels-last grids.
 *
 * Shapes: [N, H, W, in] → [N, H', W', out]; weights `weight` [k, k, in, out] and `bias` [out].
 */
export class Conv2d extends Block {
  /** Kernel [k, k, in, out]. */
  readonly weight: tf.Variable;
  /** Offset [out], if there is one. */
  readonly bias: tf.Variable | undefined;
  /** Shape of the convolution. */
  readonly config: Conv2dConfig;

  /**
   * @param config - Shape of the convolution.
   * @param options - Source of the first values.
   */
  constructor(config: Conv2dConfig, options: Conv2dLayerOptions) {
    super();
    this.config = config;
    const {kernel, inputs, outputs} = config;
    const initializer = options.initializer ?? fanInUniform(options.random.fork("weight"));
    this.weight = this.addVariable("weight", [kernel, kernel, inputs, outputs], initializer);
    if (config.bias ?? true) {
      const biasInitializer = fanInUniform(options.random.fork("bias"), inputs * kernel * kernel);
      this.bias = this.addVariable("bias", [outputs], biasInitializer);
    }
  }

  /**
   * @param x - Grids [N, H, W, in].
   * @returns Grids [N, H', W', out]; the caller disposes them.
   */
  override forward(x: tf.Tensor): tf.Tensor4D {
    const {stride, padding} = this.config;
    return conv2d(x, this.weight, {bias: this.bias, stride, padding});
  }
}

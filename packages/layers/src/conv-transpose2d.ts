import type * as tf from "@tensorflow/tfjs-core";
import {Block} from "./block.js";
import {fanInUniform} from "./initializers.js";
import {convTranspose2x2} from "./ops/conv-transpose2x2.js";
import type {RandomOptions} from "./random-options.js";

/**
 * A transposed convolution with kernel 2 and stride 2: doubles height and width.
 *
 * Shapes: [N, H, W, in] → [N, 2H, 2W, out]; weights `weight` [2, 2, out, in] and `bias` [out].
 */
export class ConvTranspose2d extends Block {
  /** Kernel [2, 2, out, in]. */
  readonly weight: tf.Variable;
  /** Offset [out]. */
  readonly bias: tf.Variable;

  /**
   * @param inputs - Channels that come in.
   * @param outputs - Channels that go out.
   * @param options - Source of the first values.
   */
  constructor(inputs: number, outputs: number, options: RandomOptions) {
    super();
    // PyTorch counts the fan of a transposed convolution over its outputs.
    const fan = outputs * 4;
    const {random} = options;
    this.weight = this.addVariable(
      "weight",
      [2, 2, outputs, inputs],
      fanInUniform(random.fork("weight"), fan),
    );
    this.bias = this.addVariable("bias", [outputs], fanInUniform(random.fork("bias"), fan));
  }

  /**
   * @param x - Grids [N, H, W, in].
   * @returns Grids [N, 2H, 2W, out]; the caller disposes them.
   */
  override forward(x: tf.Tensor): tf.Tensor4D {
    return convTranspose2x2(x, this.weight, this.bias);
  }
}

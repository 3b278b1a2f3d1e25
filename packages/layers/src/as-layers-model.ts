import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import {Block} from "./block.js";

/** A Block under the eyes of TensorFlow.js: same weights, same paths, a known output shape. */
class BlockAdapter extends Block {
  readonly #block: Block;

  constructor(block: Block) {
    super();
    this.#block = block;
  }

  override namedWeights(): Map<string, tf.Variable> {
    return this.#block.namedWeights();
  }

  override forward(x: tf.Tensor): tf.Tensor {
    return this.#block.forward(...([x] as never[])) as tf.Tensor;
  }

  override computeOutputShape(inputShape: tfl.Shape | tfl.Shape[]): tfl.Shape {
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as tfl.Shape;
    const one = shape.map((size, axis) => (axis === 0 ? 1 : (size as number)));
    const output = tf.tidy(() => this.forward(tf.zeros(one)).shape);
    return [null, ...output.slice(1)];
  }

  override get trainable(): boolean {
    return this.#block.trainable;
  }

  override set trainable(trainable: boolean) {
    this.#block.trainable = trainable;
  }

  override dispose(): ReturnType<Block["dispose"]> {
    return this.#block.dispose();
  }
}

/**
 * A Block of one tensor argument as a functional TensorFlow.js model of fixed size.
 *
 * For users who want `predict`, `fit` or `save` of TensorFlow.js; the library itself calls `forward`.
 *
 * Shapes: input [N, ...inputShape]; output [N, ...], N free.
 *
 * @param block - A Block whose `forward` takes and returns one float tensor.
 * @param inputShape - Sizes without the batch axis.
 * @returns A model that shares the Block's weights; disposing it disposes them.
 * @example
 * ```ts
 * const model = asLayersModel(new Linear(3, 4, {random: createRandom(1)}), [3]);
 * model.predict(tf.ones([2, 3])); // [2, 4]
 * ```
 */
export function asLayersModel(block: Block, inputShape: readonly number[]): tfl.LayersModel {
  const input = tfl.input({shape: [...inputShape]});
  const output = new BlockAdapter(block).apply(input) as tfl.SymbolicTensor;
  return tfl.model({inputs: input, outputs: output});
}

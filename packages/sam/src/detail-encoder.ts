import {Block, Conv2d, Linear, normal, resizeBilinear} from "@claps/layers";
import type {Conv2dConfig, RandomOptions} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import type {SamConfig, SamDetailConfig} from "./config.js";

/**
 * Features of the picture at the resolution of the masks, for what is thinner than a patch.
 *
 * The image embedding says what is where, the pixels say where exactly it ends; a few convolutions of 3 px join
 * them. It is done once per picture: a head of the mask decoder turns each prompt into the weights of a linear
 * classifier over these features, whose answer is added to the mask.
 *
 * Shapes: pixels [N, S, S, 3], embedding [N, h, w, D] → [N, S/s, S/s, C]; s and C are `stride` and `width` of
 * the configuration's `detail`.
 *
 * Source: our reading; HQ-SAM (Ke et al. 2023) and SAM 2 (Ravi et al. 2024) bring early features of their
 * encoders to the masks in a like manner.
 */
export class DetailEncoder extends Block {
  /** Pixels to features: each sees the px of its logit and one more on every side. */
  readonly pixels: Conv2d;
  /** What each cell of the image embedding adds to the features over it. */
  readonly context: Linear;
  /** Further convolutions of 3 px. */
  readonly convolutions: readonly Conv2d[];

  /**
   * @param config - The whole model's configuration.
   * @param detail - Its `detail`.
   * @param options - Source of the first values.
   */
  constructor({promptWidth}: SamConfig, {width, depth, stride}: SamDetailConfig, {random}: RandomOptions) {
    super();
    const convolution = (name: string, shape: Pick<Conv2dConfig, "inputs" | "kernel" | "stride">): Conv2d => {
      // Keeps the size of numbers through a ReLU.
      const deviation = Math.sqrt(2 / (shape.inputs * shape.kernel ** 2));
      const initializer = normal(random.fork(name), deviation);
      return new Conv2d({...shape, outputs: width, padding: 1}, {random: random.fork(name), initializer});
    };
    this.pixels = this.addBlock("pixels", convolution("pixels", {inputs: 3, kernel: stride + 2, stride}));
    this.context = this.addBlock(
      "context",
      new Linear(promptWidth, width, {random: random.fork("context"), bias: false}),
    );
    this.convolutions = this.addBlocks(
      "layers",
      Array.from({length: depth}, (_, index) =>
        convolution(`layers.${index}`, {inputs: width, kernel: 3, stride: 1}),
      ),
    );
  }

  /**
   * @param pixels - Normalised pictures [N, S, S, 3].
   * @param embedding - Their embeddings [N, h, w, D].
   * @returns Features [N, S/s, S/s, C]; the caller disposes them.
   */
  override forward(pixels: tf.Tensor, embedding: tf.Tensor): tf.Tensor4D {
    const local = this.pixels.forward(pixels);
    const [, height, width] = local.shape;
    const context = resizeBilinear(this.context.forward(embedding), {height, width});
    return this.convolutions.reduce(
      (features, convolution) => tf.relu(convolution.forward(features)),
      tf.relu<tf.Tensor4D>(tf.add(local, context)),
    );
  }
}

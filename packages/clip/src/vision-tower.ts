import {Vit} from "@claps/backbones";
import type {VitCall, VitConfig, VitFeatures} from "@claps/backbones";
import {Block, Linear, normal} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";

/** What the picture tower says about pictures. */
export interface ImageFeatures extends VitFeatures {
  /** The class token's vector in the space shared with texts [N, E], not of unit length. */
  projected: tf.Tensor2D;
}

/**
 * CLIP's vision transformer with its projection.
 *
 * Shapes: pixels [N, H, W, 3] → tokens [N, 1 + h·w, D], grid [N, h, w, D], pooled [N, D], projected [N, E]. Weights
 * carry the published names, `vision_model.…` and `visual_projection.weight`.
 *
 * Source: Radford et al. 2021, section 2.4; outputs equal those of Hugging Face's CLIPModel. Differs: the grid is
 * normalised, as open_clip's `output_tokens` are; `tokens` are not, as in Hugging Face's `last_hidden_state`.
 */
export class VisionTower extends Block {
  /** The transformer. */
  readonly encoder: Vit;
  /** From the class token to the shared space. */
  readonly projection: Linear;

  /**
   * @param config - Sizes of the transformer, and of the shared space.
   * @param options - Source of the first values.
   * @throws ConfigError if the numbers do not fit together.
   */
  constructor(config: {vision: Readonly<VitConfig>; projectionWidth: number}, options: RandomOptions) {
    super();
    const {vision, projectionWidth} = config;
    const {random} = options;
    this.encoder = this.addBlock("vision_model", new Vit(vision, {random: random.fork("vision_model")}));
    const source = random.fork("visual_projection");
    this.projection = this.addBlock(
      "visual_projection",
      new Linear(vision.width, projectionWidth, {
        random: source,
        bias: false,
        initializer: normal(source.fork("weight"), vision.width ** -0.5),
      }),
    );
  }

  /**
   * The tokens before the first block and after each one; the class token first.
   *
   * @param pixels - Normalised pictures [N, H, W, 3].
   * @param call - Whether to recompute blocks.
   * @returns depth + 1 tensors [N, 1 + h·w, D]; the caller disposes them.
   * @throws ShapeError if the pictures have another rank or sides that are no multiples of the patch size.
   */
  hiddenStates(pixels: tf.Tensor, call: VitCall = {}): tf.Tensor3D[] {
    return this.encoder.hiddenStates(pixels, call);
  }

  /**
   * Features of pictures; differentiable.
   *
   * @param pixels - Normalised pictures [N, H, W, 3]; positions of other sizes are interpolated.
   * @param call - Whether to recompute blocks.
   * @returns The features; the caller disposes them.
   * @throws ShapeError as `hiddenStates`.
   */
  override forward(pixels: tf.Tensor, call: VitCall = {}): ImageFeatures {
    return tf.tidy(() => {
      const features = this.encoder.features(pixels, call);
      return {...features, projected: this.projection.forward(features.pooled) as tf.Tensor2D};
    });
  }
}

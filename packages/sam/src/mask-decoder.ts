import {checkShape} from "@claps/core";
import {
  Block,
  broadcast,
  ConvTranspose2d,
  gelu,
  LayerNorm,
  normal,
  repeatBatch,
  resizeBilinear,
} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import type {SamConfig} from "./config.js";
import {FeedForward} from "./feed-forward.js";
import type {PromptEmbedding} from "./prompt-encoder.js";
import {TwoWayTransformer} from "./two-way-transformer.js";

/** What the mask decoder needs; N images, P prompts per image. */
export interface MaskDecoderInput {
  /** Image embedding [N, h, w, D]. */
  embedding: tf.Tensor;
  /** Features of the cells of the grid [1, h, w, D]. */
  positions: tf.Tensor;
  /** Tokens and grid of the prompts. */
  prompts: PromptEmbedding;
  /** Vectors [N, P, D] added to the mask tokens; left out means none. */
  textAdditive?: tf.Tensor;
  /** Further tokens [N, P, T, D], put after the prompts; left out means none. */
  textTokens?: tf.Tensor;
  /** Fine features [N, H, W, C], H and W multiples of 4h and 4w, for a model that has them. */
  detail?: tf.Tensor;
  /** Whether the proposals come out (K of them) instead of the one mask for clear prompts. */
  multimask: boolean;
}

/** Masks and how good they are believed to be. */
export interface MaskPrediction {
  /** Mask logits [N, P, K, 4h, 4w]; positive is inside. */
  logits: tf.Tensor5D;
  /** Predicted IoU [N, P, K]. */
  iou: tf.Tensor3D;
}

/**
 * Turns an image embedding and prompts into masks.
 *
 * A token per mask reads the picture in the two-way transformer; a small head turns what it learnt into the
 * weights of a linear classifier over the enlarged picture. Weights as in Hugging Face's `mask_decoder`.
 *
 * Source: Kirillov et al. 2023, appendix A; the mask decoder of the original code.
 * Differs: heads whose mask is not asked for are not computed; text may join (our reading of CLAPS).
 */
export class MaskDecoder extends Block {
  /** Token that becomes the predicted IoU [1, D]. */
  readonly iouToken: tf.Variable;
  /** Tokens that become masks [1 + proposals, D]; the first is for clear prompts. */
  readonly maskTokens: tf.Variable;
  /** The transformer. */
  readonly transformer: TwoWayTransformer;
  /** First enlargement. */
  readonly firstUpscaling: ConvTranspose2d;
  /** Second enlargement. */
  readonly secondUpscaling: ConvTranspose2d;
  /** Normalisation between them. */
  readonly upscalingNorm: LayerNorm;
  /** One head per mask token. */
  readonly hyperNetworks: readonly FeedForward[];
  /** One head per mask token for the classifier over fine features; empty without them. */
  readonly detailHyperNetworks: readonly FeedForward[];
  /** Head for the predicted IoU of all masks. */
  readonly iouHead: FeedForward;
  readonly #width: number;

  /**
   * @param config - The whole model's configuration.
   * @param options - Source of the first values.
   */
  constructor(config: SamConfig, options: RandomOptions) {
    super();
    const {random} = options;
    const {promptWidth: width, decoder, detail} = config;
    const masks = decoder.proposals + 1;
    this.#width = width;
    this.iouToken = this.addVariable("iou_token.weight", [1, width], normal(random.fork("iou_token"), 1));
    this.maskTokens = this.addVariable(
      "mask_tokens.weight",
      [masks, width],
      normal(random.fork("mask_tokens"), 1),
    );
    this.transformer = this.addBlock(
      "transformer",
      new TwoWayTransformer(config, {random: random.fork("transformer")}),
    );
    const enlarge = (name: string, from: number, to: number): ConvTranspose2d =>
      this.addBlock(name, new ConvTranspose2d(from, to, {random: random.fork(name)}));
    this.firstUpscaling = enlarge("upscale_conv1", width, width / 4);
    this.secondUpscaling = enlarge("upscale_conv2", width / 4, width / 8);
    this.upscalingNorm = this.addBlock("upscale_layer_norm", new LayerNorm(width / 4, {epsilon: 1e-6}));
    const sizes = {inputs: width, hidden: width, outputs: width / 8, depth: 3};
    this.hyperNetworks = this.addBlocks(
      "output_hypernetworks_mlps",
      Array.from({length: masks}, (_, index) => {
        return new FeedForward(sizes, {random: random.fork(`output_hypernetworks_mlps.${index}`)});
      }),
    );
    this.detailHyperNetworks = this.addBlocks(
      "detail_hypernetworks_mlps",
      Array.from({length: detail === undefined ? 0 : masks}, (_, index) => {
        const head = {...sizes, outputs: detail?.width ?? 0};
        // Untrained, the path adds nothing: published weights keep their masks.
        const name = `detail_hypernetworks_mlps.${index}`;
        return new FeedForward(head, {random: random.fork(name), zeroLast: true});
      }),
    );
    this.iouHead = this.addBlock(
      "iou_prediction_head",
      new FeedForward(
        {inputs: width, hidden: decoder.iouWidth, outputs: masks, depth: decoder.iouDepth},
        {random: random.fork("iou_prediction_head")},
      ),
    );
  }

  /**
   * @param input - Embedding, prompts, text, and which masks are wanted.
   * @returns Logits and predicted IoU of K masks per prompt: one, or with `multimask` the proposals. The
   * caller disposes them.
   * @throws ShapeError if shapes disagree.
   */
  override forward(input: MaskDecoderInput): MaskPrediction {
    const {embedding, multimask} = input;
    const [images, height, width] = embedding.shape as [number, number, number, number];
    checkShape(embedding.shape, [null, null, null, this.#width], "image embedding [N, h, w, D]");
    const tokens = this.#tokens(input);
    const [, prompts, count] = tokens.shape;
    const batch = images * prompts;
    const flat = tf.reshape(tokens, [batch, count, this.#width]);
    const positions = {tokens: flat, image: tf.reshape(input.positions, [1, height * width, this.#width])};
    const state = this.transformer.forward({tokens: flat, image: this.#image(input, prompts)}, positions);

    const enlarged = this.#enlarge(tf.reshape(state.image, [batch, height, width, this.#width]));
    const chosen = this.hyperNetworks.map((_, index) => index).slice(...(multimask ? [1] : [0, 1]));
    const classifiers = (heads: readonly FeedForward[]): tf.Tensor3D => {
      const rows = chosen.map((index) => {
        const token = tf.slice(state.tokens, [0, 1 + index, 0], [batch, 1, this.#width]);
        return (heads[index] as FeedForward).forward(token) as tf.Tensor3D;
      });
      return rows.length === 1 ? (rows[0] as tf.Tensor3D) : tf.concat(rows, 1);
    };
    const coarse = tf.matMul(classifiers(this.hyperNetworks), enlarged, false, true);
    const fields = [images, prompts, chosen.length, 4 * height, 4 * width];
    const logits =
      this.detailHyperNetworks.length === 0
        ? tf.reshape(coarse, fields)
        : refine(tf.reshape(coarse, fields), input.detail, classifiers(this.detailHyperNetworks));

    const iouToken = tf.reshape(tf.slice(state.tokens, [0, 0, 0], [batch, 1, this.#width]), [
      batch,
      this.#width,
    ]);
    const iou = tf.slice(this.iouHead.forward(iouToken), [0, chosen[0] as number], [batch, chosen.length]);
    return {
      logits: logits as tf.Tensor5D,
      iou: tf.reshape(iou, [images, prompts, chosen.length]),
    };
  }

  /** All tokens [N, P, T, D]: predicted IoU, masks, prompts, text. */
  #tokens({embedding, prompts, textAdditive, textTokens}: MaskDecoderInput): tf.Tensor4D {
    const {sparse, dense} = prompts;
    const [images = 1] = embedding.shape;
    const [, count = 1] = (sparse ?? textTokens ?? dense).shape;
    const width = this.#width;
    const spread = (x: tf.Tensor): tf.Tensor4D => {
      const [rows = 1] = x.shape;
      return broadcast(tf.reshape(x, [1, 1, rows, width]), [images, count, rows, width]) as tf.Tensor4D;
    };
    let masks = spread(this.maskTokens);
    if (textAdditive !== undefined) {
      checkShape(textAdditive.shape, [images, count, width], "textAdditive [N, P, D]");
      masks = tf.add(masks, tf.expandDims(textAdditive, 2));
    }
    const parts = [spread(this.iouToken), masks];
    if (sparse !== undefined) {
      checkShape(sparse.shape, [images, count, null, width], "prompt tokens [N, P, T, D]");
      parts.push(sparse);
    }
    if (textTokens !== undefined) {
      checkShape(textTokens.shape, [images, count, null, width], "textTokens [N, P, T, D]");
      parts.push(textTokens as tf.Tensor4D);
    }
    return tf.concat(parts, 2);
  }

  /** The picture with the prompts' grid added: [N, h * w, D] while all prompts share it, else [N * P, ...]. */
  #image({embedding, prompts}: MaskDecoderInput, count: number): tf.Tensor {
    const [, height, width, channels] = embedding.shape as [number, number, number, number];
    const {dense} = prompts;
    const [denseImages, densePrompts, ...cell] = dense.shape as [number, number, ...number[]];
    const own = densePrompts > 1 ? repeatBatch(embedding, count) : embedding;
    const sum = tf.add(own, tf.reshape(dense, [denseImages * densePrompts, ...cell]));
    return tf.reshape(sum, [sum.size / (height * width * channels), height * width, channels]);
  }

  /** Four times the height and width: [B, 16 * h * w, D / 8]. */
  #enlarge(image: tf.Tensor): tf.Tensor3D {
    const half = gelu(this.upscalingNorm.forward(this.firstUpscaling.forward(image)));
    const full = gelu(this.secondUpscaling.forward(half));
    const [batch, height, width, channels] = full.shape as [number, number, number, number];
    return tf.reshape(full, [batch, height * width, channels]);
  }
}

/**
 * Masks at the resolution of fine features: the coarse ones enlarged, plus a linear classifier per mask over
 * features that all prompts of a picture share.
 */
function refine(coarse: tf.Tensor, detail: tf.Tensor | undefined, classifiers: tf.Tensor3D): tf.Tensor {
  const [images, prompts, masks, height, width] = coarse.shape as [number, number, number, number, number];
  const channels = classifiers.shape[2];
  checkShape(detail?.shape ?? [], [images, null, null, channels], "detail [N, H, W, C]");
  const [, rows, columns] = (detail as tf.Tensor).shape as [number, number, number, number];
  const weights = tf.reshape(classifiers, [images, prompts * masks, channels]);
  const features = tf.reshape(detail as tf.Tensor, [images, rows * columns, channels]);
  const fine = tf.matMul(weights, features, false, true);
  const fields = tf.reshape(coarse, [images * prompts * masks, height, width, 1]);
  const large = resizeBilinear(fields, {height: rows, width: columns});
  return tf.reshape(tf.add(tf.reshape(large, fine.shape), fine), [images, prompts, masks, rows, columns]);
}

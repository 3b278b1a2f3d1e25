import {VitDet} from "@claps/backbones";
import {Block} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import type {Frame, Image} from "@claps/image";
import * as tf from "@tensorflow/tfjs-core";
import {checkSamConfig, encoderConfig, gridSize} from "./config.js";
import type {SamConfig} from "./config.js";
import {decodePrompts} from "./decode-prompts.js";
import type {MaskCandidate, SamPrompts} from "./decode-prompts.js";
import {DetailEncoder} from "./detail-encoder.js";
import {LazyCompiler} from "./lazy-compiler.js";
import {MaskDecoder} from "./mask-decoder.js";
import type {MaskPrediction} from "./mask-decoder.js";
import {preprocess} from "./preprocess.js";
import {PromptEncoder} from "./prompt-encoder.js";
import type {PromptTensors} from "./prompt-encoder.js";

/** What {@link Sam.decodeTensors} needs; N images, P prompts per image. */
export interface DecodeTensorsInput {
  /** Image embeddings [N, h, w, D]. */
  embedding: tf.Tensor;
  /** Points, boxes and masks in model px. */
  prompts: PromptTensors;
  /** Fine features [N, S/s, S/s, C], for a model that has them; see `Sam.detailTensor`. */
  detail?: tf.Tensor;
  /** Text vectors [N, P, D] added to box corners and mask tokens; zeros change nothing, exactly. */
  textAdditive?: tf.Tensor;
  /** Text tokens [N, P, T, D], appended to the prompts. */
  textTokens?: tf.Tensor;
  /** Whether the proposals come out instead of the one mask for clear prompts; default false. */
  multimask?: boolean;
}

/** One encoded picture; can be asked as often as wanted. */
export interface SamEmbedding {
  /** Image embedding [1, h, w, D]. */
  readonly tensor: tf.Tensor4D;
  /** Fine features [1, S/s, S/s, C] of a model that has them. */
  readonly detail: tf.Tensor4D | undefined;
  /** How source px and model px belong together. */
  readonly frame: Frame;
  /** Frees the tensors. */
  dispose(): void;
}

/**
 * Segment Anything: picture and prompts to masks.
 *
 * `encode` and `decode` work on pictures and source px; `encodeTensor` and `decodeTensors` on tensors and
 * model px, for training and for `engine.compile`.
 *
 * @example
 * ```ts
 * const sam = createSam(samTiny, {random: createRandom(1)});
 * const embedding = await sam.encode(image);
 * const [[best]] = await sam.decode(embedding, {boxes: [[10, 12, 90, 80]]});
 * ```
 *
 * Source: Kirillov et al. 2023.
 */
export class Sam extends Block {
  /** The configuration. */
  readonly config: SamConfig;
  /** Pictures to embeddings; weights `vision_encoder.…`. */
  readonly imageEncoder: VitDet;
  /** Prompts to tokens; weights `prompt_encoder.…`. */
  readonly promptEncoder: PromptEncoder;
  /** Embeddings and tokens to masks; weights `mask_decoder.…`. */
  readonly maskDecoder: MaskDecoder;
  /** Pictures to fine features, of a model that has them; weights `detail_encoder.…`. */
  readonly detailEncoder: DetailEncoder | undefined;
  readonly #compiler = new LazyCompiler();

  /**
   * @param config - Sizes, for example `samTiny`.
   * @param options - Source of the first values.
   * @throws ConfigError if the numbers do not fit together.
   */
  constructor(config: SamConfig, options: RandomOptions) {
    super();
    checkSamConfig(config);
    this.config = config;
    const {random} = options;
    this.imageEncoder = this.addBlock(
      "vision_encoder",
      new VitDet(encoderConfig(config), {random: random.fork("vision_encoder")}),
    );
    this.promptEncoder = this.addBlock(
      "prompt_encoder",
      new PromptEncoder(config, {random: random.fork("prompt_encoder")}),
    );
    this.maskDecoder = this.addBlock(
      "mask_decoder",
      new MaskDecoder(config, {random: random.fork("mask_decoder")}),
    );
    if (config.detail !== undefined) {
      this.detailEncoder = this.addBlock(
        "detail_encoder",
        new DetailEncoder(config, config.detail, {random: random.fork("detail_encoder")}),
      );
    }
  }

  /**
   * Image embeddings; differentiable.
   *
   * @param pixels - Normalised pictures [N, S, S, 3].
   * @returns Embeddings [N, h, w, D]; the caller disposes them.
   */
  encodeTensor(pixels: tf.Tensor): tf.Tensor4D {
    return this.imageEncoder.forward(pixels)[0] as tf.Tensor4D;
  }

  /**
   * Fine features of pictures; differentiable.
   *
   * @param pixels - Normalised pictures [N, S, S, 3].
   * @param embedding - Their embeddings [N, h, w, D].
   * @returns Features [N, S/s, S/s, C], undefined for a model without them; the caller disposes them.
   */
  detailTensor(pixels: tf.Tensor, embedding: tf.Tensor): tf.Tensor4D | undefined {
    return this.detailEncoder?.forward(pixels, embedding);
  }

  /**
   * Masks for prompts; differentiable.
   *
   * @param input - Embeddings and prompts.
   * @returns Logits [N, P, K, 4h, 4w] (finer with `config.detail`) and predicted IoU [N, P, K]; the caller disposes them.
   */
  decodeTensors(input: DecodeTensorsInput): MaskPrediction {
    const {embedding, prompts, textAdditive, textTokens, detail, multimask = false} = input;
    return tf.tidy(() => ({
      ...this.maskDecoder.forward({
        embedding,
        positions: this.promptEncoder.positions.grid(gridSize(this.config)),
        prompts: this.promptEncoder.forward(prompts, textAdditive),
        textAdditive,
        textTokens,
        detail,
        multimask,
      }),
    }));
  }

  /**
   * Both steps in a row, as training uses them.
   *
   * @param pixels - Normalised pictures [N, S, S, 3].
   * @param input - Prompts and text.
   * @returns Logits and predicted IoU; the caller disposes them.
   */
  override forward(
    pixels: tf.Tensor,
    input: Omit<DecodeTensorsInput, "embedding" | "detail">,
  ): MaskPrediction {
    const embedding = this.encodeTensor(pixels);
    return this.decodeTensors({...input, embedding, detail: this.detailTensor(pixels, embedding)});
  }

  /**
   * Encodes a picture once.
   *
   * @param image - Any picture; see `preprocess`.
   * @returns The embedding; the caller disposes it.
   */
  // Nothing to wait for, but a failure must reject the promise instead of being thrown.
  // eslint-disable-next-line @typescript-eslint/require-await
  async encode(image: Image): Promise<SamEmbedding> {
    const {tensor: pixels, frame} = preprocess(image, this.config);
    try {
      const run = this.#compiler.get("encode", (input): Record<string, tf.Tensor> => {
        const tensor = this.encodeTensor(input);
        const detail = this.detailTensor(input, tensor);
        return {tensor, ...(detail && {detail})};
      });
      const features = run(pixels);
      return {
        tensor: features["tensor"] as tf.Tensor4D,
        detail: features["detail"] as tf.Tensor4D | undefined,
        frame,
        dispose: () => tf.dispose(features),
      };
    } finally {
      pixels.dispose();
    }
  }

  /**
   * Masks for the given prompts, best candidate first.
   *
   * Units: boxes, points and masks in source px; scores are predicted IoU.
   *
   * @param embedding - An encoded picture.
   * @param prompts - Boxes or points, and text if wanted.
   * @returns One list of candidates per prompt. Arrays, not tensors: nothing to dispose.
   * @throws ConfigError or ShapeError if the prompts contradict each other.
   *
   * Source: Kirillov et al. 2023, section 3; mask decoder of the original code.
   * Differs: candidates are ordered by predicted IoU, not left to the caller.
   */
  decode(embedding: SamEmbedding, prompts: SamPrompts): Promise<MaskCandidate[][]> {
    return decodePrompts(this, embedding, prompts, this.#compiler);
  }

  override dispose(): ReturnType<Block["dispose"]> {
    this.#compiler.dispose();
    return super.dispose();
  }
}

/**
 * An untrained Segment Anything.
 *
 * @param config - Sizes, for example `samTiny`.
 * @param options - Source of the first values.
 * @returns The model; dispose it when done.
 * @throws ConfigError if the numbers do not fit together.
 * @example
 * ```ts
 * const sam = createSam(samTiny, {random: createRandom(1)});
 * ```
 */
export function createSam(config: SamConfig, options: RandomOptions): Sam {
  return new Sam(config, options);
}

import type {VitCall} from "@claps/backbones";
import {ConfigError, checkRange} from "@claps/core";
import type {Image} from "@claps/image";
import {Block, constant} from "@claps/layers";
import type {RandomOptions} from "@claps/layers";
import type {Tokenizer} from "@claps/text";
import * as tf from "@tensorflow/tfjs-core";
import {BertTextTower} from "./bert-text-tower.js";
import {checkTokenizer} from "./check-tokenizer.js";
import {CompiledTowers, batchesOf} from "./compiled-towers.js";
import {checkClipConfig} from "./config.js";
import type {ClipConfig} from "./config.js";
import {defaultTokenizer} from "./default-tokenizer.js";
import {prepareTexts} from "./prepare-texts.js";
import type {PrepareTextsOptions, PreparedTexts} from "./prepare-texts.js";
import {preparePixels} from "./preprocess.js";
import {normalizeRows, similarity} from "./similarity.js";
import {TextTower} from "./text-tower.js";
import type {TextFeatures} from "./text-tower.js";
import {VisionTower} from "./vision-tower.js";
import type {ImageFeatures} from "./vision-tower.js";

/** Options of {@link createClip}. */
export interface ClipOptions extends RandomOptions {
  /** Turns words into ids; left out means the library's own where it fits the text tower, else none. */
  tokenizer?: Tokenizer | undefined;
  /** Where the one line about texts that were too long goes; default `console.warn`. */
  report?: ((line: string) => void) | undefined;
}

/** Options of {@link Clip.encodeImage}. */
export interface EncodeImageOptions {
  /** Pictures that are computed at once; default 8. */
  batch?: number;
  /** Whether the grids of patches come out too; default false. */
  features?: boolean;
}

/** Vectors of pictures; arrays, nothing to dispose. */
export interface EncodedImages {
  /** Vectors of unit length [N × E]. */
  readonly vectors: Float32Array;
  /** N, E. */
  readonly shape: [images: number, width: number];
  /** Patches after the last normalisation [N × h × w × D], if asked for. */
  readonly grid?: Float32Array;
  /** N, h, w, D, if asked for. */
  readonly gridShape?: [images: number, height: number, width: number, channels: number];
}

/** Options of {@link Clip.encodeText}. */
export interface EncodeTextOptions {
  /** Texts that are computed at once; default 32. */
  batch?: number;
}

/** Vectors of texts; arrays, nothing to dispose. */
export interface EncodedTexts {
  /** Vectors of unit length [P × E]. */
  readonly vectors: Float32Array;
  /** P, E. */
  readonly shape: [texts: number, width: number];
  /** How many texts were too long and were cut after a word. */
  readonly truncated: number;
  /** How many texts hold no word. */
  readonly empty: number;
}

/**
 * CLIP: pictures and words in one space.
 *
 * `encodeImage` and `encodeText` take pictures and words and give arrays; `forwardImage` and `forwardText` work on
 * tensors, for training and for `engine.compile`. Weights carry Hugging Face's names: `vision_model.…`,
 * `visual_projection.weight`, `text_model.…`, `text_projection.…`, `logit_scale`.
 *
 * @example
 * ```ts
 * const clip = createClip(clipTiny, {random: createRandom(1)});
 * const pictures = await clip.encodeImage([image]);
 * const words = await clip.encodeText(["fundus photograph", "OCT B-scan"]);
 * clip.similarity(pictures.vectors, words.vectors); // two cosines
 * ```
 *
 * Source: Radford et al. 2021.
 */
export class Clip extends Block {
  /** The configuration. */
  readonly config: ClipConfig;
  /** Words to ids; undefined where none was given. */
  readonly tokenizer: Tokenizer | undefined;
  /** Pictures to vectors. */
  readonly vision: VisionTower;
  /** Texts to vectors. */
  readonly text: TextTower | BertTextTower;
  /** Natural logarithm of the scale of similarities, a single number. */
  readonly logitScale: tf.Variable;
  readonly #compiled = new CompiledTowers(() => this.namedWeights().values());
  readonly #report: (line: string) => void;
  #hasReported = false;

  /**
   * @param config - Sizes, for example `clipTiny`.
   * @param options - Source of the first values, tokenizer.
   * @throws ConfigError if the numbers do not fit together, or the tokenizer is not the text tower's.
   */
  constructor(config: ClipConfig, options: ClipOptions) {
    super();
    checkClipConfig(config);
    const {random} = options;
    const tokenizer = options.tokenizer ?? fittingTokenizer(config);
    if (tokenizer !== undefined) checkTokenizer(tokenizer, config.text);
    this.config = config;
    this.tokenizer = tokenizer;
    this.#report = options.report ?? ((line) => console.warn(line));
    this.vision = this.addBlock("vision", new VisionTower(config, {random: random.fork("vision")}));
    const source = {random: random.fork("text")};
    const {text} = config;
    this.text = this.addBlock<TextTower | BertTextTower>(
      "text",
      text.kind === "bert" ? new BertTextTower(text, source) : new TextTower(text, source),
    );
    this.logitScale = this.addVariable("logit_scale", [], constant(config.initialLogitScale));
  }

  /** The parts of both towers under their published names. */
  override childBlocks(): ReadonlyMap<string, Block> {
    return new Map([...this.vision.childBlocks(), ...this.text.childBlocks()]);
  }

  /** Every weight by its published path: pictures, texts, `logit_scale`. */
  override namedWeights(): Map<string, tf.Variable> {
    return new Map([
      ...this.vision.namedWeights(),
      ...this.text.namedWeights(),
      ["logit_scale", this.logitScale],
    ]);
  }

  /**
   * Features of pictures; differentiable.
   *
   * @param pixels - Normalised pictures [N, H, W, 3]; positions of other sizes are interpolated.
   * @param call - Whether to recompute blocks in the backward pass.
   * @returns Tokens [N, 1 + h·w, D], grid [N, h, w, D], pooled [N, D], projected [N, E]; the caller disposes them.
   * @throws ShapeError if a side is no multiple of the patch size.
   */
  forwardImage(pixels: tf.Tensor, call: VitCall = {}): ImageFeatures {
    return this.vision.forward(pixels, call);
  }

  /**
   * Features of texts; differentiable.
   *
   * @param ids - Token ids [P, T], int32.
   * @param mask - 1 for tokens, 0 for padding, [P, T]; left out means what the published models do: later tokens are
   * hidden (CLIP), or the padding id is (BERT).
   * @returns Tokens [P, T, D], pooled [P, D], projected [P, E]; the caller disposes them.
   * @throws ShapeError if there are more tokens than the tower takes.
   */
  forwardText(ids: tf.Tensor, mask?: tf.Tensor): TextFeatures {
    return tf.tidy(() => ({...this.text.forward(ids, mask)}));
  }

  /**
   * Both towers and all similarities; differentiable.
   *
   * @param pixels - Normalised pictures [N, H, W, 3].
   * @param ids - Token ids [P, T], int32.
   * @param mask - As for `forwardText`.
   * @returns Features of both, and scaled cosines [N, P]; the caller disposes them.
   */
  override forward(
    pixels: tf.Tensor,
    ids: tf.Tensor,
    mask?: tf.Tensor,
  ): {image: ImageFeatures; text: TextFeatures; logits: tf.Tensor2D} {
    return tf.tidy(() => {
      const image = this.forwardImage(pixels);
      const text = this.forwardText(ids, mask);
      const unit = (rows: tf.Tensor): tf.Tensor2D => tf.div(rows, tf.sqrt(tf.sum(tf.square(rows), 1, true)));
      const cosines = tf.matMul(unit(image.projected), unit(text.projected), false, true);
      const logits: tf.Tensor2D = tf.mul(cosines, tf.exp(this.logitScale));
      return {image: {...image}, text: {...text}, logits};
    });
  }

  /**
   * Pictures as the model sees them.
   *
   * @param images - Any pictures.
   * @returns Normalised pixels [N, S, S, 3]; the caller disposes them.
   */
  preparePixels(images: readonly Image[]): tf.Tensor4D {
    return preparePixels(images, this.config.preprocess);
  }

  /**
   * Texts as the model takes them; too long ones are cut after a word, which is counted, and said once.
   *
   * @param texts - Any texts; an empty one becomes start and end token.
   * @param options - Tokens per row; default as many as the text tower takes.
   * @returns Ids, mask, shape, counts.
   * @throws ConfigError if the model has no tokenizer, or for a length that is more than the tower takes.
   */
  prepareTexts(texts: readonly string[], options: Pick<PrepareTextsOptions, "length"> = {}): PreparedTexts {
    const {tokenizer} = this;
    if (tokenizer === undefined) {
      throw new ConfigError(
        "Clip: expected a tokenizer for texts, got a model without; pass {tokenizer: await loadTokenizer(folder)}, or put vocab.json and merges.txt or vocab.txt beside the weights.",
        {code: "no-tokenizer"},
      );
    }
    const {contextLength} = this.config.text;
    const prepared = prepareTexts(texts, {...options, tokenizer, contextLength});
    if (prepared.truncated > 0 && !this.#hasReported) {
      this.#hasReported = true;
      this.#report(
        `CLIP: ${prepared.truncated} of ${texts.length} texts are longer than ${options.length === "shortest" ? contextLength : (options.length ?? contextLength)} tokens and were cut after a word; further ones are only counted.`,
      );
    }
    return prepared;
  }

  /**
   * Vectors of pictures.
   *
   * @param images - Any pictures.
   * @param options - Size of a batch; whether the grids of patches come out.
   * @returns Unit vectors, and grids if asked for. Arrays, not tensors: nothing to dispose.
   * @throws ConfigError for a batch below 1, or if no engine runs.
   */
  async encodeImage(images: readonly Image[], options: EncodeImageOptions = {}): Promise<EncodedImages> {
    const {batch = 8, features = false} = options;
    checkRange(batch, {min: 1, integer: true}, "batch of encodeImage");
    const {projectionWidth} = this.config;
    const vectors = new Float32Array(images.length * projectionWidth);
    let grid = new Float32Array(0);
    let cells: [number, number, number] = [0, 0, 0];
    for (const {start, items, size} of batchesOf(images.length, batch)) {
      const pixels = padded(this.preparePixels(images.slice(start, start + items)), size);
      const run = this.#compiled.get(features ? "grids" : "images", (input): Record<string, tf.Tensor> => {
        const {projected, grid: patches} = this.forwardImage(input);
        return features ? {projected, patches} : {projected};
      });
      const results = run(pixels);
      pixels.dispose();
      try {
        vectors.set(await firstRows(results["projected"], items), start * projectionWidth);
        if (results["patches"] !== undefined) {
          cells = results["patches"].shape.slice(1) as [number, number, number];
          const perImage = cells[0] * cells[1] * cells[2];
          if (grid.length === 0) grid = new Float32Array(images.length * perImage);
          grid.set(await firstRows(results["patches"], items), start * perImage);
        }
      } finally {
        tf.dispose(results);
      }
    }
    const shape: [number, number] = [images.length, projectionWidth];
    const encoded = {vectors: normalizeRows(vectors, projectionWidth), shape};
    return features ? {...encoded, grid, gridShape: [images.length, ...cells]} : encoded;
  }

  /**
   * Vectors of texts.
   *
   * @param texts - Any texts; too long ones are cut after a word.
   * @param options - Size of a batch.
   * @returns Unit vectors and counts. Arrays, not tensors: nothing to dispose.
   * @throws ConfigError if the model has no tokenizer, for a batch below 1, or if no engine runs.
   */
  async encodeText(texts: readonly string[], options: EncodeTextOptions = {}): Promise<EncodedTexts> {
    const {batch = 32} = options;
    checkRange(batch, {min: 1, integer: true}, "batch of encodeText");
    const {projectionWidth} = this.config;
    const vectors = new Float32Array(texts.length * projectionWidth);
    let truncated = 0;
    let empty = 0;
    for (const {start, items, size} of batchesOf(texts.length, batch)) {
      // A row of padding is an empty text: a row without any token would be divided by zero.
      const rows = Array.from(
        {length: size},
        (_, row) => (row < items ? texts[start + row] : undefined) ?? "",
      );
      const prepared = this.prepareTexts(rows, {length: "shortest"});
      truncated += prepared.truncated;
      empty += prepared.empty - (size - items);
      const ids = tf.tensor2d(prepared.ids, prepared.shape, "int32");
      const run = this.#compiled.get("texts", (input) => ({projected: this.forwardText(input).projected}));
      const results = run(ids);
      ids.dispose();
      try {
        vectors.set(await firstRows(results["projected"], items), start * projectionWidth);
      } finally {
        tf.dispose(results);
      }
    }
    const shape: [number, number] = [texts.length, projectionWidth];
    return {vectors: normalizeRows(vectors, projectionWidth), shape, truncated, empty};
  }

  /**
   * Cosine of every picture with every text (or of any two lists of vectors of the shared space).
   *
   * @param a - Unit vectors [N × E].
   * @param b - Unit vectors [P × E].
   * @returns Cosines [N × P], row by row; times the exponential of `logitScale` they are logits.
   * @throws ShapeError if a list is no whole number of vectors.
   */
  similarity(a: Float32Array, b: Float32Array): Float32Array {
    return similarity(a, b, this.config.projectionWidth);
  }

  override dispose(): ReturnType<Block["dispose"]> {
    this.#compiled.dispose();
    return super.dispose();
  }
}

/** The library's own tokenizer, if the text tower was made for it. */
function fittingTokenizer({text}: ClipConfig): Tokenizer | undefined {
  if (text.kind === "bert") return undefined;
  const tokenizer = defaultTokenizer();
  const fits = tokenizer.vocabularySize === text.vocabularySize && tokenizer.endId === text.endId;
  return fits ? tokenizer : undefined;
}

/** The batch with zeros after it, up to a size; the batch itself is disposed. */
function padded(pixels: tf.Tensor4D, size: number): tf.Tensor4D {
  const missing = size - pixels.shape[0];
  if (missing === 0) return pixels;
  const wide = tf.pad(pixels, [
    [0, missing],
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
  pixels.dispose();
  return wide;
}

/** The numbers of the first rows of a tensor. */
async function firstRows(tensor: tf.Tensor | undefined, rows: number): Promise<Float32Array> {
  if (tensor === undefined) return new Float32Array(0);
  const values = (await tensor.data()) as Float32Array;
  return values.subarray(0, (values.length / (tensor.shape[0] ?? 1)) * rows);
}

/**
 * An untrained CLIP.
 *
 * @param config - Sizes, for example `clipTiny`.
 * @param options - Source of the first values; tokenizer, where the library's own does not fit.
 * @returns The model; dispose it when done.
 * @throws ConfigError if the numbers do not fit together, or the tokenizer is not the text tower's.
 * @example
 * ```ts
 * const clip = createClip(clipTiny, {random: createRandom(1)});
 * ```
 */
export function createClip(config: ClipConfig, options: ClipOptions): Clip {
  return new Clip(config, options);
}

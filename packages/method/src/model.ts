import {createTextTower, defaultTokenizer} from "@claps/clip";
import type {TextTower, Tokenizer} from "@claps/clip";
import {ConfigError, currentEngine} from "@claps/core";
import type {CompiledFunction, Random} from "@claps/core";
import {modalities} from "@claps/modalities";
import {createSam} from "@claps/sam";
import type {Modality, Target} from "@claps/modalities";
import type {Sam} from "@claps/sam";
import * as tf from "@tensorflow/tfjs-core";
import type {ClapsConfig} from "./config.js";
import {TextPrompt} from "./text-prompt.js";

/** Tensors that one forward pass needs. */
export interface MaskInputs {
  /** Normalized pictures [N, S, S, 3], S the model's side. */
  readonly pixels: tf.Tensor4D;
  /** Token ids of "signature + phrase" [N, P, T], int32. */
  readonly ids: tf.Tensor3D;
  /** Boxes [N, P, 4] as x0, y0, x1, y1 in model px. */
  readonly boxes: tf.Tensor3D;
}

/** What one forward pass gives. */
export interface MaskOutputs {
  /** Mask logits [N, P, h, w]; each covers `maskStride(config.sam)` px of the model's picture. */
  readonly logits: tf.Tensor4D;
  /** Predicted IoU [N, P]. */
  readonly iou: tf.Tensor2D;
}

/** The three networks of the method as one model; read `segment.ts` for how they work together. */
export class Claps {
  readonly sam: Sam;
  readonly text: TextTower;
  readonly textPrompt: TextPrompt | undefined;
  /** A pixel belongs to a mask if its probability is greater than this; starts as the config's, may be chosen anew. */
  threshold: number;
  #compiled: CompiledFunction<{logits: tf.Tensor; iou: tf.Tensor}> | undefined;

  /**
   * @param config - What to build.
   * @param tokenizer - Turns phrases into token ids; its vocabulary must fit the text tower.
   * @param random - Source of the first weights.
   * @throws ConfigError if the tokenizer knows more tokens than the text tower.
   */
  constructor(
    readonly config: ClapsConfig,
    readonly tokenizer: Tokenizer,
    random: Random,
  ) {
    if (tokenizer.vocabularySize > config.text.vocabularySize) {
      throw new ConfigError(
        `text.vocabularySize: expected at least the tokenizer's ${tokenizer.vocabularySize} tokens, got ${config.text.vocabularySize}.`,
      );
    }
    this.threshold = config.threshold;
    this.sam = createSam(config.sam, {random: random.fork("sam")});
    this.text = createTextTower(config.text, {random: random.fork("text")});
    const {form, start, hiddenWidth} = config.guidance;
    if (form !== "off") {
      const sizes = {
        textWidth: config.text.projectionWidth,
        hiddenWidth,
        promptWidth: config.sam.promptWidth,
        form,
        start,
      };
      this.textPrompt = new TextPrompt(sizes, {random: random.fork("text_prompt")});
    }
  }

  /** Every weight by dotted path: `sam.…`, `text.…`, `text_prompt.…`. */
  namedWeights(): Map<string, tf.Variable> {
    const named = new Map<string, tf.Variable>();
    const parts = {sam: this.sam, text: this.text, text_prompt: this.textPrompt};
    for (const [prefix, part] of Object.entries(parts)) {
      for (const [path, variable] of part?.namedWeights() ?? []) named.set(`${prefix}.${path}`, variable);
    }
    return named;
  }

  /** How many numbers the weights hold. */
  countParameters(): number {
    return [...this.namedWeights().values()].reduce((sum, variable) => sum + variable.size, 0);
  }

  /**
   * The text that the model reads for a target: signature and words, or the words alone where the
   * configuration leaves the signature out.
   *
   * @param modality - How the picture was taken.
   * @param target - What to look for; may be one of another modality, whose right answer is nothing.
   * @param words - Other words for it; default its name.
   */
  phraseFor(modality: Modality, target: Target, words: string = target.name): string {
    return this.config.guidance.useSignature ? `${modality.signature}: ${words}` : words;
  }

  /**
   * Token ids of phrases, padded to the text tower's length.
   *
   * @param phrases - Texts as `modality.prompt` gives them.
   * @returns [P × T] numbers row by row, T the text tower's context length.
   */
  encodePhrases(phrases: readonly string[]): Int32Array {
    const {contextLength} = this.config.text;
    const ids = new Int32Array(phrases.length * contextLength);
    phrases.forEach((phrase, row) => {
      const encoded = this.tokenizer.encode(phrase, {maxLength: contextLength, padding: true});
      ids.set(encoded.ids, row * contextLength);
    });
    return ids;
  }

  /**
   * Masks for phrases and boxes; differentiable, and fit for `engine.compile`.
   *
   * Shapes: pixels [N, S, S, 3], ids [N, P, T], boxes [N, P, 4] → logits [N, P, h, w], iou [N, P].
   */
  forward({pixels, ids, boxes}: MaskInputs): MaskOutputs {
    const embedding = this.sam.encodeTensor(pixels);
    const {logits, iou} = this.sam.decodeTensors({
      embedding,
      detail: this.sam.detailTensor(pixels, embedding),
      prompts: {boxes},
      multimask: false,
      ...this.#guidance(ids),
    });
    const [images, prompts, , height, width] = logits.shape;
    return {
      logits: tf.reshape(logits, [images, prompts, height, width]),
      iou: tf.reshape(iou, [images, prompts]),
    };
  }

  #guidance(ids: tf.Tensor3D): {textAdditive?: tf.Tensor3D; textTokens?: tf.Tensor4D} {
    if (this.textPrompt === undefined) return {};
    const [images, prompts, length] = ids.shape;
    const flat: tf.Tensor2D = tf.reshape(ids, [images * prompts, length]);
    const guidance = this.textPrompt.forward(unitVariance(this.text.forward(flat).projected));
    const width = this.config.sam.promptWidth;
    return this.textPrompt.config.form === "additive"
      ? {textAdditive: tf.reshape(guidance, [images, prompts, width])}
      : {textTokens: tf.reshape(guidance, [images, prompts, 1, width])};
  }

  /**
   * Fits untrained guidance to the phrases of modalities, so that they differ from the first step on; see
   * `TextPrompt.calibrate`.
   *
   * @param known - The modalities; each has at least two phrases.
   */
  calibrateGuidance(known: readonly Modality[]): void {
    const {textPrompt} = this;
    if (textPrompt === undefined) return;
    tf.tidy(() => {
      const groups = known.map((modality) => {
        const texts = modality.targets.flatMap((target) =>
          [target.name, ...target.phrases].map((words) => this.phraseFor(modality, target, words)),
        );
        const ids = this.encodePhrases(texts);
        const rows = tf.tensor2d(ids, [texts.length, ids.length / texts.length], "int32");
        return unitVariance(this.text.forward(rows).projected) as tf.Tensor2D;
      });
      textPrompt.calibrate(groups);
    });
  }

  /**
   * Runs {@link forward} as one compiled graph.
   *
   * @returns Logits and predicted IoU; the caller disposes both.
   */
  predict({pixels, ids, boxes}: MaskInputs): MaskOutputs {
    this.#compiled ??= currentEngine().compile((...inputs: tf.Tensor[]) => {
      const [x, words, corners] = inputs as [tf.Tensor4D, tf.Tensor3D, tf.Tensor3D];
      return {...this.forward({pixels: x, ids: words, boxes: corners})};
    });
    return this.#compiled(pixels, ids, boxes) as unknown as MaskOutputs;
  }

  /** Frees every weight and compiled graph. */
  dispose(): void {
    this.#compiled?.dispose();
    this.sam.dispose();
    this.text.dispose();
    this.textPrompt?.dispose();
  }
}

/**
 * Rows scaled so that their entries have a mean square of 1.
 *
 * CLIP compares texts by direction alone; at length 1 the entries would be so small that an untrained
 * guidance said next to nothing.
 */
function unitVariance(rows: tf.Tensor): tf.Tensor {
  const meanSquare = tf.mean(tf.square(rows), -1, true);
  return tf.div(rows, tf.sqrt(tf.add(meanSquare, 1e-12)));
}

/** Options of {@link createClaps}. */
export interface CreateClapsOptions {
  /** Source of the first weights. */
  random: Random;
  /** Default: the library's own small vocabulary of retinal phrases. */
  tokenizer?: Tokenizer;
  /** Whose phrases untrained guidance has to tell apart, where `guidance.start` is `something`; default all known. */
  modalities?: readonly Modality[];
}

/**
 * Builds an untrained model of the method.
 *
 * @param config - What to build, for example `clapsTiny`.
 * @returns The model; dispose it when done.
 * @throws ConfigError if parts do not fit each other.
 * @example
 * ```ts
 * const claps = createClaps(clapsTiny, {random: createRandom(1)});
 * ```
 */
export function createClaps(config: ClapsConfig, options: CreateClapsOptions): Claps {
  const claps = new Claps(config, options.tokenizer ?? defaultTokenizer(), options.random);
  if (config.guidance.start === "something") claps.calibrateGuidance(options.modalities ?? modalities);
  return claps;
}

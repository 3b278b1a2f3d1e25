import {ConfigError, ShapeError, checkRange} from "@claps/core";
import type {Random} from "@claps/core";
import type {Box, Image} from "@claps/image";
import type {Claps, ClapsConfig} from "@claps/method";
import {maskStride, normalizePixels} from "@claps/sam";
import * as tf from "@tensorflow/tfjs-core";
import {maskLoss, MASK_LOSS_WEIGHTS} from "./losses/mask-loss.js";
import type {MaskLossWeights} from "./losses/mask-loss.js";
import type {Objective} from "./objective.js";

/** One phrase to train on, with its truth at the resolution of the logits [h × w]. */
export interface MaskPrompt {
  /** What the model reads: signature and phrase. */
  readonly phrase: string;
  /** Where to look, in px of the model's picture. */
  readonly box: Box;
  /** Share of each logit's cell inside the mask, 0..1, row by row. */
  readonly truth: Float32Array;
  /** Weight of each cell; 0 ignores it. */
  readonly weight: Float32Array;
  /** 1, or 0 for a target that is not labelled: its loss is left out. */
  readonly counts: 0 | 1;
}

/** One picture to train on. */
export interface MaskExample {
  readonly id: string;
  /** Float RGB 0..1, at most the model's square. */
  readonly image: Image;
  readonly prompts: readonly MaskPrompt[];
}

/** The parts of a model of the method that training needs. */
export interface MaskModel extends Pick<Claps, "namedWeights" | "encodePhrases" | "forward"> {
  readonly config: Pick<ClapsConfig, "sam">;
}

/** Settings of {@link maskObjective}. */
export interface MaskObjectiveOptions {
  /** Prompts per picture. Fewer are filled up with ones that do not count; of more, some are drawn anew each step. */
  promptsPerImage: number;
  /** Which weights are trained, by dotted path; default all that may change. */
  trainable?: RegExp;
  /** Default 20 focal, 1 dice, 1 IoU. */
  weights?: MaskLossWeights;
}

/** What {@link maskObjective} makes. */
export interface MaskObjective extends Objective<MaskExample> {
  prepare(examples: readonly MaskExample[], random: Random): tf.Tensor[];
}

/** What boxes with single-mask output never reach: point and mask prompts, and the heads of the other masks. */
const NOT_REACHED =
  /^sam\.(prompt_encoder\.(mask_embed|not_a_point_embed|point_embed\.[01])|mask_decoder\.(?:output|detail)_hypernetworks_mlps\.[1-9])\b/;
const WITHOUT_TEXT = new RegExp(`${NOT_REACHED.source}|^text\\.`);

/**
 * Trains phrases and boxes to give masks.
 *
 * Shapes: N examples with P prompts → pixels [N, S, S, 3], ids [N, P, T], boxes [N, P, 4], truth and weight
 * [N, P, h, w], counts [N, P].
 *
 * @param claps - The model; the objective does not own it.
 * @param options - Prompts per picture, what is trained, weights of the loss.
 * @returns The objective, for `fit`.
 * @throws ConfigError if no weight is left to train; ShapeError, in `prepare`, if an example does not fit.
 * @example
 * ```ts
 * const objective = maskObjective(claps, {promptsPerImage: 4, trainable: /mask_decoder|text/});
 * ```
 *
 * Source: Kirillov et al. 2023, section 3, for loss and frozen parts; phrases are our reading of CLAPS.
 */
export function maskObjective(claps: MaskModel, options: MaskObjectiveOptions): MaskObjective {
  const {promptsPerImage, trainable, weights = MASK_LOSS_WEIGHTS} = options;
  checkRange(promptsPerImage, {min: 1, integer: true}, "promptsPerImage");
  const named = claps.namedWeights();
  const variables = new Map(
    [...named].filter(
      ([path, variable]) => variable.trainable && (trainable === undefined || path.search(trainable) >= 0),
    ),
  );
  if (variables.size === 0) {
    throw new ConfigError(
      `maskObjective: expected weights to train, got none of ${named.size} that may change and match ${String(trainable)}.`,
    );
  }
  const {sam} = claps.config;
  const side = sam.imageSize / maskStride(sam);
  const readsText = [...named.keys()].some((path) => path.startsWith("text_prompt."));
  return {
    variables,
    allowWithoutGradient: readsText ? NOT_REACHED : WITHOUT_TEXT,
    prepare: (examples, random) => {
      const chosen = examples.map((example, index) =>
        choosePrompts(example, promptsPerImage, random.fork(index)),
      );
      const phrases = claps.encodePhrases(chosen.flat().map(({phrase}) => phrase));
      const shape: [number, number] = [examples.length, promptsPerImage];
      return [
        normalizePixels(
          examples.map(({image}) => image),
          sam,
        ),
        tf.tensor(phrases, [...shape, phrases.length / (shape[0] * shape[1])], "int32"),
        tf.tensor(Float32Array.from(chosen.flat().flatMap(({box}) => [...box])), [...shape, 4]),
        fieldTensor(examples, chosen, "truth", side),
        fieldTensor(examples, chosen, "weight", side),
        tf.tensor(
          Float32Array.from(chosen.flat(), ({counts}) => counts),
          shape,
        ),
      ];
    },
    loss: (inputs) => {
      const [pixels, ids, boxes, truth, weight, counts] = inputs as [
        tf.Tensor4D,
        tf.Tensor3D,
        tf.Tensor3D,
        tf.Tensor4D,
        tf.Tensor4D,
        tf.Tensor2D,
      ];
      const {logits, iou} = claps.forward({pixels, ids, boxes});
      const {loss, focal, dice, iouError} = maskLoss({logits, iou, truth, weight, counts}, weights);
      return {loss, parts: {focal, dice, iouError}};
    },
  };
}

/** As many prompts as the batch has room for; copies that do not count fill it up. */
function choosePrompts({id, prompts}: MaskExample, room: number, random: Random): MaskPrompt[] {
  const [first] = prompts;
  if (first === undefined) {
    throw new ShapeError(`Training example "${id}": expected at least one prompt, got none.`);
  }
  const chosen = prompts.length > room ? random.shuffle(prompts).slice(0, room) : [...prompts];
  const padding: MaskPrompt = {...first, counts: 0};
  while (chosen.length < room) chosen.push(padding);
  return chosen;
}

function fieldTensor(
  examples: readonly MaskExample[],
  chosen: readonly (readonly MaskPrompt[])[],
  field: "truth" | "weight",
  side: number,
): tf.Tensor {
  const area = side * side;
  const prompts = chosen[0]?.length ?? 0;
  const data = new Float32Array(chosen.length * prompts * area);
  chosen.flat().forEach((prompt, index) => {
    const values = prompt[field];
    if (values.length !== area) {
      const {id} = examples[Math.floor(index / prompts)] as MaskExample;
      throw new ShapeError(
        `Training example "${id}", "${prompt.phrase}": expected ${side} x ${side} numbers as ${field}, got ${values.length}.`,
      );
    }
    data.set(values, index * area);
  });
  return tf.tensor(data, [chosen.length, prompts, side, side]);
}

import {ConfigError, DataError, checkRange} from "@claps/core";
import type {Image} from "@claps/image";
import {clip as limit, noGrad} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import type {ChunkedForm, ChunkedTower} from "./chunked-form.js";
import {labelRelation} from "./label-relation.js";
import type {LabelledPair} from "./label-relation.js";
import {contrastiveLogits} from "./losses/contrastive-logits.js";
import {contrastiveLoss} from "./losses/contrastive-loss.js";
import type {Objective} from "./objective.js";

/** A picture and its caption. */
export interface ClipItem extends LabelledPair {
  /** The picture, or how to get it: then no more pictures than those of a chunk are in memory. */
  readonly image: Image | (() => Image | Promise<Image>);
  readonly caption: string;
}

/** A holder of weights by dotted path. */
interface Weights {
  namedWeights(): ReadonlyMap<string, tf.Variable>;
}

/** The parts of a CLIP model that training needs. */
export interface ContrastiveModel extends Weights {
  /** The weights behind {@link ContrastiveModel.forwardImage}. */
  readonly vision: Weights;
  /** The weights behind {@link ContrastiveModel.forwardText}. */
  readonly text: Weights;
  /** Natural logarithm of the scale of similarities, []. */
  readonly logitScale: tf.Variable;
  /** Pictures as the model sees them [N, H, W, 3]. */
  preparePixels(images: readonly Image[]): tf.Tensor4D;
  /** Ids of texts [P, T], row by row. */
  prepareTexts(
    texts: readonly string[],
    options?: {length?: number},
  ): {readonly ids: Int32Array; readonly shape: [texts: number, tokens: number]};
  /** Embeddings of pictures [N, E]. */
  forwardImage(pixels: tf.Tensor): {projected: tf.Tensor};
  /** Embeddings of texts [P, E]. */
  forwardText(ids: tf.Tensor): {projected: tf.Tensor};
}

/** Settings of {@link contrastiveObjective}. */
export interface ContrastiveObjectiveOptions {
  /**
   * What a picture is to find: every caption whose label it carries, or its own alone. Default `labels`.
   */
  targets?: "labels" | "pairs";
  /** Largest logarithm of the scale; default ln 100. The smallest is 0. */
  maxLogitScale?: number;
  /** Which weights are trained, by dotted path; default all that may change. */
  trainable?: RegExp;
  /** Weights that the loss need not reach, by dotted path; default none. */
  allowWithoutGradient?: RegExp;
  /** Pairs per chunk where `fit` does not say; default the whole batch at once. */
  chunk?: number;
  /** Tokens per caption, longer ones are cut after a word; default as many as the model takes. */
  textLength?: number;
}

/** Below this a pair of logits is no pair at all. */
const NO_LOGIT = -1e9;

/**
 * Contrastive pre-training of a CLIP model: pictures and captions that belong together get like vectors.
 *
 * Shapes: N pairs → pixels [N, H, W, 3], ids [N, T], relation [N, N].
 *
 * With `labels`, two pictures of one finding find each other's captions too, and a caption of which it is not known
 * whether it holds for a picture is left out of the softmax of both. A label of another modality counts as unknown like
 * any other: list it as negative if it is to push apart. With `pairs` every other caption is wrong, as in CLIP.
 *
 * Parts of the loss: `imageLoss` and `textLoss` (which caption a picture finds, and the reverse), `scale` (not its
 * logarithm), `accuracy` (share of pictures whose most similar caption, among those that count, belongs to them; a tie
 * with a wrong one counts as wrong).
 *
 * The logarithm of the scale is kept in 0..maxLogitScale after each update, and limited in the loss too, where its
 * gradient is 0 outside of that range. In a batch of one picture there is nothing to tell it from: loss 0, gradients 0.
 * In one of N pictures of one label all captions belong to all pictures: the loss is at least ln N, where it makes their
 * similarities equal.
 *
 * @param model - The model; the objective does not own it.
 * @param options - Targets, limit of the scale, what is trained, chunk.
 * @returns The objective, for `fit`; it can be computed in chunks.
 * @throws ConfigError if no weight is left to train or a setting is out of range; DataError, in `prepare`, if there is
 *   no item or a label is both positive and negative.
 * @example
 * ```ts
 * const objective = contrastiveObjective(clip, {trainable: /^(vision_model|visual_projection|logit_scale)/});
 * await fit({objective, batchAt, steps: 1000, schedule, seed: 1, chunk: 8});
 * ```
 *
 * Source: Radford et al. 2021, section 2.3; limits of the scale as in open_clip.
 * Differs: soft targets by label, and leaving out what is not labelled, are our reading.
 */
export function contrastiveObjective(
  model: ContrastiveModel,
  options: ContrastiveObjectiveOptions = {},
): Objective<ClipItem> {
  const {targets = "labels", maxLogitScale = Math.log(100), chunk, textLength} = options;
  const {allowWithoutGradient} = options;
  checkRange(maxLogitScale, {min: 0}, "maxLogitScale");
  if (chunk !== undefined) checkRange(chunk, {min: 1, integer: true}, "chunk");
  if (textLength !== undefined) checkRange(textLength, {min: 2, integer: true}, "textLength");
  const variables = trainedOf(model, options.trainable);
  const within = (holder: Weights): Map<string, tf.Variable> => {
    const own = new Set(holder.namedWeights().values());
    return new Map([...variables].filter(([, variable]) => own.has(variable)));
  };

  const image: ChunkedTower<ClipItem> = {
    name: "image",
    variables: within(model.vision),
    prepare: async (items) => [model.preparePixels(await Promise.all(items.map(pictureOf)))],
    embed: ([pixels]) => model.forwardImage(pixels as tf.Tensor).projected,
  };
  const text: ChunkedTower<ClipItem> = {
    name: "text",
    variables: within(model.text),
    prepare: (items) => {
      const captions = items.map(({caption}) => caption);
      const {ids, shape} = model.prepareTexts(captions, textLength === undefined ? {} : {length: textLength});
      return [tf.tensor2d(ids, shape, "int32")];
    },
    embed: ([ids]) => model.forwardText(ids as tf.Tensor).projected,
  };
  const chunked: ChunkedForm<ClipItem> = {
    towers: [image, text],
    ...(chunk !== undefined && {size: chunk}),
    prepare: (items) => {
      checkBatch(items);
      const relation = targets === "labels" ? labelRelation(items) : ownCaptions(items.length);
      return [tf.tensor2d(relation, [items.length, items.length])];
    },
    loss: ([images, texts], [relation]) => {
      const scale = limit(model.logitScale, 0, maxLogitScale);
      const logits = contrastiveLogits(images as tf.Tensor2D, texts as tf.Tensor2D, scale);
      const belongs = tf.cast<tf.Tensor2D>(tf.greater(relation as tf.Tensor2D, 0), "float32");
      const known = tf.cast<tf.Tensor2D>(tf.greaterEqual(relation as tf.Tensor2D, 0), "float32");
      const {loss, imageLoss, textLoss} = contrastiveLoss(logits, belongs, known);
      const accuracy = accuracyOf(logits, {belongs, known});
      return {loss, parts: {imageLoss, textLoss, scale: tf.exp(scale) as tf.Scalar, accuracy}};
    },
  };

  const scalePath = [...variables].find(([, variable]) => variable === model.logitScale)?.[0];
  return {
    variables,
    ...(allowWithoutGradient && {allowWithoutGradient}),
    ...(scalePath !== undefined && {bounds: new Map([[scalePath, [0, maxLogitScale]]])}),
    chunked,
    prepare: async (items, random) => {
      const relation = chunked.prepare(items, random);
      return [...(await image.prepare(items, random)), ...(await text.prepare(items, random)), ...relation];
    },
    loss: ([pixels, ids, relation]) =>
      chunked.loss(
        [image.embed([pixels as tf.Tensor]), text.embed([ids as tf.Tensor])],
        [relation as tf.Tensor],
      ),
  };
}

function trainedOf(model: ContrastiveModel, trainable: RegExp | undefined): Map<string, tf.Variable> {
  const named = model.namedWeights();
  const variables = new Map(
    [...named].filter(
      ([path, variable]) => variable.trainable && (trainable === undefined || path.search(trainable) >= 0),
    ),
  );
  if (variables.size === 0) {
    throw new ConfigError(
      `contrastiveObjective: expected weights to train, got none of ${named.size} that may change and match ${String(trainable)}.`,
    );
  }
  return variables;
}

function checkBatch(items: readonly ClipItem[]): void {
  if (items.length === 0) {
    throw new DataError("Contrastive batch: expected at least one picture with its caption, got none.");
  }
}

async function pictureOf({image}: ClipItem): Promise<Image> {
  return typeof image === "function" ? await image() : image;
}

function ownCaptions(count: number): Float32Array {
  const relation = new Float32Array(count * count);
  for (let index = 0; index < count; index++) relation[index * (count + 1)] = 1;
  return relation;
}

/** Share of pictures whose best caption among the known ones belongs to them. */
function accuracyOf(
  logits: tf.Tensor2D,
  {belongs, known}: {belongs: tf.Tensor2D; known: tf.Tensor2D},
): tf.Scalar {
  return noGrad(() =>
    tf.tidy(() => {
      const bestOf = (wanted: tf.Tensor2D): tf.Tensor =>
        tf.max(tf.where(tf.greater(wanted, 0), logits, NO_LOGIT), 1);
      const right = tf.greater(bestOf(belongs), bestOf(tf.sub(known, belongs)));
      return tf.mean<tf.Scalar>(tf.cast(right, "float32"));
    }),
  );
}

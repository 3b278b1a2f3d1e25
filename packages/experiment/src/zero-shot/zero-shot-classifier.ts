import {ConfigError, DataError, ShapeError} from "@claps/core";
import type {PictureTextEncoder} from "./picture-text-encoder.js";
import {checkVectors, rowProducts} from "./unit-vectors.js";

/** A class and the sentences that stand for it. */
export interface PromptedClass {
  readonly id: string;
  /** Sentences whose vectors are averaged; at least one. */
  readonly prompts: readonly string[];
}

/** One vector per class, made of sentences alone. */
export interface ZeroShotClassifier {
  /** Class of each row. */
  readonly ids: readonly string[];
  /** [classes × width], each of length 1. */
  readonly vectors: Float32Array;
  readonly width: number;
  /** Sentences that were longer than the model reads. */
  readonly truncated: number;
  /**
   * Cosine of every picture with every class.
   *
   * @param pictures - [N × width], rows of length 1.
   * @returns [N × classes], row by row.
   * @throws ShapeError if the width differs.
   */
  scores(pictures: Float32Array): Float32Array;
}

/**
 * A classifier from sentences: the vector of a class is the mean of its sentences' vectors, made length 1 again.
 *
 * @param encoder - A model with a picture and a text tower.
 * @param options - `classes`: Ids and sentences; a sentence that stands in several classes is encoded once.
 * @throws ConfigError without classes, for an id that is there twice or a class without sentences; DataError if
 * a vector is not finite or sentences cancel out.
 * @example
 * ```ts
 * const classifier = await zeroShotClassifier(clip, {
 *   classes: [
 *     {id: "cfp", prompts: ["a fundus photograph", "a colour photograph of the retina"]},
 *     {id: "oct", prompts: ["an OCT B-scan"]},
 *   ],
 * });
 * const {vectors} = await clip.encodeImage(images);
 * const scores = classifier.scores(vectors);
 * ```
 *
 * Source: Radford et al. 2021, section 3.1.4 (prompt ensembling in embedding space).
 */
export async function zeroShotClassifier(
  encoder: Pick<PictureTextEncoder, "encodeText">,
  {classes}: {readonly classes: readonly PromptedClass[]},
): Promise<ZeroShotClassifier> {
  checkClasses(classes);
  const texts = [...new Set(classes.flatMap(({prompts}) => prompts))];
  const encoded = await encoder.encodeText(texts);
  const width = checkVectors(encoded.vectors, texts, "sentence");
  const rowOf = new Map(texts.map((text, row) => [text, row]));
  const vectors = new Float32Array(classes.length * width);
  classes.forEach(({id, prompts}, index) => {
    const mean = new Float64Array(width);
    for (const prompt of prompts) {
      const start = (rowOf.get(prompt) as number) * width;
      for (let at = 0; at < width; at++) mean[at]! += encoded.vectors[start + at] as number;
    }
    const length = Math.hypot(...mean);
    // Below this the direction is rounding noise of single precision.
    if (!(length > 1e-6 * prompts.length)) {
      throw new DataError(`Class "${id}": its sentences' vectors cancel out, so that it has no direction.`, {
        code: "no-direction",
      });
    }
    vectors.set(
      mean.map((value) => value / length),
      index * width,
    );
  });
  return {
    ids: classes.map(({id}) => id),
    vectors,
    width,
    truncated: encoded.truncated ?? 0,
    scores: (pictures) => {
      if (pictures.length % width !== 0) {
        throw new ShapeError(
          `Picture vectors: expected rows of ${width} numbers, got ${pictures.length} numbers in all.`,
        );
      }
      return rowProducts(pictures, vectors, width);
    },
  };
}

function checkClasses(classes: readonly PromptedClass[]): void {
  if (classes.length === 0) throw new ConfigError("classes: expected at least one class, got none.");
  const seen = new Set<string>();
  for (const {id, prompts} of classes) {
    if (seen.has(id)) throw new ConfigError(`classes: expected every id once, got "${id}" twice.`);
    if (prompts.length === 0) {
      throw new ConfigError(`Class "${id}": expected at least one sentence, got none.`);
    }
    seen.add(id);
  }
}

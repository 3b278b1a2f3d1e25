import {checkRange} from "@claps/core";
import type {EvaluationItem, AnnotatedPicture} from "./evaluation-item.js";
import type {PictureTextEncoder} from "./picture-text-encoder.js";
import {checkVectors} from "./unit-vectors.js";

/** Vectors of pictures and what is known of them; the pictures themselves are gone. */
export interface EmbeddedPictures {
  readonly items: readonly AnnotatedPicture[];
  /** [pictures × width], row by row. */
  readonly vectors: Float32Array;
  readonly width: number;
}

/** Options of {@link embedItems}. */
export interface EmbedOptions {
  /** Pictures computed at a time; default 16. */
  readonly batch?: number;
  /** Called after every batch. */
  readonly onBatch?: (done: number) => void;
}

/**
 * Encodes pictures batch by batch, so that no more than a batch of them has to be in memory.
 *
 * @param encoder - A model with a picture tower.
 * @param items - Pictures with their labels.
 * @param options - Batch and progress.
 * @throws DataError if a vector is not finite, with the picture's id.
 * @example
 * ```ts
 * const embedded = await embedItems(clip, items, {batch: 8});
 * ```
 */
export async function embedItems(
  encoder: Pick<PictureTextEncoder, "encodeImage">,
  items: Iterable<EvaluationItem> | AsyncIterable<EvaluationItem>,
  {batch = 16, onBatch}: EmbedOptions = {},
): Promise<EmbeddedPictures> {
  checkRange(batch, {min: 1, integer: true}, "batch");
  const known: AnnotatedPicture[] = [];
  const tables: Float32Array[] = [];
  let waiting: EvaluationItem[] = [];
  const encode = async (): Promise<void> => {
    const images = waiting.map(({image}) => image);
    const {vectors} = await encoder.encodeImage(images, {batch});
    checkVectors(
      vectors,
      waiting.map(({id}) => id),
      "picture",
    );
    tables.push(vectors);
    for (const item of waiting) known.push(withoutImage(item));
    waiting = [];
    onBatch?.(known.length);
  };
  for await (const item of items) {
    waiting.push(item);
    if (waiting.length === batch) await encode();
  }
  if (waiting.length > 0) await encode();
  const vectors = new Float32Array(tables.reduce((sum, table) => sum + table.length, 0));
  let start = 0;
  for (const table of tables) {
    vectors.set(table, start);
    start += table.length;
  }
  return {items: known, vectors, width: known.length === 0 ? 0 : vectors.length / known.length};
}

function withoutImage(item: EvaluationItem): AnnotatedPicture {
  const {id, modality, labels, caption, captionLabel} = item;
  return {
    id,
    labels,
    ...(modality === undefined ? {} : {modality}),
    ...(caption === undefined ? {} : {caption}),
    ...(captionLabel === undefined ? {} : {captionLabel}),
  };
}

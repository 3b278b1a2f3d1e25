import {checkRange} from "@claps/core";
import type {Image} from "@claps/image";
import type * as tf from "@tensorflow/tfjs-core";
import type {PictureTextEncoder} from "../zero-shot/picture-text-encoder.js";
import type {EmbeddingCache} from "./embedding-cache.js";
import type {Embedding} from "./embedding-entry.js";
import {embeddingKey, hashWeights} from "./embedding-key.js";

/** Options of {@link CachedEncoder.encodeImage}. */
export interface CachedEncodeOptions {
  /** Pictures computed at a time, and then kept; default 8. */
  readonly batch?: number;
  /** Whether the grids of patches come out too; default false. */
  readonly features?: boolean;
}

/** Vectors of pictures, and grids if asked for. */
export interface CachedImages {
  /** Vectors of unit length [N × E]. */
  readonly vectors: Float32Array;
  /** Patches [N × h × w × D], if asked for. */
  readonly grid?: Float32Array;
  /** N, h, w, D, if asked for. */
  readonly gridShape?: readonly number[];
}

/** What a frozen model has to show, so that its embeddings can be told from another's. */
export interface FrozenEncoder {
  /** The picture tower. */
  readonly vision: {namedWeights(): ReadonlyMap<string, tf.Tensor>};
  readonly config: {
    readonly vision: unknown;
    readonly projectionWidth: number;
    readonly preprocess: unknown;
  };
  encodeImage(
    images: readonly Image[],
    options?: {batch?: number; features?: boolean},
  ): Promise<{
    readonly vectors: Float32Array;
    readonly grid?: Float32Array;
    readonly gridShape?: readonly number[];
  }>;
  encodeText: PictureTextEncoder["encodeText"];
}

/** An encoder that computes no picture twice. */
export interface CachedEncoder extends PictureTextEncoder {
  encodeImage(images: readonly Image[], options?: CachedEncodeOptions): Promise<CachedImages>;
}

/**
 * A model whose picture embeddings come from a cache where it holds them.
 *
 * For frozen models. Weights that are replaced later are noticed, and the embeddings then have other keys. Sentences
 * pass through.
 *
 * @param encoder - The model, for example a `Clip`.
 * @param cache - Where embeddings are kept.
 * @returns The same answers; pictures that are there several times in a list are computed once.
 * @example
 * ```ts
 * const clip = await loadClip("weights/clip");
 * const encoder = cachedEncoder(clip, new EmbeddingCache());
 * const {vectors} = await encoder.encodeImage(images);
 * ```
 */
export function cachedEncoder(encoder: FrozenEncoder, cache: EmbeddingCache): CachedEncoder {
  const identity = weightIdentity(encoder);
  return {
    encodeText: (texts) => encoder.encodeText(texts),
    encodeImage: async (images, {batch = 8, features = false} = {}) => {
      checkRange(batch, {min: 1, integer: true}, "batch of encodeImage");
      if (images.length === 0) return encoder.encodeImage(images, {batch, features});
      const weights = await identity();
      const outputs: Output[] = features ? ["vector", "grid"] : ["vector"];
      const {preprocess} = encoder.config;
      const keys = images.map((image) =>
        outputs.map((output) => embeddingKey({image, weights, preprocess, output})),
      );
      const known = new Map<string, Embedding>();
      const missing = new Map<string, number>();
      for (const [index, own] of keys.entries()) {
        const [first = ""] = own;
        if (known.has(first) || missing.has(first)) continue;
        const found = await Promise.all(own.map((key) => cache.get(key)));
        if (found.includes(undefined)) missing.set(first, index);
        else own.forEach((key, at) => known.set(key, found[at] as Embedding));
      }
      const places = [...missing.values()];
      for (let start = 0; start < places.length; start += batch) {
        const chosen = places.slice(start, start + batch);
        const encoded = await encoder.encodeImage(
          chosen.map((place) => images[place]!),
          {batch, features},
        );
        // Kept batch by batch, so that a run that is stopped has not computed in vain.
        for (const [row, place] of chosen.entries()) {
          for (const [at, output] of outputs.entries()) {
            const key = keys[place]?.[at] as string;
            const embedding = rowOf(encoded, output, row, chosen.length);
            known.set(key, embedding);
            await cache.put(key, embedding);
          }
        }
      }
      const [vectors, grid] = outputs.map((_, at) =>
        joined(keys.map((own) => known.get(own[at] as string) as Embedding)),
      );
      return {
        vectors: vectors?.data as Float32Array,
        ...(grid === undefined ? {} : {grid: grid.data, gridShape: grid.shape}),
      };
    },
  };
}

type Output = "vector" | "grid";

/** The hash of the picture tower; computed when first needed, and again when a weight was replaced. */
function weightIdentity({vision, config}: FrozenEncoder): () => Promise<string> {
  let seen: {places: readonly object[]; hash: Promise<string>} | undefined;
  return () => {
    const weights = vision.namedWeights();
    // A variable that is assigned to holds other data from then on.
    const places = [...weights.values()].map(({dataId}) => dataId);
    const isSame = seen?.places.length === places.length && seen.places.every((id, at) => id === places[at]);
    if (seen === undefined || !isSame) {
      const {vision: architecture, projectionWidth} = config;
      seen = {places, hash: hashWeights(weights, {architecture, projectionWidth})};
    }
    return seen.hash;
  };
}

function rowOf(
  {vectors, grid, gridShape}: CachedImages,
  output: Output,
  row: number,
  rows: number,
): Embedding {
  const table = output === "grid" ? (grid as Float32Array) : vectors;
  const size = table.length / rows;
  const shape = output === "grid" ? (gridShape ?? []).slice(1) : [size];
  return {data: table.slice(row * size, (row + 1) * size), shape};
}

function joined(rows: readonly Embedding[]): Embedding {
  const [first] = rows;
  const size = first?.data.length ?? 0;
  const data = new Float32Array(rows.length * size);
  rows.forEach((row, at) => data.set(row.data, at * size));
  return {data, shape: [rows.length, ...(first?.shape ?? [])]};
}

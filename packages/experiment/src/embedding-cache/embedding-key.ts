import {createHash} from "node:crypto";
import type {Image} from "@claps/image";
import type * as tf from "@tensorflow/tfjs-core";

/** Goes up when the same model would give other numbers for the same picture. */
const VERSION = 1;

/** What an embedding depends on. */
export interface EmbeddingOrigin {
  /** The picture as it is before any preparation; its name does not count. */
  readonly image: Image;
  /** Hash of weights and architecture, see {@link hashWeights}. */
  readonly weights: string;
  /** Everything that happens to a picture before the model; plain data. */
  readonly preprocess: unknown;
  /** Which result of the model it is, for example `vector`. */
  readonly output: string;
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** JSON with the keys of records in one order, so that equal settings have equal text. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/**
 * The key of an embedding.
 *
 * @param origin - Picture, weights, preprocessing, and which result.
 * @returns 64 hexadecimal digits.
 * @example
 * ```ts
 * embeddingKey({image, weights: await hashWeights(clip.namedWeights()), preprocess, output: "vector"});
 * ```
 */
export function embeddingKey({image, weights, preprocess, output}: EmbeddingOrigin): string {
  const {height, width, channels, white, pixels} = image;
  const head = {
    version: VERSION,
    height,
    width,
    channels,
    white,
    dtype: pixels.dtype,
    weights,
    preprocess,
    output,
  };
  return createHash("sha256")
    .update(canonicalJson(head))
    .update("\n")
    .update(bytesOf(pixels.data))
    .digest("hex");
}

/**
 * A hash of a model: names, shapes and every bit of its weights, and its architecture.
 *
 * @param weights - Weights by name; their order does not count.
 * @param architecture - Settings that change results without changing weights; plain data.
 * @returns 64 hexadecimal digits.
 */
export async function hashWeights(
  weights: ReadonlyMap<string, tf.Tensor>,
  architecture: unknown = null,
): Promise<string> {
  const hash = createHash("sha256").update(canonicalJson(architecture));
  const named = [...weights].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, tensor] of named) {
    hash.update(JSON.stringify([name, tensor.dtype, tensor.shape]));
    hash.update(bytesOf(await tensor.data()));
  }
  return hash.digest("hex");
}

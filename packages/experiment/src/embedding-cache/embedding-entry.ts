import {createHash} from "node:crypto";
import {DataError, ShapeError} from "@claps/core";
import {encodeSafetensors, parseSafetensors} from "@claps/weights";

/** An array of floats with its shape. */
export interface Embedding {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

const NAME = "embedding";

function digest(key: string, {data, shape}: Embedding): string {
  return createHash("sha256")
    .update(JSON.stringify([key, shape]))
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest("hex");
}

/**
 * The bytes of a cached embedding: a safetensors file that names its key and its own hash.
 *
 * @throws ShapeError if data and shape do not fit.
 */
export function encodeEntry(key: string, embedding: Embedding): Uint8Array {
  const {data, shape} = embedding;
  const wanted = shape.reduce((product, size) => product * size, 1);
  if (data.length !== wanted) {
    throw new ShapeError(
      `Embedding: expected ${wanted} numbers for shape [${shape.join(", ")}], got ${data.length}.`,
    );
  }
  return encodeSafetensors(new Map([[NAME, {dtype: "F32", shape: [...shape], data}]]), {
    key,
    sha256: digest(key, embedding),
  });
}

/**
 * The embedding in the bytes of an entry.
 *
 * @throws ClapsError if a single bit is not as written, or the entry belongs to another key.
 */
export function decodeEntry(key: string, bytes: Uint8Array): Embedding {
  const {tensors, metadata} = parseSafetensors(bytes, `cache entry ${key}`);
  const stored = tensors.get(NAME);
  if (stored === undefined || !(stored.data instanceof Float32Array)) {
    throw new DataError(`Cache entry ${key}: expected an array "${NAME}" of F32, got none.`);
  }
  const embedding = {data: stored.data, shape: stored.shape};
  if (metadata["key"] !== key || metadata["sha256"] !== digest(key, embedding)) {
    throw new DataError(`Cache entry ${key}: its key or its hash is not that of its content.`);
  }
  return embedding;
}

import * as tf from "@tensorflow/tfjs-core";

/** Options of {@link attention}. */
export interface AttentionOptions {
  /** Added to the scores, [.., Tq, Tk]; large negative (not infinite) where a key must not be seen. */
  mask?: tf.Tensor;
  /** Factor of the scores; default 1 / sqrt(d). */
  scale?: number;
  /** Most scores to hold at once, in numbers; above it the queries go in chunks. Default 2^25 (128 MB). */
  maxScores?: number;
}

function attend(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, mask?: tf.Tensor): tf.Tensor {
  const scores = tf.matMul(query, key, false, true);
  const weights = tf.softmax(mask === undefined ? scores : tf.add(scores, mask));
  return tf.matMul(weights, value);
}

/**
 * Scaled dot-product attention.
 *
 * Shapes: query [B, h, Tq, d], key [B, h, Tk, d], value [B, h, Tk, e]; returns [B, h, Tq, e]. Rank 3 works
 * too. All three must have the same leading axes; mask broadcasts against [B, h, Tq, Tk].
 *
 * @param query - Questions.
 * @param key - What they are compared with.
 * @param value - What is averaged; it may be narrower than the keys.
 * @param options - Mask, scale and the limit above which queries go in chunks.
 * @returns One average per query; the caller disposes it.
 *
 * Source: Vaswani et al. 2017, equation 1. Differs: the scale is put on the queries, which are fewer numbers
 * than the scores.
 */
export function attention(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  options: AttentionOptions = {},
): tf.Tensor {
  const {mask, maxScores = 1 << 25} = options;
  const width = query.shape.at(-1) as number;
  const queries = query.shape.at(-2) as number;
  const keys = key.shape.at(-2) as number;
  const scale = options.scale ?? 1 / Math.sqrt(width);
  const scaled = scale === 1 ? query : tf.mul(query, scale);
  const scoresPerQuery = (query.size / (width * queries)) * keys;
  const chunk = Math.max(1, Math.floor(maxScores / scoresPerQuery));
  if (chunk >= queries) {
    return attend(scaled, key, value, mask);
  }
  const parts: tf.Tensor[] = [];
  for (let start = 0; start < queries; start += chunk) {
    const count = Math.min(chunk, queries - start);
    parts.push(
      tf.tidy(() => {
        const rows = sliceQueries(scaled, start, count);
        const maskRows =
          mask === undefined || mask.shape.at(-2) === 1 ? mask : sliceQueries(mask, start, count);
        return attend(rows, key, value, maskRows);
      }),
    );
  }
  return tf.concat(parts, query.rank - 2);
}

function sliceQueries(x: tf.Tensor, start: number, count: number): tf.Tensor {
  const begin = x.shape.map((_, axis) => (axis === x.rank - 2 ? start : 0));
  const size = x.shape.map((length, axis) => (axis === x.rank - 2 ? count : length));
  return tf.slice(x, begin, size);
}

import * as tf from "@tensorflow/tfjs-core";
import {refuseSecondDerivative} from "./refuse-second-derivative.js";
import {sumToShape} from "./sum-to-shape.js";

/** Options of {@link attention}. */
export interface AttentionOptions {
  /** Added to the scores, [.., Tq, Tk]; large negative (not infinite) where a key must not be seen. */
  mask?: tf.Tensor;
  /** Factor of the scores; default 1 / sqrt(d). */
  scale?: number;
  /**
   * Most scores to hold at once, in numbers; above it the queries go in chunks, and the gradient computes the scores
   * anew instead of keeping them. Default 2^25 (128 MB).
   */
  maxScores?: number;
}

/** Inputs of one product of all queries, or of a chunk of them. */
interface Part {
  readonly query: tf.Tensor;
  readonly key: tf.Tensor;
  readonly value: tf.Tensor;
  readonly mask: tf.Tensor | undefined;
  readonly scale: number;
}

interface PartGradients {
  readonly query: tf.Tensor;
  readonly key: tf.Tensor;
  readonly value: tf.Tensor;
  /** As large as the scores. */
  readonly scores: tf.Tensor;
}

function attentionWeights({query, key, mask, scale}: Part): tf.Tensor {
  const scores = tf.matMul(scale === 1 ? query : tf.mul(query, scale), key, false, true);
  return tf.softmax(mask === undefined ? scores : tf.add(scores, mask));
}

/**
 * Gradients of one part. The sum over keys of weights times their gradient is taken from the result and its
 * gradient, which are far smaller than the scores.
 */
function differentiate(part: Part, weights: tf.Tensor, result: tf.Tensor, dy: tf.Tensor): PartGradients {
  const {query, key, value, scale} = part;
  const mean = tf.sum(tf.mul(dy, result), -1, true);
  const scores = tf.mul(weights, tf.sub(tf.matMul(dy, value, false, true), mean));
  const scaled = (x: tf.Tensor): tf.Tensor => (scale === 1 ? x : tf.mul(x, scale));
  return {
    query: scaled(tf.matMul(scores, key)),
    key: scaled(tf.matMul(scores, query, true, false)),
    value: tf.matMul(weights, dy, true, false),
    scores,
  };
}

function whole(part: Part): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const save = args.at(-1) as tf.GradSaveFunc;
    const [query, key, value, mask] = args.slice(0, -1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor?];
    const weights = attentionWeights({query, key, value, mask, scale: part.scale});
    const result = tf.matMul(weights, value);
    save([query, key, value, weights, result]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      refuseSecondDerivative("attention");
      const [q, k, v, w, r] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const inputs = {query: q, key: k, value: v, mask: undefined, scale: part.scale};
      const gradients = differentiate(inputs, w, r, dy);
      const {mask: given} = part;
      const own = [gradients.query, gradients.key, gradients.value];
      return given === undefined ? own : [...own, sumToShape(gradients.scores, given.shape)];
    };
    return {value: result, gradFunc};
  });
  const {query, key, value, mask} = part;
  return mask === undefined ? operation(query, key, value) : operation(query, key, value, mask);
}

/** The queries in chunks; of the scores nothing is kept. */
function inChunks(part: Part, chunk: number): tf.Tensor {
  const queries = part.query.shape.at(-2) as number;
  const starts = Array.from({length: Math.ceil(queries / chunk)}, (_, index) => index * chunk);
  const cut = (x: tf.Tensor, start: number): tf.Tensor => sliceQueries(x, start, chunk);
  const partAt = (all: Part, start: number): Part => ({
    ...all,
    query: cut(all.query, start),
    mask: all.mask === undefined || rowsOf(all.mask) === 1 ? all.mask : cut(all.mask, start),
  });
  const axis = part.query.rank - 2;
  const operation = tf.customGrad((...args) => {
    const save = args.at(-1) as tf.GradSaveFunc;
    const inputs = args.slice(0, -1) as tf.Tensor[];
    const all = (tensors: tf.Tensor[]): Part => {
      const [query, key, value, mask] = tensors as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor?];
      return {query, key, value, mask, scale: part.scale};
    };
    const results = starts.map((start) =>
      tf.tidy(() => {
        const rows = partAt(all(inputs), start);
        return tf.matMul(attentionWeights(rows), rows.value);
      }),
    );
    const result = tf.concat(results, axis);
    save([result, ...inputs]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      refuseSecondDerivative("attention");
      const [kept, ...keptInputs] = saved as [tf.Tensor, ...tf.Tensor[]];
      const inner = all(keptInputs);
      const parts = starts.map((start) =>
        tf.tidy(() => {
          const rows = partAt(inner, start);
          const gradients = differentiate(rows, attentionWeights(rows), cut(kept, start), cut(dy, start));
          const own = [gradients.query, gradients.key, gradients.value];
          return rows.mask === undefined ? own : [...own, sumToShape(gradients.scores, rows.mask.shape)];
        }),
      );
      const column = (index: number): tf.Tensor[] => parts.map((gradients) => gradients[index] as tf.Tensor);
      const own = [tf.concat(column(0), axis), tf.addN(column(1)), tf.addN(column(2))];
      const {mask} = inner;
      if (mask === undefined) return own;
      return [...own, rowsOf(mask) === 1 ? tf.addN(column(3)) : tf.concat(column(3), mask.rank - 2)];
    };
    return {value: result, gradFunc};
  });
  const {query, key, value, mask} = part;
  return mask === undefined ? operation(query, key, value) : operation(query, key, value, mask);
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
 * @param options - Mask, scale and the limit above which queries go in chunks. The mask gets a gradient, too.
 * @returns One average per query; the caller disposes it.
 * @throws ConfigError `second-derivative` if the gradient itself is differentiated.
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
  const scoresPerQuery = (query.size / (width * queries)) * keys;
  const chunk = Math.max(1, Math.floor(maxScores / scoresPerQuery));
  const part = {query, key, value, mask, scale};
  return chunk >= queries ? whole(part) : inChunks(part, chunk);
}

/** Rows of a mask, one per query; a mask of rank 0 or 1 is one row for all of them. */
function rowsOf(mask: tf.Tensor): number {
  return mask.shape.at(-2) ?? 1;
}

/** Up to so many queries from a place on, of anything that has one row per query. */
function sliceQueries(x: tf.Tensor, start: number, count: number): tf.Tensor {
  const begin = x.shape.map((_, axis) => (axis === x.rank - 2 ? start : 0));
  const size = x.shape.map((length, axis) =>
    axis === x.rank - 2 ? Math.min(count, length - start) : length,
  );
  return tf.slice(x, begin, size);
}

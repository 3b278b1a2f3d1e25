import {ConfigError, ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/** The two thin matrices of a low-rank change. */
export interface LoraFactors {
  /** Inputs to rank, [in, r]; called A, transposed, in the paper. */
  down: tf.Tensor;
  /** Rank to outputs, [r, out]; called B, transposed, in the paper. */
  up: tf.Tensor;
}

/**
 * What low-rank changes add to a fused linear layer, whose outputs are equal parts side by side (such as q, k, v).
 *
 * Shapes: x [..., in]; returns [..., parts * out].
 *
 * All parts together are two matrix products, whatever their number.
 *
 * @param x - Input of the layer.
 * @param parts - One change per part of the outputs; `undefined` leaves a part as it is.
 * @param scale - Factor of the changes: alpha / r.
 * @returns What to add to the layer's output; the caller disposes it.
 * @throws ConfigError if no part changes; ShapeError if the parts have different widths.
 * @example
 * ```ts
 * const change = {down: tf.ones([3, 1]), up: tf.ones([1, 2])};
 * lora(tf.ones([1, 3]), [change, undefined], 2); // 6, 6, 0, 0
 * ```
 *
 * Source: Hu et al. 2022, section 4.1.
 */
export function lora(x: tf.Tensor, parts: readonly (LoraFactors | undefined)[], scale: number): tf.Tensor {
  const {down, up} = stacked(parts);
  const [inputs, rank] = down.shape;
  const rows: tf.Tensor2D = tf.reshape(x, [x.size / inputs, inputs]);
  const inner: tf.Tensor2D = tf.reshape(tf.mul(tf.matMul(rows, down), scale), [x.size / inputs, rank]);
  return tf.reshape(tf.matMul(inner, up), [...x.shape.slice(0, -1), up.shape[1]]);
}

/**
 * The weight of a fused linear layer with its low-rank changes added, for use without them.
 *
 * Shapes: weight [in, parts * out]; returns the same.
 *
 * @param weight - Weight of the layer.
 * @param parts - As for {@link lora}.
 * @param scale - As for {@link lora}.
 * @returns The merged weight; the caller disposes it.
 * @throws ConfigError if no part changes; ShapeError if the parts have different widths.
 */
export function mergedLoraWeight(
  weight: tf.Tensor,
  parts: readonly (LoraFactors | undefined)[],
  scale: number,
): tf.Tensor {
  const {down, up} = stacked(parts);
  return tf.add(weight, tf.mul(tf.matMul(down, up), scale));
}

/** The matrices of all parts as two: ranks side by side, and each part's outputs in their own columns. */
function stacked(parts: readonly (LoraFactors | undefined)[]): {down: tf.Tensor2D; up: tf.Tensor2D} {
  const changed = parts.filter((part) => part !== undefined);
  const [first] = changed;
  if (first === undefined) throw new ConfigError("lora: expected at least one part that changes, got none.");
  const outputs = first.up.shape[1] as number;
  const ups = parts.flatMap((part, index) => {
    if (part === undefined) return [];
    const [rank, width] = part.up.shape as [number, number];
    if (width !== outputs || part.down.shape[1] !== rank) {
      throw new ShapeError(
        `lora, part ${index}: expected matrices [in, r] and [r, ${outputs}], got [${part.down.shape.join(", ")}] and [${part.up.shape.join(", ")}].`,
      );
    }
    return [
      tf.pad(part.up as tf.Tensor2D, [
        [0, 0],
        [index * outputs, (parts.length - 1 - index) * outputs],
      ]),
    ];
  });
  const downs = changed.map(({down}) => down as tf.Tensor2D);
  return {down: tf.concat(downs, 1), up: tf.concat(ups, 0)};
}

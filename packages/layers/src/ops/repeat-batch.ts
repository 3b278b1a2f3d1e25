import * as tf from "@tensorflow/tfjs-core";
import {broadcast} from "./broadcast.js";

/**
 * Repeats each item of the first axis: a, b becomes a, a, b, b.
 *
 * Shapes: x [B, ...]; returns [B * times, ...].
 *
 * @param x - Any tensor of rank 1 or more.
 * @param times - How often each item comes; 1 gives x back under a new handle.
 * @returns The repeated tensor; the caller disposes it.
 */
export function repeatBatch(x: tf.Tensor, times: number): tf.Tensor {
  if (times === 1) {
    return tf.clone(x);
  }
  const [batch, ...rest] = x.shape as [number, ...number[]];
  const inner = x.size / batch;
  const repeated = broadcast(tf.reshape(x, [batch, 1, inner]), [batch, times, inner]);
  return tf.reshape(repeated, [batch * times, ...rest]);
}

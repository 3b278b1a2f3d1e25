import * as tf from "@tensorflow/tfjs-core";
import {softplus} from "./softplus.js";

/**
 * `log(sigmoid(x))` without overflow: the log-probability that a logit stands for.
 *
 * @param x - Logits of any shape.
 * @returns Numbers below 0; the caller disposes them.
 */
export function logSigmoid(x: tf.Tensor): tf.Tensor {
  return tf.neg(softplus(tf.neg(x)));
}

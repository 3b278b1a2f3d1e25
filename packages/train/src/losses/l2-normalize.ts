import {noGrad} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";

/** Rows shorter than this are divided by it instead, as in PyTorch. */
const SHORTEST = 1e-12;

/**
 * Rows brought to length 1.
 *
 * Shapes: [N, D] → [N, D].
 *
 * @param rows - Embeddings; a row of zeros stays one, without a gradient.
 * @returns The rows; the caller disposes them.
 *
 * Source: checked against torch.nn.functional.normalize.
 * Differs: the gradient of a row of zeros is 0, not 10^12 times what comes in.
 */
export function l2Normalize(rows: tf.Tensor2D): tf.Tensor2D {
  const operation = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([x]);
    return {
      value: tf.div(x, lengthOf(x)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const kept = saved[0] as tf.Tensor;
        const divisor = lengthOf(kept);
        const unit = tf.div(kept, divisor);
        const along = tf.sum(tf.mul(dy, unit), -1, true);
        const slope = tf.div(tf.sub(dy, tf.mul(unit, along)), divisor);
        const counts = noGrad(() => tf.cast(tf.greater(divisor, SHORTEST), "float32"));
        return tf.mul(slope, counts);
      },
    };
  });
  return operation(rows) as tf.Tensor2D;
}

function lengthOf(rows: tf.Tensor): tf.Tensor {
  return tf.maximum(tf.sqrt(tf.sum(tf.square(rows), -1, true)), SHORTEST);
}

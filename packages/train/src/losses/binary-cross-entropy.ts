import {checkShape} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/**
 * Binary cross entropy of logits, element by element.
 *
 * Stable for logits of any size: no probability is ever logged. The gradient with respect to the logits is
 * written by hand, `sigmoid(x) - t`; targets are constants and get none.
 *
 * Shapes: logits and targets of one shape [...] → [...].
 * Units: logits in, nats out; targets 0..1, soft ones allowed.
 *
 * @param logits - Predictions before the sigmoid.
 * @param targets - Truth of the same shape.
 * @returns One number per element; take the mean or sum as needed. The caller disposes it.
 * @throws ShapeError if the shapes differ.
 * @example
 * ```ts
 * const loss = tf.mean(binaryCrossEntropy(tf.tensor1d([2, -1]), tf.tensor1d([1, 0])));
 * ```
 *
 * Source: checked against torch.nn.functional.binary_cross_entropy_with_logits.
 */
export function binaryCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  checkShape(targets.shape, logits.shape, "targets of the binary cross entropy");
  const operation = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([x, targets]);
    return {
      value: crossEntropyValues(x, targets),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [logit, target] = saved as [tf.Tensor, tf.Tensor];
        return tf.mul(dy, tf.sub(tf.sigmoid(logit), target));
      },
    };
  });
  return operation(logits);
}

/**
 * The values of {@link binaryCrossEntropy} for use inside another loss with its own gradient.
 *
 * @param x - Logits.
 * @param t - Targets of the same shape.
 * @returns max(x, 0) - x t + log(1 + exp(-|x|)); the caller disposes it.
 */
export function crossEntropyValues(x: tf.Tensor, t: tf.Tensor): tf.Tensor {
  return tf.add(tf.sub(tf.relu(x), tf.mul(x, t)), tf.softplus(tf.neg(tf.abs(x))));
}

import {sumToShape} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {checkBoxPairs} from "./box-pairs.js";

/**
 * L1 distance of boxes: the sum of the four absolute differences.
 *
 * The gradient is 0 where two numbers are equal, so that an exact fit stays where it is.
 *
 * Shapes: [..., 4] and [..., 4] of one rank, axes equal or 1 → [...]; [N, 1, 4] and [1, M, 4] give all pairs.
 * Units: those of the boxes; both sets in one format and frame.
 *
 * @param boxes - Boxes.
 * @param others - Boxes to compare with.
 * @returns One distance per pair; the caller disposes it.
 * @throws ShapeError if the shapes do not belong together.
 * @example
 * ```ts
 * boxL1(tf.tensor2d([[0, 0, 1, 1]]), tf.tensor2d([[0, 0.5, 1, 0]])); // [1.5]
 * ```
 *
 * Source: Carion et al. 2020, section 3.1; checked against torch.nn.functional.l1_loss and torch.cdist.
 */
export function boxL1(boxes: tf.Tensor, others: tf.Tensor): tf.Tensor {
  checkBoxPairs(boxes, others, "boxL1");
  const operation = tf.customGrad((...args) => {
    const [a, b, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([a, b]);
    return {
      value: tf.sum(tf.abs(tf.sub(a, b)), -1),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [left, right] = saved as [tf.Tensor, tf.Tensor];
        const slope = tf.mul(tf.expandDims(dy, -1), tf.sign(tf.sub(left, right)));
        return [sumToShape(slope, left.shape), sumToShape(tf.neg(slope), right.shape)];
      },
    };
  });
  return operation(boxes, others);
}

import {ShapeError} from "@claps/core";
import type * as tf from "@tensorflow/tfjs-core";

/**
 * Throws unless two sets of boxes can be compared element by element.
 *
 * @param boxes - Boxes [..., 4].
 * @param others - Boxes [..., 4] of the same rank; axes of size 1 are repeated.
 * @param what - The operation, for the message.
 * @throws ShapeError naming both shapes.
 */
export function checkBoxPairs(boxes: tf.Tensor, others: tf.Tensor, what: string): void {
  const [a, b] = [boxes.shape, others.shape];
  const fits =
    a.length === b.length &&
    a.at(-1) === 4 &&
    b.at(-1) === 4 &&
    a.every((size, axis) => size === b[axis] || size === 1 || b[axis] === 1);
  if (!fits) {
    throw new ShapeError(
      `${what}: expected boxes [..., 4] of one rank whose axes are equal or 1, got [${a.join(", ")}] and [${b.join(", ")}]. For every pair give [N, 1, 4] and [1, M, 4].`,
    );
  }
}

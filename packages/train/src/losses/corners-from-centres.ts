import {ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

/** Columns give x0, y0, x1, y1; rows take x, y of the centre, width, height. */
const CORNERS = [
  [1, 0, 1, 0],
  [0, 1, 0, 1],
  [-0.5, 0, 0.5, 0],
  [0, -0.5, 0, 0.5],
];

/**
 * Boxes given by their corners instead of by centre and size.
 *
 * Shapes: [..., 4] → [..., 4]; (centre x, centre y, width, height) → (x0, y0, x1, y1).
 * Units: whatever the boxes have; detectors use shares of the picture's sides.
 *
 * @param boxes - Boxes by centre and size, finite.
 * @returns Boxes by corners; the caller disposes them.
 * @throws ShapeError if the last axis is not 4.
 * @example
 * ```ts
 * cornersFromCentres(tf.tensor2d([[0.5, 0.5, 0.2, 0.4]])); // [[0.4, 0.3, 0.6, 0.7]]
 * ```
 *
 * Source: checked against center_to_corners_format of transformers.
 */
export function cornersFromCentres(boxes: tf.Tensor): tf.Tensor {
  if (boxes.shape.at(-1) !== 4) {
    throw new ShapeError(`cornersFromCentres: expected boxes [..., 4], got [${boxes.shape.join(", ")}].`);
  }
  const flat: tf.Tensor2D = tf.reshape(boxes, [boxes.size / 4, 4]);
  return tf.reshape(tf.matMul(flat, tf.tensor2d(CORNERS)), boxes.shape);
}

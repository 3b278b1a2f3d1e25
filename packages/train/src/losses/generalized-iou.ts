import {sumToShape} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {checkBoxPairs} from "./box-pairs.js";

/**
 * Intersection over union of boxes.
 *
 * Shapes: corners [..., 4] and [..., 4] of one rank, axes equal or 1 → [...]; [N, 1, 4] and [1, M, 4] give all
 * pairs.
 * Units: boxes (x0, y0, x1, y1) in one frame, x0 ≤ x1 and y0 ≤ y1.
 *
 * @param boxes - Boxes by corners.
 * @param others - Boxes to compare with.
 * @returns IoU per pair, 0..1; 0 for two boxes without area. The caller disposes it.
 * @throws ShapeError if the shapes do not belong together.
 * @example
 * ```ts
 * boxIou(tf.tensor2d([[0, 0, 2, 2]]), tf.tensor2d([[1, 0, 3, 2]])); // [1 / 3]
 * ```
 */
export function boxIou(boxes: tf.Tensor, others: tf.Tensor): tf.Tensor {
  return compareBoxes(boxes, others, false);
}

/**
 * Generalised intersection over union of boxes: IoU less the share of their common hull that neither covers.
 *
 * The gradient is written by hand. Where two edges coincide each box gets half of it, as in PyTorch.
 *
 * Shapes: corners [..., 4] and [..., 4] of one rank, axes equal or 1 → [...]; [N, 1, 4] and [1, M, 4] give all
 * pairs.
 * Units: boxes (x0, y0, x1, y1) in one frame, x0 ≤ x1 and y0 ≤ y1.
 *
 * @param boxes - Boxes by corners, see `cornersFromCentres`.
 * @param others - Boxes to compare with.
 * @returns One number per pair, -1..1; the caller disposes it.
 * @throws ShapeError if the shapes do not belong together.
 * @example
 * ```ts
 * generalizedIou(tf.tensor2d([[0, 0, 1, 1]]), tf.tensor2d([[2, 0, 3, 1]])); // [-1 / 3]
 * ```
 *
 * Source: Rezatofighi et al. 2019, algorithm 1; checked against generalized_box_iou of transformers.
 * Differs: where the original divides 0 by 0 (no area in both boxes, or no hull), our reading is 0.
 */
export function generalizedIou(boxes: tf.Tensor, others: tf.Tensor): tf.Tensor {
  return compareBoxes(boxes, others, true);
}

/**
 * GIoU loss of boxes: 1 less their generalised IoU.
 *
 * Shapes: corners [..., 4] and [..., 4] of one rank, axes equal or 1 → [...].
 * Units: boxes (x0, y0, x1, y1) in one frame, x0 ≤ x1 and y0 ≤ y1.
 *
 * @param predicted - Boxes by corners.
 * @param truth - Boxes to reach.
 * @returns One loss per pair, 0..2; the caller disposes it.
 * @throws ShapeError if the shapes do not belong together.
 * @example
 * ```ts
 * const loss = tf.sum(giouLoss(cornersFromCentres(predicted), cornersFromCentres(truth)));
 * ```
 *
 * Source: Rezatofighi et al. 2019, equation 4.
 */
export function giouLoss(predicted: tf.Tensor, truth: tf.Tensor): tf.Tensor {
  return tf.sub(1, generalizedIou(predicted, truth));
}

/** What two boxes share and span; pairs (x, y) have a last axis of 2. */
interface Comparison {
  /** Sizes of both boxes, of their overlap and of their hull, as pairs. */
  readonly sizes: readonly [tf.Tensor, tf.Tensor];
  readonly overlap: tf.Tensor;
  readonly hull: tf.Tensor;
  /** Distance from the low to the high edge of the overlap, negative between boxes that are apart. */
  readonly gap: tf.Tensor;
  /** Sign of the difference of both boxes' low and high corners. */
  readonly signs: readonly [tf.Tensor, tf.Tensor];
  readonly intersection: tf.Tensor;
  readonly union: tf.Tensor;
  readonly hullArea: tf.Tensor;
}

function compareBoxes(boxes: tf.Tensor, others: tf.Tensor, withHull: boolean): tf.Tensor {
  checkBoxPairs(boxes, others, withHull ? "generalizedIou" : "boxIou");
  const operation = tf.customGrad((...args) => {
    const [a, b, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([a, b]);
    const {intersection, union, hullArea} = compare(a, b);
    const iou = tf.div(intersection, divisor(union));
    const uncovered = (): tf.Tensor => tf.div(tf.sub(hullArea, union), divisor(hullArea));
    return {
      value: withHull ? tf.sub(iou, uncovered()) : iou,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [left, right] = saved as [tf.Tensor, tf.Tensor];
        return gradients(left, right, dy, withHull);
      },
    };
  });
  return operation(boxes, others);
}

function half(boxes: tf.Tensor, start: 0 | 2): tf.Tensor {
  const begin = boxes.shape.map((_, axis) => (axis === boxes.rank - 1 ? start : 0));
  const size = boxes.shape.map((count, axis) => (axis === boxes.rank - 1 ? 2 : count));
  return tf.slice(boxes, begin, size);
}

function product(pairs: tf.Tensor): tf.Tensor {
  const [x, y] = tf.split(pairs, 2, -1) as [tf.Tensor, tf.Tensor];
  return tf.squeeze(tf.mul(x, y), [pairs.rank - 1]);
}

/** An area that may be divided by: 1 in place of 0. */
function divisor(area: tf.Tensor): tf.Tensor {
  return tf.add(area, tf.cast(tf.equal(area, 0), "float32"));
}

/** Slopes divided by an area; without area there is no slope. */
function per(slope: tf.Tensor, area: tf.Tensor): tf.Tensor {
  return tf.div(tf.mul(slope, tf.step(area)), divisor(area));
}

function compare(a: tf.Tensor, b: tf.Tensor): Comparison {
  const [low, high, otherLow, otherHigh] = [half(a, 0), half(a, 2), half(b, 0), half(b, 2)];
  const sizes = [tf.sub(high, low), tf.sub(otherHigh, otherLow)] as const;
  const gap = tf.sub(tf.minimum(high, otherHigh), tf.maximum(low, otherLow));
  const overlap = tf.relu(gap);
  const hull = tf.sub(tf.maximum(high, otherHigh), tf.minimum(low, otherLow));
  const intersection = product(overlap);
  const union = tf.sub(tf.add(product(sizes[0]), product(sizes[1])), intersection);
  return {
    sizes,
    overlap,
    hull,
    gap,
    signs: [tf.sign(tf.sub(low, otherLow)), tf.sign(tf.sub(high, otherHigh))],
    intersection,
    union,
    hullArea: product(hull),
  };
}

function gradients(a: tf.Tensor, b: tf.Tensor, dy: tf.Tensor, withHull: boolean): [tf.Tensor, tf.Tensor] {
  const {sizes, overlap, hull, gap, signs, intersection, union, hullArea} = compare(a, b);
  // By areas, with I the intersection, U the union (areas of both less I), H the hull: I / U - 1 + U / H.
  const perUnion = per(dy, union);
  const lost = tf.mul(perUnion, tf.div(intersection, divisor(union)));
  const perHull = per(dy, hullArea);
  const byArea = withHull ? tf.sub(perHull, lost) : tf.neg(lost);
  const byOverlap = tf.expandDims(tf.sub(perUnion, byArea), -1);

  // By edges: width counts times height and the other way round.
  const across = (pairs: tf.Tensor): tf.Tensor => tf.reverse(pairs, -1);
  const touching = tf.cast(tf.greaterEqual(gap, 0), "float32");
  const inner = tf.mul(tf.mul(byOverlap, across(overlap)), touching);
  const outer = withHull
    ? tf.mul(tf.expandDims(tf.neg(tf.mul(perHull, tf.div(union, divisor(hullArea)))), -1), across(hull))
    : tf.zerosLike(inner);
  const even = tf.mul(tf.add(outer, inner), 0.5);
  const uneven = tf.mul(tf.sub(outer, inner), 0.5);

  // The box whose edge lies further out owns the hull's edge, the other one that of the overlap.
  const [lowSign, highSign] = signs;
  const unevenLow = tf.mul(uneven, lowSign);
  const unevenHigh = tf.mul(uneven, highSign);
  const own = (size: tf.Tensor): tf.Tensor => tf.mul(tf.expandDims(byArea, -1), across(size));
  const evenA = tf.add(even, own(sizes[0]));
  const evenB = tf.add(even, own(sizes[1]));
  const da = tf.concat([tf.sub(unevenLow, evenA), tf.add(evenA, unevenHigh)], -1);
  const db = tf.concat([tf.neg(tf.add(evenB, unevenLow)), tf.sub(evenB, unevenHigh)], -1);
  return [sumToShape(da, a.shape), sumToShape(db, b.shape)];
}

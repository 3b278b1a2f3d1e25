import {ClapsError, checkRange, checkShape} from "@claps/core";
import {hungarian} from "./hungarian.js";

/** What a detector predicts for one picture, read from the engine. */
export interface BoxPredictions {
  /** Class logits [Q, C], row by row; -Infinity for channels that are padding. */
  readonly logits: ArrayLike<number>;
  /** Boxes by centre and size [Q, 4], as shares of the picture's sides. */
  readonly boxes: ArrayLike<number>;
}

/** What there is to find in one picture. */
export interface BoxTruths {
  /** Which channels speak for each truth [K, C]: weights of 0 or more that are brought to sum 1. */
  readonly classes: ArrayLike<number>;
  /** Boxes by centre and size [K, 4], as shares of the picture's sides. */
  readonly boxes: ArrayLike<number>;
}

/** Weights and constants of {@link matchBoxes}. */
export interface MatchBoxesOptions {
  /** Number of channels C. */
  channels: number;
  /** Weight of the class; default 1. */
  classWeight?: number;
  /** Weight of the L1 distance of the boxes; default 5. */
  l1Weight?: number;
  /** Weight of the generalised IoU; default 2. */
  giouWeight?: number;
  /** Focal weight of the positive class; default 0.25. */
  alpha?: number;
  /** Focal exponent; default 2. */
  gamma?: number;
}

/** Which prediction stands for which truth. */
export interface BoxMatch {
  /** Matched predictions, rising. */
  readonly queries: Int32Array;
  /** The truth of each of them. */
  readonly truths: Int32Array;
  /** The prediction of each truth, -1 where there are more truths than predictions. */
  readonly queryOfTruth: Int32Array;
  /** Cost of all pairs. */
  readonly cost: number;
}

/** Keeps logarithms finite, as in the reference. */
const SMALLEST = 1e-8;

/**
 * Gives every truth the prediction that fits best, each at most once: the matcher of DETR and Grounding DINO.
 *
 * The cost of a pair is classWeight · focal cost of its channels + l1Weight · L1 + giouWeight · (-GIoU). Plain
 * arrays in double precision; runs between the two halves of a training step.
 *
 * Shapes: Q predictions with C channels, K truths → pairs; K may be 0.
 *
 * @param predictions - Logits and boxes of one picture.
 * @param truths - Classes and boxes of the same picture.
 * @param options - Number of channels, weights.
 * @returns The pairs.
 * @throws ShapeError if arrays do not belong together; ConfigError for weights below 0; ClapsError with code
 *   `non-finite` if a prediction is not finite, with code `no-class` if a truth has no channel.
 * @example
 * ```ts
 * const {queryOfTruth} = matchBoxes({logits, boxes}, {classes, boxes: truthBoxes}, {channels: 256});
 * ```
 *
 * Source: Carion et al. 2020, equation 1, with the focal cost of Zhu et al. 2021; checked against
 * GroundingDinoHungarianMatcher of transformers.
 */
export function matchBoxes(
  predictions: BoxPredictions,
  truths: BoxTruths,
  options: MatchBoxesOptions,
): BoxMatch {
  const {channels, classWeight = 1, l1Weight = 5, giouWeight = 2} = options;
  checkRange(channels, {min: 1, integer: true}, "channels of matchBoxes");
  checkRange(classWeight, {min: 0}, "classWeight of matchBoxes");
  checkRange(l1Weight, {min: 0}, "l1Weight of matchBoxes");
  checkRange(giouWeight, {min: 0}, "giouWeight of matchBoxes");
  const rows = predictions.boxes.length / 4;
  const columns = truths.boxes.length / 4;
  checkShape([predictions.logits.length], [rows * channels], "logits of matchBoxes [Q * C]");
  checkShape([truths.classes.length], [columns * channels], "classes of matchBoxes [K * C]");

  const values = new Float64Array(rows * columns);
  if (classWeight > 0) addClassCosts(values, predictions.logits, truths.classes, options);
  const [ours, theirs] = [cornersOf(predictions.boxes), cornersOf(truths.boxes)];
  for (let query = 0; query < rows; query++) {
    for (let truth = 0; truth < columns; truth++) {
      const distance = l1(predictions.boxes, query, truths.boxes, truth);
      const overlap = generalizedIouOf(ours, query, theirs, truth);
      values[query * columns + truth]! += l1Weight * distance - giouWeight * overlap;
    }
  }
  const {rows: queries, columns: matched, total} = hungarian({values, rows, columns});
  const queryOfTruth = new Int32Array(columns).fill(-1);
  matched.forEach((truth, index) => (queryOfTruth[truth] = queries[index] as number));
  return {queries, truths: matched, queryOfTruth, cost: total};
}

/** Focal cost of saying yes instead of no, mean over the channels of each truth. */
function addClassCosts(
  values: Float64Array,
  logits: ArrayLike<number>,
  classes: ArrayLike<number>,
  {channels, classWeight = 1, alpha = 0.25, gamma = 2}: MatchBoxesOptions,
): void {
  const queries = logits.length / channels;
  const truths = classes.length / channels;
  const costs = new Float64Array(queries);
  const used = Array.from({length: channels}, (_, channel) => channel).filter((channel) => {
    for (let truth = 0; truth < truths; truth++) if (classes[truth * channels + channel] !== 0) return true;
    return false;
  });
  const totals = classTotals(classes, channels);
  for (const channel of used) {
    for (let query = 0; query < queries; query++) {
      const yes = 1 / (1 + Math.exp(-(logits[query * channels + channel] as number)));
      const ifYes = -alpha * (1 - yes) ** gamma * Math.log(yes + SMALLEST);
      const ifNo = -(1 - alpha) * yes ** gamma * Math.log(1 - yes + SMALLEST);
      costs[query] = ifYes - ifNo;
    }
    for (let truth = 0; truth < truths; truth++) {
      const share = (classes[truth * channels + channel] as number) / (totals[truth] as number);
      if (share === 0) continue;
      for (let query = 0; query < queries; query++) {
        values[query * truths + truth]! += classWeight * share * (costs[query] as number);
      }
    }
  }
}

function classTotals(classes: ArrayLike<number>, channels: number): Float64Array {
  const totals = new Float64Array(classes.length / channels);
  for (let index = 0; index < classes.length; index++) {
    totals[Math.floor(index / channels)]! += classes[index] as number;
  }
  totals.forEach((total, truth) => {
    if (!(total > 0)) {
      throw new ClapsError(
        `matchBoxes: expected at least one channel for every truth, got a sum of ${total} for truth ${truth}; leave truths out whose words were cut off.`,
        {code: "no-class"},
      );
    }
  });
  return totals;
}

function cornersOf(boxes: ArrayLike<number>): Float64Array {
  const corners = new Float64Array(boxes.length);
  for (let start = 0; start < boxes.length; start += 4) {
    for (let axis = 0; axis < 2; axis++) {
      const centre = boxes[start + axis] as number;
      const size = boxes[start + 2 + axis] as number;
      corners[start + axis] = centre - size / 2;
      corners[start + 2 + axis] = centre + size / 2;
    }
  }
  return corners;
}

function l1(a: ArrayLike<number>, rowA: number, b: ArrayLike<number>, rowB: number): number {
  let sum = 0;
  for (let index = 0; index < 4; index++) {
    sum += Math.abs((a[rowA * 4 + index] as number) - (b[rowB * 4 + index] as number));
  }
  return sum;
}

function generalizedIouOf(a: Float64Array, rowA: number, b: Float64Array, rowB: number): number {
  let [areaA, areaB, intersection, hull] = [1, 1, 1, 1];
  for (let axis = 0; axis < 2; axis++) {
    const [lowA, highA] = [a[rowA * 4 + axis] as number, a[rowA * 4 + 2 + axis] as number];
    const [lowB, highB] = [b[rowB * 4 + axis] as number, b[rowB * 4 + 2 + axis] as number];
    areaA *= highA - lowA;
    areaB *= highB - lowB;
    intersection *= Math.max(0, Math.min(highA, highB) - Math.max(lowA, lowB));
    hull *= Math.max(highA, highB) - Math.min(lowA, lowB);
  }
  const union = areaA + areaB - intersection;
  return (union === 0 ? 0 : intersection / union) - (hull === 0 ? 0 : (hull - union) / hull);
}

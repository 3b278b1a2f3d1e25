import {DataError} from "@claps/core";
import {checkSameSize, flatten} from "./mask-values.js";
import type {MaskLike, MaskSize} from "./mask-values.js";

/** How the pixels of a prediction and a truth fall together; what every overlap measure is made of. */
export interface PixelCounts {
  /** Inside in both. */
  truePositive: number;
  /** Inside in the prediction alone. */
  falsePositive: number;
  /** Inside in the truth alone. */
  falseNegative: number;
  /** Outside in both. */
  trueNegative: number;
}

/** Options of {@link countPixels} and of the measures on masks. */
export interface CountOptions {
  /** Mask of the pixels that count, for example the field of view; left out means all. */
  within?: MaskLike;
  /** Value of the truth that leaves a pixel out; default 255. */
  ignore?: number;
  /** Size that flat arrays have; left out means that only their lengths are compared. */
  size?: MaskSize;
}

/**
 * Counts the pixels of a prediction against a truth.
 *
 * Shapes: prediction, truth and within are of one size.
 * Units: 0 outside, 1 inside; the truth may hold the ignore value, the prediction may not.
 *
 * @param options - `within`: Only where this is 1 a pixel counts.
 * @throws ShapeError if sizes differ; DataError if another value occurs.
 * @example
 * ```ts
 * countPixels([1, 1, 0, 0], [1, 0, 1, 0]);
 * // {truePositive: 1, falsePositive: 1, falseNegative: 1, trueNegative: 1}
 * ```
 */
export function countPixels(
  prediction: MaskLike,
  truth: MaskLike,
  {within, ignore = 255, size}: CountOptions = {},
): PixelCounts {
  const predicted = flatten(prediction, "prediction");
  const expected = flatten(truth, "truth");
  checkSameSize(predicted, expected, ["prediction", "truth"]);
  if (size !== undefined) {
    const wanted = {values: {length: size.height * size.width}, size};
    checkSameSize(predicted, wanted, ["prediction", "options.size"]);
    checkSameSize(expected, wanted, ["truth", "options.size"]);
  }
  const field = within === undefined ? undefined : flatten(within, "within");
  if (field !== undefined) {
    checkSameSize(field, expected, ["within", "truth"]);
  }
  const [p, t, f] = [predicted.values, expected.values, field?.values];
  // Index is 2 * truth + prediction; anything else lands in no cell and is reported below.
  const cells = [0, 0, 0, 0];
  for (let at = 0; at < t.length; at++) {
    const value = t[at] as number;
    const guess = p[at] as number;
    if (value === ignore || (f !== undefined && f[at] !== 1)) {
      continue;
    }
    if ((value === 0 || value === 1) && (guess === 0 || guess === 1)) {
      cells[2 * value + guess] = (cells[2 * value + guess] as number) + 1;
    } else {
      const [name, stranger] = value === 0 || value === 1 ? ["prediction", guess] : ["truth", value];
      throw new DataError(
        `${name}: expected the values 0 and 1${name === "truth" ? ` (or ${ignore}, ignore)` : ""}, ` +
          `got ${stranger} at pixel ${at}. Apply a threshold first.`,
      );
    }
  }
  const [trueNegative = 0, falsePositive = 0, falseNegative = 0, truePositive = 0] = cells;
  return {truePositive, falsePositive, falseNegative, trueNegative};
}

/**
 * The counts of several pictures together, for measures pooled over pixels.
 *
 * @example
 * ```ts
 * const pooled = diceOfCounts(sumCounts(records.map(({counts}) => counts)));
 * ```
 */
export function sumCounts(all: Iterable<PixelCounts>): PixelCounts {
  const sum = {truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0};
  for (const counts of all) {
    sum.truePositive += counts.truePositive;
    sum.falsePositive += counts.falsePositive;
    sum.falseNegative += counts.falseNegative;
    sum.trueNegative += counts.trueNegative;
  }
  return sum;
}

/** A field of scores and the truth that it should meet. */
export interface ScoredPixels {
  readonly field: Float32Array;
  /** 1 inside, 0 outside, anything else is not counted. */
  readonly truth: Uint8Array;
}

const BINS = 1000;

/**
 * The threshold with the best Dice over all pixels together.
 *
 * @param pictures Scores and truths; higher scores mean inside.
 * @returns The threshold; a pixel is inside if its score is greater. `Infinity` where no pixel is inside.
 */
export function bestDiceThreshold(pictures: readonly ScoredPixels[]): number {
  let [low, high] = [Infinity, -Infinity];
  for (const {field} of pictures) {
    for (const value of field) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  const width = (high - low) / BINS || 1;
  const inside = new Float64Array(BINS + 1);
  const outside = new Float64Array(BINS + 1);
  for (const {field, truth} of pictures) {
    field.forEach((value, index) => {
      const bin = Math.floor((value - low) / width);
      if (truth[index] === 1) inside[bin]!++;
      else if (truth[index] === 0) outside[bin]!++;
    });
  }
  const total = inside.reduce((sum, count) => sum + count, 0);
  let best = {dice: 0, threshold: Infinity};
  let [hits, alarms] = [0, 0];
  for (let bin = BINS; bin >= 0; bin--) {
    hits += inside[bin]!;
    alarms += outside[bin]!;
    const dice = (2 * hits) / (total + hits + alarms || 1);
    if (dice > best.dice) best = {dice, threshold: low + bin * width};
  }
  return best.threshold;
}

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
 * @param pictures - Scores and truths; higher scores mean inside.
 * @returns The threshold, halfway between the scores that it parts; a pixel is inside if its score is greater. `Infinity` where no pixel is inside.
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
  // Limits of what each bin holds: a bin's own edge may be a value, which "greater" would then leave out.
  const smallest = new Float64Array(BINS + 1).fill(Infinity);
  const largest = new Float64Array(BINS + 1).fill(-Infinity);
  for (const {field, truth} of pictures) {
    field.forEach((value, index) => {
      const bin = Math.floor((value - low) / width);
      if (truth[index] === 1) inside[bin]!++;
      else if (truth[index] === 0) outside[bin]!++;
      smallest[bin] = Math.min(smallest[bin]!, value);
      largest[bin] = Math.max(largest[bin]!, value);
    });
  }
  const total = inside.reduce((sum, count) => sum + count, 0);
  let best = {dice: 0, bin: BINS + 1};
  let [hits, alarms] = [0, 0];
  for (let bin = BINS; bin >= 0; bin--) {
    hits += inside[bin]!;
    alarms += outside[bin]!;
    const dice = (2 * hits) / (total + hits + alarms || 1);
    if (dice > best.dice) best = {dice, bin};
  }
  if (best.bin > BINS) return Infinity;
  const below = largest.subarray(0, best.bin).reduce((most, value) => Math.max(most, value), -Infinity);
  const within = smallest[best.bin] as number;
  return below === -Infinity ? within - width : (below + within) / 2;
}

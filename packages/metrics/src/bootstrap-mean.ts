import {checkRange, ConfigError} from "@claps/core";
import type {Random} from "@claps/core";
import {mean, quantileSeq} from "mathjs/number";

/** Options of {@link bootstrapMean}. */
export interface BootstrapOptions {
  /** Where the resamples come from; the same source gives the same interval. */
  random: Random;
  /** Number of resamples; default 2000. */
  resamples?: number;
  /** Share of resampled means inside the interval; default 0.95. */
  confidence?: number;
  /**
   * What each value belongs to, for example its patient; whole clusters are drawn, since pictures of one
   * patient are not independent. Left out means that each value stands alone.
   */
  clusters?: readonly string[];
}

/** A mean with its percentile bootstrap interval; null where there is no value. */
export interface BootstrapInterval {
  mean: number | null;
  low: number | null;
  high: number | null;
  /** Values. */
  n: number;
  /** Clusters that were drawn from. */
  nClusters: number;
  resamples: number;
}

/**
 * The limits between which a share of values lies, by linear interpolation of the sorted values.
 *
 * @param confidence - Share inside, above 0 and below 1.
 * @returns Lower and upper limit.
 */
export function percentileInterval(
  values: readonly number[],
  confidence: number,
): [low: number, high: number] {
  const tail = (1 - confidence) / 2;
  // Sorted here: left to itself, the selection of mathjs draws pivots at random and takes nearly equal values
  // for equal, so that the last digits would change from run to run.
  const sorted = [...values].sort((a, b) => a - b);
  return [tail, 1 - tail].map((share) => Number(quantileSeq(sorted, share, true))) as [number, number];
}

/**
 * The mean of a measure over cases, with a percentile bootstrap interval.
 *
 * @param values - One number per case; leave out what is not defined.
 * @throws ConfigError for an option out of range, or a number of clusters other than that of values.
 * @example
 * ```ts
 * bootstrapMean([0.8, 0.9, 0.7], {random: createRandom(7).fork("bootstrap")});
 * ```
 *
 * Source: Efron and Tibshirani 1993, chapter 13; checked against scipy.stats.bootstrap on given indices.
 */
export function bootstrapMean(values: readonly number[], options: BootstrapOptions): BootstrapInterval {
  const {random, resamples = 2000, confidence = 0.95, clusters} = options;
  checkRange(resamples, {min: 1, integer: true}, "resamples");
  if (!(confidence > 0 && confidence < 1)) {
    throw new ConfigError(`confidence: expected a number above 0 and below 1, got ${confidence}.`);
  }
  if (clusters !== undefined && clusters.length !== values.length) {
    throw new ConfigError(
      `clusters: expected one for each of ${values.length} values, got ${clusters.length}.`,
    );
  }
  const sums = new Map<string, {sum: number; count: number}>();
  values.forEach((value, at) => {
    const name = clusters?.[at] ?? String(at);
    const {sum, count} = sums.get(name) ?? {sum: 0, count: 0};
    sums.set(name, {sum: sum + value, count: count + 1});
  });
  const units = [...sums.values()];
  if (units.length === 0) {
    return {mean: null, low: null, high: null, n: 0, nClusters: 0, resamples};
  }
  const means = Array.from({length: resamples}, () => {
    let [sum, count] = [0, 0];
    for (let draw = 0; draw < units.length; draw++) {
      const unit = units[random.integer(units.length)] as {sum: number; count: number};
      sum += unit.sum;
      count += unit.count;
    }
    return sum / count;
  });
  const [low, high] = percentileInterval(means, confidence);
  return {mean: Number(mean([...values])), low, high, n: values.length, nClusters: units.length, resamples};
}

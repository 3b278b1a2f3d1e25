import {checkRange} from "@claps/core";

/** The learning rate of each step, from step 0. */
export type Schedule = (step: number) => number;

/** Settings of {@link warmupCosine}. */
export interface WarmupCosineOptions {
  /** The highest rate, reached after warm-up. */
  rate: number;
  /** Steps from 0 up to the highest rate; step 0 itself has rate 0. */
  warmupSteps: number;
  /** The step at which the rate is back at 0. */
  totalSteps: number;
}

/**
 * A rate that rises in a line and falls along half a cosine.
 *
 * @param options - Highest rate and lengths in steps.
 * @returns The schedule.
 * @throws ConfigError if a setting is out of range.
 * @example
 * ```ts
 * const schedule = warmupCosine({rate: 1e-3, warmupSteps: 10, totalSteps: 100});
 * schedule(0); // 0
 * schedule(10); // 0.001
 * ```
 *
 * Source: get_cosine_schedule_with_warmup of transformers.
 * Differs: stays at 0 after the last step instead of rising again.
 */
export function warmupCosine({rate, warmupSteps, totalSteps}: WarmupCosineOptions): Schedule {
  checkRange(rate, {min: 0}, "rate of the schedule");
  checkRange(warmupSteps, {min: 0, integer: true}, "warmupSteps of the schedule");
  checkRange(totalSteps, {min: warmupSteps, integer: true}, "totalSteps of the schedule");
  return (step) => {
    if (step < warmupSteps) return (rate * step) / warmupSteps;
    const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
    return (rate * (1 + Math.cos(Math.PI * progress))) / 2;
  };
}

/**
 * The same rate in every step.
 *
 * @param rate - The rate.
 * @returns The schedule.
 * @throws ConfigError if the rate is below 0.
 * @example
 * ```ts
 * constantRate(1e-4)(7); // 0.0001
 * ```
 */
export function constantRate(rate: number): Schedule {
  checkRange(rate, {min: 0}, "rate of the schedule");
  return () => rate;
}

import {ConfigError, createRandom} from "@claps/core";
import type {SplitName} from "./case.js";

/** What {@link split} needs to know of a case. */
export interface Splittable {
  readonly id: string;
  readonly patient?: string;
}

/** Options of {@link split}. */
export interface SplitOptions {
  readonly seed: string | number;
  /** Share of the patients in each part; the shares add up to 1. Default 0.7, 0.1, 0.2. */
  readonly shares?: Readonly<Record<SplitName, number>>;
}

/**
 * A random split in which no patient is in two parts.
 *
 * The outcome depends on the seed and the set of patients, not on the order of the cases. Cases without a known
 * patient stand for themselves.
 *
 * @throws ConfigError if the shares do not add up to 1.
 * @example
 * ```ts
 * const {train, validation, test} = split(dataset.cases, {seed: 1});
 * ```
 */
export function split<T extends Splittable>(
  cases: readonly T[],
  options: SplitOptions,
): Record<SplitName, T[]> {
  const {seed, shares = {train: 0.7, validation: 0.1, test: 0.2}} = options;
  const sum = shares.train + shares.validation + shares.test;
  if (!(Math.abs(sum - 1) < 1e-9) || Object.values(shares).some((share) => share < 0)) {
    throw new ConfigError(
      `split: expected shares that add up to 1, got ${shares.train} + ${shares.validation} + ${shares.test}.`,
    );
  }
  const patientOf = ({patient, id}: Splittable): string =>
    patient === undefined ? `case ${id}` : `patient ${patient}`;
  const patients = [...new Set(cases.map(patientOf))].sort();
  const order = createRandom(seed).fork("split").shuffle(patients);
  const trainEnd = Math.round(order.length * shares.train);
  const validationEnd = Math.round(order.length * (shares.train + shares.validation));
  const home = new Map<string, SplitName>();
  order.forEach((patient, index) => {
    home.set(patient, index < trainEnd ? "train" : index < validationEnd ? "validation" : "test");
  });
  const parts: Record<SplitName, T[]> = {train: [], validation: [], test: []};
  for (const item of cases) {
    parts[home.get(patientOf(item)) as SplitName].push(item);
  }
  return parts;
}

import type {PackCase, PackTensor} from "./pack.js";
import type {ParityEntry} from "./report.js";

/** Numbers by name, as our code computed them. */
export type Computed = ReadonlyMap<string, PackTensor>;

/** Largest finite magnitude. */
function largest({data}: PackTensor): number {
  let result = 0;
  for (const value of data) if (Number.isFinite(value)) result = Math.max(result, Math.abs(value));
  return result;
}

/** Largest absolute difference; Infinity where shapes, infinities or NaN differ. */
function distance(ours: PackTensor | undefined, theirs: PackTensor): number {
  if (ours?.shape.join() !== theirs.shape.join()) return Infinity;
  let result = 0;
  theirs.data.forEach((expected, index) => {
    const actual = ours?.data[index] as number;
    if (Object.is(actual, expected) || actual === expected) return;
    const difference = Math.abs(actual - expected);
    result = Math.max(result, Number.isFinite(difference) ? difference : Infinity);
  });
  return result;
}

/**
 * Compares every output of a case with ours.
 *
 * Difference of a tensor: max |ours - theirs| / max(1, max |theirs|) over finite values; infinities must agree.
 *
 * @param source - The case.
 * @param ours - Our outputs by name.
 * @returns One entry per output of the case, those that we lack included.
 */
export function compareOutputs(source: PackCase, ours: Computed): ParityEntry[] {
  const {tolerance} = source.description;
  return [...source.outputs].map(([name, theirs]) => {
    const difference = distance(ours.get(name), theirs) / Math.max(1, largest(theirs));
    return {name, kind: "output", difference, tolerance, ok: difference <= tolerance};
  });
}

/**
 * Compares every gradient of a case with ours.
 *
 * Difference: max |ours - theirs| divided by the larger of that gradient's largest magnitude and a hundredth of
 * the case's largest. What the case says has no gradient must have none or zero.
 *
 * @param source - The case.
 * @param ours - Our gradients by name.
 * @returns One entry per gradient of the case, those that we lack included.
 */
export function compareGradients(source: PackCase, ours: Computed): ParityEntry[] {
  const {tolerance, no_gradient = []} = source.description;
  const most = Math.max(0, ...[...source.gradients.values()].map(largest));
  const entries = [...source.gradients].map(([name, theirs]): ParityEntry => {
    const apart = distance(ours.get(name), theirs);
    const difference = apart === 0 ? 0 : apart / Math.max(largest(theirs), most / 100);
    return {name, kind: "gradient", difference, tolerance, ok: difference <= tolerance};
  });
  const untouched = no_gradient.map((name): ParityEntry => {
    const gradient = ours.get(name);
    const difference = gradient === undefined ? 0 : largest(gradient);
    return {name, kind: "gradient", difference, tolerance: 0, ok: difference === 0};
  });
  return [...entries, ...untouched];
}

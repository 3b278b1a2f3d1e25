import {ConfigError, ShapeError} from "./errors.js";

/** Limits of a number, for {@link checkRange}. */
export interface Range {
  /** Smallest allowed value; left out means no lower limit. */
  min?: number;
  /** Largest allowed value; left out means no upper limit. */
  max?: number;
  /** Whether only whole numbers are allowed; default false. */
  integer?: boolean;
}

/**
 * Throws unless a shape has the expected rank and sizes.
 *
 * @param actual - Sizes that came.
 * @param expected - Sizes wanted; `null` accepts any size.
 * @param what - What the shape belongs to, in the words of the caller's domain.
 * @throws ShapeError naming both shapes.
 * @example
 * ```ts
 * checkShape(pixels.shape, [null, 64, 64, 3], "SAM pixels [N, H, W, 3]");
 * ```
 */
export function checkShape(
  actual: readonly number[],
  expected: readonly (number | null)[],
  what: string,
): void {
  const fits =
    actual.length === expected.length &&
    expected.every((size, axis) => size === null || size === actual[axis]);
  if (!fits) {
    const wanted = expected.map((size) => size ?? "any").join(", ");
    throw new ShapeError(`${what}: expected shape [${wanted}], got [${actual.join(", ")}].`);
  }
}

/**
 * Throws unless a number is finite and inside its limits.
 *
 * @param value - The number that came.
 * @param range - Limits, both inclusive.
 * @param what - The name of the setting, as its user wrote it.
 * @throws ConfigError naming the value and the limits.
 * @example
 * ```ts
 * checkRange(options.threads, {min: 1, integer: true}, "threads");
 * ```
 */
export function checkRange(value: number, range: Range, what: string): void {
  const {min = -Infinity, max = Infinity, integer = false} = range;
  const valid =
    typeof value === "number" &&
    Number.isFinite(value) &&
    value >= min &&
    value <= max &&
    (!integer || Number.isInteger(value));
  if (!valid) {
    const kind = integer ? "a whole number" : "a number";
    const lower = min === -Infinity ? "" : ` of at least ${min}`;
    const upper = max === Infinity ? "" : `${lower === "" ? " of" : " and"} at most ${max}`;
    throw new ConfigError(`${what}: expected ${kind}${lower}${upper}, got ${String(value)}.`);
  }
}

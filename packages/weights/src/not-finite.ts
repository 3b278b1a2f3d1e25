import type {StoredTensor} from "./stored-tensor.js";

/** Numbers of a tensor that are none. */
export interface NotFinite {
  /** How many are not a number. */
  nan: number;
  /** How many are infinite. */
  infinite: number;
  /** Where the first of either stands. */
  position: number;
}

// A number of 16 bits is infinite or NaN when every bit of its exponent is set; NaN has a fraction too.
const EXPONENTS: Readonly<Record<string, number>> = {F16: 0x7c00, BF16: 0x7f80};

/**
 * Counts NaN and infinities.
 *
 * @param tensor - Any element type; whole numbers are always finite.
 * @returns The counts, or undefined if every number is finite.
 * @example
 * ```ts
 * countNotFinite(storedFloat32([2], Float32Array.of(1, NaN))); // {nan: 1, infinite: 0, position: 1}
 * ```
 */
export function countNotFinite({dtype, data}: StoredTensor): NotFinite | undefined {
  const found: NotFinite = {nan: 0, infinite: 0, position: -1};
  const exponent = EXPONENTS[dtype];
  if (exponent !== undefined) {
    const bits = data as Uint16Array;
    for (let index = 0; index < bits.length; index++) {
      const magnitude = (bits[index] ?? 0) & 0x7fff;
      if (magnitude >= exponent) count(found, index, magnitude > exponent);
    }
  } else if (data instanceof Float32Array || data instanceof Float64Array) {
    for (let index = 0; index < data.length; index++) {
      if (!Number.isFinite(data[index])) count(found, index, Number.isNaN(data[index]));
    }
  }
  return found.position < 0 ? undefined : found;
}

function count(found: NotFinite, index: number, isNan: boolean): void {
  if (found.position < 0) found.position = index;
  if (isNan) found.nan++;
  else found.infinite++;
}

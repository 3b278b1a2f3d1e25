/** A number as JSON can hold it: null where it is not defined. */
export function jsonNumber(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

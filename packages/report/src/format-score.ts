/**
 * A score with three digits, or a dash where there is none.
 *
 * @param value - Score, or null if it is not defined.
 */
export function formatScore(value: number | null): string {
  return value === null || !Number.isFinite(value) ? "–" : value.toFixed(3);
}

/** Number of single-letter insertions, deletions and replacements between two words. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({length: b.length + 1}, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const removed = (previous[column] ?? 0) + 1;
      const inserted = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(replaced, removed, inserted));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/**
 * The known name that a mistyped one probably means.
 *
 * @param name - The name that came.
 * @param known - All valid names.
 * @returns The nearest name by edit distance, case ignored, or `undefined` when none is within half its length.
 * @example
 * ```ts
 * nearestName("haemorhage", ["haemorrhage", "hard exudate"]); // "haemorrhage"
 * ```
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of known) {
    // A beginning is a likelier slip than any replaced letters: "warmup" means "warmupSteps".
    const begins = name.length > 2 && candidate.toLowerCase().startsWith(name.toLowerCase());
    const distance = begins ? 0 : editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  const limit = Math.max(2, Math.floor(Math.max(name.length, best?.length ?? 0) / 2));
  return bestDistance <= limit ? best : undefined;
}

/**
 * One sentence for an unknown name: what it was, what it may have meant, and everything that is known.
 *
 * @param kind - What the name stands for, for example `target`.
 * @param name - The name that came.
 * @param known - All valid names.
 * @example
 * ```ts
 * unknownNameMessage("modality", "cpf", ["cfp", "oct"]);
 * // 'Unknown modality "cpf": did you mean "cfp"? Known: cfp, oct.'
 * ```
 */
export function unknownNameMessage(kind: string, name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  const guess = nearest === undefined ? "." : `: did you mean "${nearest}"?`;
  return `Unknown ${kind} "${name}"${guess} Known: ${known.join(", ")}.`;
}

/** A stretch of text, or the literal name of a special token within it. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  /** The name, if it is one. */
  readonly special?: string;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/**
 * Cuts a text at the literal names of special tokens.
 *
 * @param text - Any text.
 * @param names - The names, for example `[SEP]`; where several fit, the longest counts.
 * @returns The stretches in order; empty ones are left out.
 *
 * Source: added tokens of Hugging Face tokenizers, which are looked for before anything is done to the text.
 */
export function splitAtSpecialTokens(text: string, names: readonly string[]): Stretch[] {
  if (names.length === 0) return [{start: 0, end: text.length}];
  const longestFirst = [...names].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(escape).join("|"), "g");
  const stretches: Stretch[] = [];
  let position = 0;
  for (const {0: special, index} of text.matchAll(pattern)) {
    if (index > position) stretches.push({start: position, end: index});
    position = index + special.length;
    stretches.push({start: index, end: position, special});
  }
  if (position < text.length) stretches.push({start: position, end: text.length});
  return stretches;
}

// White space by the Unicode property: unlike JavaScript's \s with U+0085, without U+FEFF.
const BLANK = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const WORDS = `'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|[^${BLANK}\\p{L}\\p{N}]+`;

/** Names of special tokens that a splitting pattern knows. */
export type SpecialSpelling = "transformers" | "open_clip";

const PATTERNS: Readonly<Record<SpecialSpelling, RegExp>> = {
  transformers: new RegExp(`(<\\|startoftext\\|>|<\\|endoftext\\|>)|${WORDS}`, "gu"),
  open_clip: new RegExp(WORDS, "gu"),
};

/**
 * Cuts a normalised text into the words that byte pairs are merged in: runs of letters, single digits, runs of
 * other signs, English contractions.
 *
 * @param text - A normalised text.
 * @param spelling - Whose names of special tokens stand apart. Default `transformers`.
 * @returns Start and end of each word, UTF-16 units.
 *
 * Source: the split pattern of CLIP. The names of the special tokens get here only when they were written in
 * capitals; they are then cut like any text, but not joined with their neighbours.
 */
export function splitWords(
  text: string,
  spelling: SpecialSpelling = "transformers",
): [start: number, end: number][] {
  const words: [number, number][] = [];
  for (const match of text.matchAll(PATTERNS[spelling])) {
    const start = match.index;
    const end = start + match[0].length;
    if (match[1] === undefined) words.push([start, end]);
    else words.push([start, start + 2], [start + 2, end - 2], [end - 2, end]);
  }
  return words;
}

import type {Cleaning} from "./clean-text.js";

/** A normalised text that still knows where each of its letters came from. */
export interface AlignedText {
  /** The normalised letters, one code point each. */
  readonly letters: readonly string[];
  /** For each letter, the index of the source letter it came from. */
  readonly origins: readonly number[];
  /** Start of each source letter in UTF-16 units of the source; one more entry holds the end. */
  readonly starts: readonly number[];
}

const LONE_SURROGATE = /\p{Surrogate}/gu;

function decomposedLength(letter: string): number {
  return [...letter.normalize("NFD")].length;
}

/** Pairs each composed letter with the first source letter that went into it. */
function compose(source: readonly string[]): {letters: string[]; origins: number[]} {
  const letters = [...source.join("").normalize("NFC")];
  const origins: number[] = [];
  let taken = 0;
  // Decomposed letters taken from the source beyond what the letters so far hold.
  let ahead = 0;
  for (const letter of letters) {
    const needed = decomposedLength(letter);
    origins.push(ahead >= needed ? Math.max(0, taken - 1) : Math.min(taken, source.length - 1));
    while (ahead < needed && taken < source.length) ahead += decomposedLength(source[taken++] ?? "");
    ahead -= needed;
  }
  return {letters, origins};
}

function withoutNormalising(source: string[]): {letters: string[]; origins: number[]} {
  return {letters: source, origins: source.map((_, index) => index)};
}

/**
 * Normalises a text as CLIP's tokenizer does: composed (NFC) and lower case, letter by letter.
 *
 * White space stays as it is; it only separates words. Half a surrogate pair becomes U+FFFD.
 *
 * @param text - Any text.
 * @param cleaning - With `open_clip` the text is taken as `cleanText` gave it. Default `transformers`.
 * @returns Letters with their origins.
 *
 * Source: the normalizer of CLIPTokenizer in Hugging Face tokenizers. Lower case goes by single letters there: a
 * final capital sigma becomes σ, never ς.
 */
export function alignText(text: string, cleaning: Cleaning = "transformers"): AlignedText {
  const source = [...text.replace(LONE_SURROGATE, "\ufffd")];
  const starts: number[] = [];
  let position = 0;
  for (const letter of source) {
    starts.push(position);
    position += letter.length;
  }
  starts.push(position);
  if (cleaning === "open_clip") return {...withoutNormalising(source), starts};
  const composed = compose(source);
  const letters: string[] = [];
  const origins: number[] = [];
  composed.letters.forEach((letter, index) => {
    for (const lower of letter.toLowerCase()) {
      letters.push(lower);
      origins.push(composed.origins[index] ?? 0);
    }
  });
  return {letters, origins, starts};
}

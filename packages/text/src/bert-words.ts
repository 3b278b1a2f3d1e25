import type {BertTextRules} from "./tokenizer.js";

/** A letter of a normalised text, with the place of the source letter that it came from. */
export interface BertLetter {
  readonly letter: string;
  /** Where the source letter stands, UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

const LONE_SURROGATE = /\p{Surrogate}/u;
const BLANK = /[\t\n\r\p{Zs}\u2028\u2029]/u;
const REMOVED = /[\p{Cc}\p{Cf}\p{Co}\ufffd]/u;
const CHINESE =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/u;
const MARK = /\p{Mn}/u;
const PUNCTUATION = /[\p{P}$+<=>^`|~]/u;

/**
 * Takes controls out of a text, sets Chinese characters apart, takes accents off and makes letters small.
 *
 * @param text - Any text.
 * @param rules - Which of these.
 * @returns The letters that are left, blanks as " ", each with its origin.
 *
 * Source: BertNormalizer of Hugging Face tokenizers.
 */
function normalizeLetters(text: string, rules: Readonly<BertTextRules>): BertLetter[] {
  const letters: BertLetter[] = [];
  let start = 0;
  for (const source of text) {
    const end = start + source.length;
    const place = {start, end};
    start = end;
    if (BLANK.test(source)) {
      letters.push({letter: " ", ...place});
      continue;
    }
    if (LONE_SURROGATE.test(source) || REMOVED.test(source)) continue;
    const isApart = rules.splitChinese && CHINESE.test(source);
    if (isApart) letters.push({letter: " ", ...place});
    for (const part of rules.stripAccents ? source.normalize("NFD") : source) {
      if (rules.stripAccents && MARK.test(part)) continue;
      for (const letter of rules.lowerCase ? part.toLowerCase() : part) letters.push({letter, ...place});
    }
    if (isApart) letters.push({letter: " ", ...place});
  }
  return letters;
}

/**
 * The words of a text that WordPiece cuts further: runs without blanks, signs of punctuation alone.
 *
 * @param text - Any text.
 * @param rules - What is done to it first.
 * @returns The letters of each word.
 *
 * Source: BertNormalizer and BertPreTokenizer of Hugging Face tokenizers; Devlin et al. 2019. Differs: marks and signs
 * of punctuation that came to Unicode after version 8 (some 600, of rare scripts) count as such.
 */
export function bertWords(text: string, rules: Readonly<BertTextRules>): BertLetter[][] {
  const words: BertLetter[][] = [];
  let word: BertLetter[] = [];
  const finish = (): void => {
    if (word.length > 0) words.push(word);
    word = [];
  };
  for (const letter of normalizeLetters(text, rules)) {
    if (letter.letter === " ") finish();
    else if (PUNCTUATION.test(letter.letter)) {
      finish();
      words.push([letter]);
    } else word.push(letter);
  }
  finish();
  return words;
}

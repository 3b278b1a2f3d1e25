import {checkRange} from "@claps/core";
import type {Tokenizer} from "@claps/text";

/** Texts as the text tower takes them. */
export interface PreparedTexts {
  /** Token ids [P, T], row by row. */
  readonly ids: Int32Array;
  /** 1 for tokens, 0 for padding, [P, T]. */
  readonly mask: Int32Array;
  /** P, T. */
  readonly shape: [texts: number, tokens: number];
  /** How many texts were longer than fits, and were cut after a word. */
  readonly truncated: number;
  /** How many texts hold no word at all: only the start and the end token. */
  readonly empty: number;
}

/** Options of {@link prepareTexts}. */
export interface PrepareTextsOptions {
  /** Turns words into ids. */
  tokenizer: Tokenizer;
  /** Most tokens of a text, start and end included. */
  contextLength: number;
  /** Tokens per row: a number, or the shortest of 16, 32, 64... that holds the longest text. Default the most. */
  length?: number | "shortest";
}

const SHORTEST = 16;

/**
 * Texts as one table of token ids; too long ones are cut after a word.
 *
 * @param texts - Any texts; an empty one becomes start and end token.
 * @param options - Tokenizer and lengths.
 * @returns Ids, mask and counts.
 * @throws ConfigError for a length that cannot hold start and end, or is more than the tower takes.
 */
export function prepareTexts(texts: readonly string[], options: PrepareTextsOptions): PreparedTexts {
  const {tokenizer, contextLength} = options;
  const wanted = options.length ?? contextLength;
  const most = wanted === "shortest" ? contextLength : wanted;
  checkRange(most, {min: 2, max: contextLength, integer: true}, "length of prepared texts");
  const rows = texts.map((text) => tokenizer.encode(text, {maxLength: most, cut: "word"}));
  const length = wanted === "shortest" ? rung(Math.max(2, ...rows.map(({ids}) => ids.length)), most) : most;
  const ids = new Int32Array(texts.length * length).fill(tokenizer.padId);
  const mask = new Int32Array(texts.length * length);
  rows.forEach((row, index) => {
    ids.set(row.ids, index * length);
    mask.fill(1, index * length, index * length + row.ids.length);
  });
  return {
    ids,
    mask,
    shape: [texts.length, length],
    truncated: rows.filter(({truncated}) => truncated).length,
    empty: rows.filter((row) => row.ids.length === 2).length,
  };
}

/** The first of 16, 32, 64... that is long enough, at most `most`: few lengths mean few compiled graphs. */
function rung(needed: number, most: number): number {
  let length = SHORTEST;
  while (length < needed) length *= 2;
  return Math.min(length, most);
}

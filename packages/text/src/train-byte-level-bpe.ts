import {checkRange} from "@claps/core";
import {alignText} from "./aligned-text.js";
import {WORD_END, byteLetters, vocabularyLetters} from "./byte-letters.js";
import {splitWords} from "./split-words.js";

/** Options of {@link trainByteLevelBpe}. */
export interface TrainBpeOptions {
  /** Number of ids wanted, the 512 byte letters and the 2 special tokens included. */
  size: number;
}

/** What a tokenizer is made of. */
export interface BpeTables {
  /** Id of every token. */
  vocabulary: Map<string, number>;
  /** Two tokens with a blank between, best first. */
  merges: string[];
}

interface CountedWord {
  symbols: string[];
  count: number;
}

function countWords(sentences: readonly string[]): CountedWord[] {
  const words = new Map<string, CountedWord>();
  const encoder = new TextEncoder();
  for (const sentence of sentences) {
    const text = alignText(sentence).letters.join("");
    for (const [start, end] of splitWords(text)) {
      const word = text.slice(start, end);
      const known = words.get(word);
      if (known !== undefined) {
        known.count++;
        continue;
      }
      const symbols = Array.from(encoder.encode(word), (byte) => byteLetters[byte] ?? "");
      symbols.push((symbols.pop() ?? "") + WORD_END);
      words.set(word, {symbols, count: 1});
    }
  }
  return [...words.values()];
}

function bestPair(words: readonly CountedWord[]): string | undefined {
  const counts = new Map<string, number>();
  for (const {symbols, count} of words) {
    for (let index = 0; index + 1 < symbols.length; index++) {
      const pair = `${symbols[index]} ${symbols[index + 1]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | undefined;
  let bestCount = 0;
  for (const [pair, count] of counts) {
    // Equal counts are settled by spelling, so that the order of sentences cannot matter.
    if (count > bestCount || (count === bestCount && best !== undefined && pair < best)) {
      best = pair;
      bestCount = count;
    }
  }
  return best;
}

function join(word: CountedWord, pair: string): void {
  const joined: string[] = [];
  for (let index = 0; index < word.symbols.length; index++) {
    const left = word.symbols[index] ?? "";
    const right = word.symbols[index + 1];
    if (right !== undefined && `${left} ${right}` === pair) {
      joined.push(left + right);
      index++;
    } else joined.push(left);
  }
  word.symbols = joined;
}

/**
 * Learns a byte-level byte-pair vocabulary from sentences; the same sentences in any order give the same one.
 *
 * @param sentences - What the words are counted in.
 * @param options - Size of the vocabulary. Fewer ids come out when every word has become one token before.
 * @returns Tables for `createTokenizer`.
 * @throws ConfigError if the size cannot hold the byte letters.
 * @example
 * ```ts
 * const {vocabulary, merges} = trainByteLevelBpe(["optic disc", "optic cup"], {size: 530});
 * ```
 *
 * Source: Sennrich et al. 2016, algorithm 1; the order of ids is CLIP's.
 */
export function trainByteLevelBpe(sentences: readonly string[], options: TrainBpeOptions): BpeTables {
  const fixed = 2 * vocabularyLetters.length + 2;
  checkRange(options.size, {min: fixed, integer: true}, "size");
  const words = countWords(sentences);
  const merges: string[] = [];
  while (merges.length < options.size - fixed) {
    const pair = bestPair(words);
    if (pair === undefined) break;
    merges.push(pair);
    for (const word of words) join(word, pair);
  }
  return {vocabulary: vocabularyOfMerges(merges), merges};
}

/**
 * The vocabulary that belongs to merges, in CLIP's order: byte letters, the same with `</w>`, merges, start and
 * end token.
 *
 * @param merges - Two tokens with a blank between, best first.
 */
export function vocabularyOfMerges(merges: readonly string[]): Map<string, number> {
  const names = [
    ...vocabularyLetters,
    ...vocabularyLetters.map((letter) => letter + WORD_END),
    ...merges.map((line) => line.replace(" ", "")),
    "<|startoftext|>",
    "<|endoftext|>",
  ];
  return new Map(names.map((name, id) => [name, id]));
}

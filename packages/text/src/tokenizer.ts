import {ConfigError, checkRange} from "@claps/core";
import {alignText} from "./aligned-text.js";
import {WORD_END, byteLetters, byteOfLetter} from "./byte-letters.js";
import {mergeBytePairs} from "./byte-pair-merges.js";
import type {Merge} from "./byte-pair-merges.js";
import {splitWords} from "./split-words.js";

/** Start and end of a token in its text; [0, 0] for tokens without text. */
export type Offset = readonly [start: number, end: number];

/** One text as numbers. */
export interface Encoding {
  /** Token ids with start and end token. */
  readonly ids: Int32Array;
  /** 1 for tokens, 0 for padding. */
  readonly mask: Int32Array;
  /** Where each token stands, UTF-16 units: `text.slice(start, end)` is its text. */
  readonly offsets: readonly Offset[];
  /** The same in whole Unicode characters, as Python counts. */
  readonly codePointOffsets: readonly Offset[];
}

/** Options of {@link Tokenizer.encode}. */
export interface EncodeOptions {
  /** Most tokens, start and end included; longer texts are cut before the end token. Default no limit. */
  maxLength?: number;
  /** Whether shorter texts are filled up to `maxLength` with the end token. Default false. */
  padding?: boolean;
}

/** Options of {@link Tokenizer.encodeBatch}. */
export interface EncodeBatchOptions {
  /** Most tokens, start and end included. Default no limit. */
  maxLength?: number;
  /** Fill up to the longest text of the batch, or to `maxLength`. Default `longest`. */
  padding?: "longest" | "maxLength";
}

/** Several texts as one table of numbers. */
export interface EncodedBatch {
  /** Token ids [P, T], row by row. */
  readonly ids: Int32Array;
  /** 1 for tokens, 0 for padding, [P, T]. */
  readonly mask: Int32Array;
  /** P, T. */
  readonly shape: [texts: number, tokens: number];
  /** The rows one by one, padded. */
  readonly encodings: readonly Encoding[];
}

/** Turns text into token ids and back. */
export interface Tokenizer {
  /** Number of ids. */
  readonly vocabularySize: number;
  /** Id of the start token. */
  readonly startId: number;
  /** Id of the end token, which also pads. */
  readonly endId: number;
  /** Id of every token, for saving. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** The merges in order, for saving: two tokens with a blank between. */
  readonly merges: readonly string[];
  /**
   * One text as token ids.
   *
   * @throws ConfigError if the length cannot hold start and end, or padding is asked without a length.
   */
  encode(text: string, options?: EncodeOptions): Encoding;
  /** Several texts as one table. */
  encodeBatch(texts: readonly string[], options?: EncodeBatchOptions): EncodedBatch;
  /** The text of token ids, without start and end tokens; words are set apart by blanks. */
  decode(ids: ArrayLike<number>): string;
  /** The spelling of each token, with `</w>` at word ends. */
  tokens(ids: ArrayLike<number>): string[];
}

const START = "<|startoftext|>";
const END = "<|endoftext|>";
const SPECIAL = /<\|startoftext\|>|<\|endoftext\|>/g;

interface Token {
  id: number;
  start: number;
  end: number;
}

class ByteLevelTokenizer implements Tokenizer {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly merges: readonly string[];
  readonly vocabularySize: number;
  readonly startId: number;
  readonly endId: number;
  readonly #names: readonly string[];
  readonly #merges = new Map<number, Merge>();
  readonly #byteIds: readonly number[];
  readonly #lastByteIds: readonly number[];
  readonly #encoder = new TextEncoder();

  constructor(vocabulary: ReadonlyMap<string, number>, merges: readonly string[]) {
    this.vocabulary = vocabulary;
    this.merges = merges;
    this.vocabularySize = vocabulary.size;
    this.#names = namesById(vocabulary);
    this.startId = this.#idOf(START, "special token");
    this.endId = this.#idOf(END, "special token");
    this.#byteIds = byteLetters.map((letter) => this.#idOf(letter, "byte letter"));
    this.#lastByteIds = byteLetters.map((letter) => this.#idOf(letter + WORD_END, "byte letter"));
    merges.forEach((line, rank) => this.#addMerge(line, rank));
  }

  #idOf(name: string, kind: string): number {
    const id = this.vocabulary.get(name);
    if (id === undefined) {
      throw new ConfigError(
        `Tokenizer: expected the ${kind} ${JSON.stringify(name)} in the vocabulary, got none.`,
        {
          code: "vocabulary",
        },
      );
    }
    return id;
  }

  #addMerge(line: string, rank: number): void {
    const parts = line.split(" ");
    const [left, right] = parts;
    if (parts.length !== 2 || !left || !right) {
      throw new ConfigError(
        `Tokenizer: expected merge ${rank + 1} to be two tokens with a blank between, got ${JSON.stringify(line)}.`,
        {code: "merges"},
      );
    }
    const kind = `token of merge ${rank + 1}`;
    const key = this.#pairKey(this.#idOf(left, kind), this.#idOf(right, kind));
    if (!this.#merges.has(key)) this.#merges.set(key, {rank, id: this.#idOf(left + right, kind)});
  }

  #pairKey(left: number, right: number): number {
    return left * this.vocabularySize + right;
  }

  /** Tokens of a stretch of text without special tokens; offsets count from the start of the stretch. */
  #encodeStretch(text: string): Token[] {
    const {letters, origins, starts} = alignText(text);
    const normalized = letters.join("");
    const letterAt = letters.flatMap((letter, index) => Array<number>(letter.length).fill(index));
    const tokens: Token[] = [];
    for (const [start, end] of splitWords(normalized)) {
      const bytes: number[] = [];
      const byteOrigins: number[] = [];
      for (let index = letterAt[start] ?? 0; index <= (letterAt[end - 1] ?? -1); index++) {
        for (const byte of this.#encoder.encode(letters[index])) {
          bytes.push(byte);
          byteOrigins.push(origins[index] ?? 0);
        }
      }
      const last = bytes.length - 1;
      const ids = bytes.map((byte, index) => (index === last ? this.#lastByteIds : this.#byteIds)[byte] ?? 0);
      for (const piece of mergeBytePairs(ids, (left, right) =>
        this.#merges.get(this.#pairKey(left, right)),
      )) {
        tokens.push({
          id: piece.id,
          start: starts[byteOrigins[piece.start] ?? 0] ?? 0,
          end: starts[(byteOrigins[piece.end - 1] ?? 0) + 1] ?? 0,
        });
      }
    }
    return tokens;
  }

  #tokensOf(text: string): Token[] {
    const tokens: Token[] = [];
    const addStretch = (start: number, end: number): void => {
      for (const token of this.#encodeStretch(text.slice(start, end))) {
        tokens.push({id: token.id, start: token.start + start, end: token.end + start});
      }
    };
    let position = 0;
    for (const {0: name, index} of text.matchAll(SPECIAL)) {
      addStretch(position, index);
      position = index + name.length;
      tokens.push({id: name === START ? this.startId : this.endId, start: index, end: position});
    }
    addStretch(position, text.length);
    return tokens;
  }

  encode(text: string, options: EncodeOptions = {}): Encoding {
    const {maxLength, padding = false} = options;
    if (maxLength !== undefined) checkRange(maxLength, {min: 2, integer: true}, "maxLength");
    else if (padding) throw new ConfigError("encode: expected maxLength with padding, got none.");
    const tokens = this.#tokensOf(text).slice(0, maxLength === undefined ? undefined : maxLength - 2);
    const count = tokens.length + 2;
    const length = padding && maxLength !== undefined ? maxLength : count;
    const ids = new Int32Array(length).fill(this.endId);
    const mask = new Int32Array(length).fill(1, 0, count);
    const offsets = Array<Offset>(length).fill([0, 0]);
    ids[0] = this.startId;
    tokens.forEach((token, index) => {
      ids[index + 1] = token.id;
      offsets[index + 1] = [token.start, token.end];
    });
    return {ids, mask, offsets, codePointOffsets: inCodePoints(text, offsets)};
  }

  encodeBatch(texts: readonly string[], options: EncodeBatchOptions = {}): EncodedBatch {
    const {maxLength, padding = "longest"} = options;
    if (padding === "maxLength" && maxLength === undefined) {
      throw new ConfigError('encodeBatch: expected maxLength with padding "maxLength", got none.');
    }
    const free = texts.map((text) => this.encode(text, {maxLength}));
    const longest = Math.max(2, ...free.map(({ids}) => ids.length));
    const length = padding === "longest" ? longest : (maxLength ?? longest);
    const encodings = texts.map((text) => this.encode(text, {maxLength: length, padding: true}));
    const ids = new Int32Array(texts.length * length);
    const mask = new Int32Array(texts.length * length);
    encodings.forEach((encoding, row) => {
      ids.set(encoding.ids, row * length);
      mask.set(encoding.mask, row * length);
    });
    return {ids, mask, shape: [texts.length, length], encodings};
  }

  tokens(ids: ArrayLike<number>): string[] {
    return Array.from(ids, (id) => {
      const name = this.#names[id];
      if (name === undefined) {
        throw new ConfigError(`Tokenizer: expected ids of 0 to ${this.vocabularySize - 1}, got ${id}.`);
      }
      return name;
    });
  }

  decode(ids: ArrayLike<number>): string {
    const bytes: number[] = [];
    for (const token of this.tokens(
      Array.from(ids).filter((id) => id !== this.startId && id !== this.endId),
    )) {
      const isLast = token.endsWith(WORD_END);
      for (const letter of isLast ? token.slice(0, -WORD_END.length) : token)
        bytes.push(byteOfLetter(letter) ?? 0x3f);
      if (isLast) bytes.push(0x20);
    }
    return new TextDecoder("utf-8", {ignoreBOM: true}).decode(Uint8Array.from(bytes)).replace(/^ +| +$/g, "");
  }
}

function namesById(vocabulary: ReadonlyMap<string, number>): string[] {
  const names = new Array<string | undefined>(vocabulary.size).fill(undefined);
  for (const [name, id] of vocabulary) {
    if (!Number.isInteger(id) || id < 0 || id >= names.length || names[id] !== undefined) {
      throw new ConfigError(
        `Tokenizer: expected each id from 0 to ${names.length - 1} once, got ${String(id)} for ${JSON.stringify(name)}.`,
        {code: "vocabulary"},
      );
    }
    names[id] = name;
  }
  return names as string[];
}

function inCodePoints(text: string, offsets: readonly Offset[]): readonly Offset[] {
  const hasPairs = /[\ud800-\udbff][\udc00-\udfff]/.test(text);
  if (!hasPairs) return offsets;
  const points: number[] = [];
  let point = 0;
  for (const letter of text) {
    for (let unit = 0; unit < letter.length; unit++) points.push(point);
    point++;
  }
  points.push(point);
  return offsets.map(([start, end]) => [points[start] ?? 0, points[end] ?? 0]);
}

/**
 * A byte-level byte-pair tokenizer of CLIP's kind.
 *
 * @param vocabulary - Id of every token: 256 byte letters, the same with `</w>`, merged tokens, start and end token.
 * @param merges - Two tokens with a blank between, best first.
 * @throws ConfigError if an id is missing or doubled, or a merge speaks of unknown tokens.
 *
 * Source: Radford et al. 2021, section 2.4; ids and offsets equal those of Hugging Face's CLIPTokenizer.
 */
export function createTokenizer(
  vocabulary: ReadonlyMap<string, number>,
  merges: readonly string[],
): Tokenizer {
  return new ByteLevelTokenizer(vocabulary, merges);
}

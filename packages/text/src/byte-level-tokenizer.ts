import {ConfigError} from "@claps/core";
import {alignText} from "./aligned-text.js";
import {BaseTokenizer} from "./base-tokenizer.js";
import type {Token} from "./base-tokenizer.js";
import {WORD_END, byteLetters, byteOfLetter} from "./byte-letters.js";
import {mergeBytePairs} from "./byte-pair-merges.js";
import type {Merge} from "./byte-pair-merges.js";
import {cleanText} from "./clean-text.js";
import type {Cleaning} from "./clean-text.js";
import {splitAtSpecialTokens} from "./special-tokens.js";
import {splitWords} from "./split-words.js";
import type {DecodeOptions, Tokenizer} from "./tokenizer.js";

/** Options of {@link createTokenizer}. */
export interface TokenizerOptions {
  /**
   * What is done to a text first: nothing beyond NFC and small letters (`transformers`), or what open_clip does
   * (`open_clip`): see `cleanText`. With `open_clip` short texts are filled up with 0, special tokens are written
   * `<start_of_text>` and `<end_of_text>`, and offsets count in the cleaned text. Default `transformers`.
   */
  cleaning?: Cleaning;
}

const START = "<|startoftext|>";
const END = "<|endoftext|>";

class ByteLevelTokenizer extends BaseTokenizer {
  readonly kind = "clip";
  readonly merges: readonly string[];
  readonly startId: number;
  readonly endId: number;
  readonly padId: number;
  readonly #cleaning: Cleaning;
  readonly #specials: ReadonlyMap<string, number>;
  readonly #merges = new Map<number, Merge>();
  readonly #byteIds: readonly number[];
  readonly #lastByteIds: readonly number[];
  readonly #encoder = new TextEncoder();

  constructor(vocabulary: ReadonlyMap<string, number>, merges: readonly string[], options: TokenizerOptions) {
    super(vocabulary);
    this.merges = merges;
    this.#cleaning = options.cleaning ?? "transformers";
    this.startId = this.idOf(START, "special token");
    this.endId = this.idOf(END, "special token");
    const isOpenClip = this.#cleaning === "open_clip";
    this.padId = isOpenClip ? 0 : this.endId;
    const names = isOpenClip ? ["<start_of_text>", "<end_of_text>"] : [START, END];
    this.#specials = new Map(names.map((name, index) => [name, index === 0 ? this.startId : this.endId]));
    this.#byteIds = byteLetters.map((letter) => this.idOf(letter, "byte letter"));
    this.#lastByteIds = byteLetters.map((letter) => this.idOf(letter + WORD_END, "byte letter"));
    merges.forEach((line, rank) => this.#addMerge(line, rank));
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
    const key = this.#pairKey(this.idOf(left, kind), this.idOf(right, kind));
    if (this.#merges.has(key)) {
      throw new ConfigError(
        `Tokenizer: expected every merge once, got ${JSON.stringify(line)} again as merge ${rank + 1}.`,
        {code: "merges"},
      );
    }
    this.#merges.set(key, {rank, id: this.idOf(left + right, kind)});
  }

  #pairKey(left: number, right: number): number {
    return left * this.vocabularySize + right;
  }

  /** Tokens of a stretch of text without special tokens; offsets count from the start of the stretch. */
  #encodeStretch(text: string): Token[] {
    const {letters, origins, starts} = alignText(text, this.#cleaning);
    const normalized = letters.join("");
    const letterAt: number[] = [];
    letters.forEach((letter, index) => {
      for (let unit = 0; unit < letter.length; unit++) letterAt.push(index);
    });
    const find = (left: number, right: number): Merge | undefined =>
      this.#merges.get(this.#pairKey(left, right));
    const tokens: Token[] = [];
    for (const [start, end] of splitWords(normalized, this.#cleaning)) {
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
      for (const piece of mergeBytePairs(ids, find)) {
        tokens.push({
          id: piece.id,
          start: starts[byteOrigins[piece.start] ?? 0] ?? 0,
          end: starts[(byteOrigins[piece.end - 1] ?? 0) + 1] ?? 0,
          isFirst: piece.start === 0,
        });
      }
    }
    return tokens;
  }

  protected override prepare(text: string): string {
    return this.#cleaning === "open_clip" ? cleanText(text) : text;
  }

  protected tokensOf(source: string): Token[] {
    const tokens: Token[] = [];
    for (const {start, end, special} of splitAtSpecialTokens(source, [...this.#specials.keys()])) {
      if (special !== undefined) {
        tokens.push({id: this.#specials.get(special) ?? this.endId, start, end, isFirst: true});
        continue;
      }
      for (const token of this.#encodeStretch(source.slice(start, end))) {
        tokens.push({...token, start: token.start + start, end: token.end + start});
      }
    }
    return tokens;
  }

  decode(ids: ArrayLike<number>, {special = false}: DecodeOptions = {}): string {
    const kept = Array.from(ids).filter((id) => special || (id !== this.startId && id !== this.endId));
    const parts: string[] = [];
    let bytes: number[] = [];
    const flush = (): void => {
      parts.push(new TextDecoder("utf-8", {ignoreBOM: true}).decode(Uint8Array.from(bytes)));
      bytes = [];
    };
    this.tokens(kept).forEach((token, index) => {
      if (kept[index] === this.startId || kept[index] === this.endId) {
        flush();
        parts.push(token);
        return;
      }
      const isLast = token.endsWith(WORD_END);
      for (const letter of isLast ? token.slice(0, -WORD_END.length) : token) {
        bytes.push(byteOfLetter(letter) ?? 0x3f);
      }
      if (isLast) bytes.push(0x20);
    });
    flush();
    return parts.join("").replace(/^ +| +$/g, "");
  }
}

/**
 * A byte-level byte-pair tokenizer of CLIP's kind.
 *
 * @param vocabulary - Id of every token: 256 byte letters, the same with `</w>`, merged tokens, start and end token.
 * @param merges - Two tokens with a blank between, best first.
 * @param options - How texts are cleaned.
 * @throws ConfigError if an id is missing or doubled, or a merge is doubled or speaks of unknown tokens.
 *
 * Source: Radford et al. 2021, section 2.4; ids and offsets equal those of Hugging Face's CLIPTokenizer.
 */
export function createTokenizer(
  vocabulary: ReadonlyMap<string, number>,
  merges: readonly string[],
  options: TokenizerOptions = {},
): Tokenizer {
  return new ByteLevelTokenizer(vocabulary, merges, options);
}

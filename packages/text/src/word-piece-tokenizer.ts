import {BaseTokenizer} from "./base-tokenizer.js";
import type {Token} from "./base-tokenizer.js";
import {bertWords} from "./bert-words.js";
import type {BertLetter} from "./bert-words.js";
import {splitAtSpecialTokens} from "./special-tokens.js";
import type {BertTextRules, DecodeOptions, Tokenizer} from "./tokenizer.js";

const SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] as const;
const CONTINUES = "##";
const LONGEST_WORD = 100;

/** What an uncased BERT does to a text. */
export const uncasedRules: Readonly<BertTextRules> = Object.freeze({
  lowerCase: true,
  stripAccents: true,
  splitChinese: true,
});

class WordPieceTokenizer extends BaseTokenizer {
  readonly kind = "bert";
  readonly merges: readonly string[] = [];
  readonly textRules: Readonly<BertTextRules>;
  readonly startId: number;
  readonly endId: number;
  readonly padId: number;
  readonly #unknownId: number;
  readonly #specials: ReadonlyMap<string, number>;
  readonly #longestPiece: number;

  constructor(vocabulary: ReadonlyMap<string, number>, rules: Readonly<BertTextRules>) {
    super(vocabulary);
    this.textRules = rules;
    this.#specials = new Map(SPECIALS.map((name) => [name, this.idOf(name, "special token")]));
    this.padId = this.idOf("[PAD]", "special token");
    this.#unknownId = this.idOf("[UNK]", "special token");
    this.startId = this.idOf("[CLS]", "special token");
    this.endId = this.idOf("[SEP]", "special token");
    let longest = 1;
    for (const name of vocabulary.keys()) longest = Math.max(longest, name.length);
    this.#longestPiece = longest;
  }

  /** The longest piece of the vocabulary that a word has at a place; `undefined` if there is none. */
  #pieceAt(word: readonly BertLetter[], from: number): {id: number; to: number} | undefined {
    const prefix = from === 0 ? "" : CONTINUES;
    const most = Math.min(word.length, from + this.#longestPiece);
    for (let to = most; to > from; to--) {
      const name = prefix + word.slice(from, to).reduce((text, {letter}) => text + letter, "");
      const id = this.vocabulary.get(name);
      if (id !== undefined) return {id, to};
    }
    return undefined;
  }

  /** A word as pieces, or as one unknown token where it is too long or does not come out even. */
  #piecesOf(word: readonly BertLetter[]): Token[] {
    const tokens: Token[] = [];
    const add = (id: number, from: number, to: number): void => {
      tokens.push({id, start: word[from]?.start ?? 0, end: word[to - 1]?.end ?? 0, isFirst: from === 0});
    };
    const unknown = (): Token[] => {
      tokens.length = 0;
      add(this.#unknownId, 0, word.length);
      return tokens;
    };
    if (word.length > LONGEST_WORD) return unknown();
    for (let from = 0; from < word.length;) {
      const piece = this.#pieceAt(word, from);
      if (piece === undefined) return unknown();
      add(piece.id, from, piece.to);
      from = piece.to;
    }
    return tokens;
  }

  protected tokensOf(text: string): Token[] {
    const tokens: Token[] = [];
    for (const {start, end, special} of splitAtSpecialTokens(text, SPECIALS)) {
      if (special !== undefined) {
        tokens.push({id: this.#specials.get(special) ?? this.#unknownId, start, end, isFirst: true});
        continue;
      }
      for (const word of bertWords(text.slice(start, end), this.textRules)) {
        for (const token of this.#piecesOf(word)) {
          tokens.push({...token, start: token.start + start, end: token.end + start});
        }
      }
    }
    return tokens;
  }

  decode(ids: ArrayLike<number>, {special = false}: DecodeOptions = {}): string {
    const hidden = new Set(special ? [] : this.#specials.values());
    return this.tokens(Array.from(ids).filter((id) => !hidden.has(id)))
      .map((token, index) => {
        if (index === 0) return token;
        return /^[.?!,]$/.test(token) ? token : token.startsWith(CONTINUES) ? token.slice(2) : ` ${token}`;
      })
      .join("");
  }
}

/**
 * A WordPiece tokenizer of BERT's kind.
 *
 * @param vocabulary - Id of every token, `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]` among them; what continues a
 * word begins with `##`.
 * @param rules - What is done to a text first. Default that of uncased models.
 * @throws ConfigError if an id is missing or doubled, or a special token is missing.
 * @example
 * ```ts
 * const names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "optic", "disc", "##s"];
 * const tokenizer = createBertTokenizer(new Map(names.map((name, id) => [name, id])));
 * tokenizer.encode("Optic discs").ids; // 2, 5, 6, 7, 3
 * ```
 *
 * Source: Devlin et al. 2019; ids and offsets equal those of Hugging Face's fast BertTokenizer.
 */
export function createBertTokenizer(
  vocabulary: ReadonlyMap<string, number>,
  rules: Readonly<BertTextRules> = uncasedRules,
): Tokenizer {
  return new WordPieceTokenizer(vocabulary, rules);
}

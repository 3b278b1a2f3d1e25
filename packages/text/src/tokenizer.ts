import type {EncodeBatchOptions, EncodedBatch, EncodeOptions, Encoding} from "./encoding.js";

/** Options of {@link Tokenizer.decode}. */
export interface DecodeOptions {
  /** Whether special tokens are spelt out. Default false. */
  special?: boolean;
}

/** What a WordPiece tokenizer does to a text before it is cut; plain data, for saving. */
export interface BertTextRules {
  /** Whether letters become small. */
  lowerCase: boolean;
  /** Whether accents are taken off. */
  stripAccents: boolean;
  /** Whether Chinese characters are words of their own. */
  splitChinese: boolean;
}

/** Turns text into token ids and back. */
export interface Tokenizer {
  /** `clip`: byte-level byte pairs; `bert`: WordPiece. */
  readonly kind: "clip" | "bert";
  /** Number of ids. */
  readonly vocabularySize: number;
  /** Id of the start token. */
  readonly startId: number;
  /** Id of the end token. */
  readonly endId: number;
  /** Id of the token that fills up short texts. */
  readonly padId: number;
  /** Id of every token, for saving. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** The merges in order, for saving: two tokens with a blank between. Empty for WordPiece. */
  readonly merges: readonly string[];
  /** What is done to a text first; only of WordPiece. */
  readonly textRules?: Readonly<BertTextRules>;
  /**
   * One text as token ids.
   *
   * @throws ConfigError if the length cannot hold the special tokens, padding is asked without a length, or a pair is
   * given to a tokenizer of CLIP's kind.
   */
  encode(text: string, options?: EncodeOptions): Encoding;
  /** Several texts as one table. */
  encodeBatch(texts: readonly string[], options?: EncodeBatchOptions): EncodedBatch;
  /** The text of token ids, special tokens left out; words are set apart by blanks. */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
  /** The spelling of each token: with `</w>` at word ends (CLIP), or `##` before what continues a word (BERT). */
  tokens(ids: ArrayLike<number>): string[];
}

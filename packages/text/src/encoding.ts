/** Start and end of a token in its text; [0, 0] for tokens without text. */
export type Offset = readonly [start: number, end: number];

/** One text, or a pair, as numbers. */
export interface Encoding {
  /** Token ids with start and end token. */
  readonly ids: Int32Array;
  /** 1 for tokens, 0 for padding. */
  readonly mask: Int32Array;
  /** 1 for tokens of the second text of a pair, else 0. */
  readonly typeIds: Int32Array;
  /** Where each token stands in its own text, UTF-16 units: `text.slice(start, end)` is its text. */
  readonly offsets: readonly Offset[];
  /** The same in whole Unicode characters, as Python counts. */
  readonly codePointOffsets: readonly Offset[];
  /** Whether tokens were cut off to fit the length. */
  readonly truncated: boolean;
}

/** How texts that are too long are cut: after any token, or between words. */
export type Cut = "token" | "word";

/** Options of {@link Tokenizer.encode}. */
export interface EncodeOptions {
  /** Most tokens, start and end included; longer texts are cut before the end token. Default no limit. */
  maxLength?: number;
  /** Whether shorter texts are filled up to `maxLength` with the padding token. Default false. */
  padding?: boolean;
  /** Where longer texts are cut; with `word`, a first word that is too long by itself is cut all the same. Default `token`. */
  cut?: Cut;
  /** A second text; of the longer one more is cut. BERT only. */
  pair?: string;
}

/** Options of {@link Tokenizer.encodeBatch}. */
export interface EncodeBatchOptions {
  /** Most tokens, start and end included. Default no limit. */
  maxLength?: number;
  /** Fill up to the longest text of the batch, or to `maxLength`. Default `longest`. */
  padding?: "longest" | "maxLength";
  /** Where longer texts are cut. Default `token`. */
  cut?: Cut;
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

import {ConfigError, checkRange} from "@claps/core";
import type {Cut, EncodeBatchOptions, EncodedBatch, EncodeOptions, Encoding, Offset} from "./encoding.js";
import type {DecodeOptions, Tokenizer} from "./tokenizer.js";

/** A token of a text, before special tokens are put around. */
export interface Token {
  readonly id: number;
  /** Where it stands in the text, UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** Whether a word begins with it. */
  readonly isFirst: boolean;
}

/** What both kinds of tokenizer do alike: cutting, padding, special tokens, batches. */
export abstract class BaseTokenizer implements Tokenizer {
  abstract readonly kind: Tokenizer["kind"];
  abstract readonly merges: readonly string[];
  abstract readonly startId: number;
  abstract readonly endId: number;
  abstract readonly padId: number;
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly vocabularySize: number;
  readonly #names: readonly string[];

  constructor(vocabulary: ReadonlyMap<string, number>) {
    this.vocabulary = vocabulary;
    this.vocabularySize = vocabulary.size;
    this.#names = namesById(vocabulary);
  }

  /** What is done to a text before anything counts places in it. */
  protected prepare(text: string): string {
    return text;
  }

  /** The tokens of a prepared text without those put around it. */
  protected abstract tokensOf(text: string): Token[];

  abstract decode(ids: ArrayLike<number>, options?: DecodeOptions): string;

  protected idOf(name: string, kind: string): number {
    const id = this.vocabulary.get(name);
    if (id === undefined) {
      throw new ConfigError(
        `Tokenizer: expected the ${kind} ${JSON.stringify(name)} in the vocabulary, got none.`,
        {code: "vocabulary"},
      );
    }
    return id;
  }

  encode(text: string, options: EncodeOptions = {}): Encoding {
    const {maxLength, padding = false, cut = "token", pair} = options;
    const specials = pair === undefined ? 2 : 3;
    if (pair !== undefined && this.kind === "clip") {
      throw new ConfigError("encode: expected one text, got a pair, which only WordPiece tokenizers join.");
    }
    if (maxLength !== undefined) checkRange(maxLength, {min: specials, integer: true}, "maxLength");
    else if (padding) throw new ConfigError("encode: expected maxLength with padding, got none.");
    const whole = (pair === undefined ? [text] : [text, pair]).map((given) => {
      const prepared = this.prepare(given);
      return {text: prepared, tokens: this.tokensOf(prepared)};
    });
    const room = maxLength === undefined ? Infinity : maxLength - specials;
    const limits = shareRoom(
      whole.map(({tokens}) => tokens.length),
      room,
    );
    const parts = whole.map(({text: source, tokens}, index) => ({
      text: source,
      tokens: tokens.slice(0, cutLength(tokens, limits[index] ?? 0, cut)),
    }));
    const truncated = parts.some(({tokens}, index) => tokens.length < (whole[index]?.tokens.length ?? 0));
    return this.#assemble(parts, {length: padding ? maxLength : undefined, truncated});
  }

  #assemble(
    parts: readonly {text: string; tokens: readonly Token[]}[],
    {length, truncated}: {length: number | undefined; truncated: boolean},
  ): Encoding {
    const count = parts.reduce((sum, {tokens}) => sum + tokens.length + 1, 1);
    const ids = new Int32Array(length ?? count).fill(this.padId);
    const mask = new Int32Array(ids.length).fill(1, 0, count);
    const typeIds = new Int32Array(ids.length);
    const offsets = Array<Offset>(ids.length).fill([0, 0]);
    const codePointOffsets = Array<Offset>(ids.length).fill([0, 0]);
    ids[0] = this.startId;
    let place = 1;
    parts.forEach(({text, tokens}, part) => {
      const pointOf = codePointCounter(text);
      typeIds.fill(part, place, place + tokens.length + 1);
      for (const {id, start, end} of tokens) {
        ids[place] = id;
        offsets[place] = [start, end];
        codePointOffsets[place] = [pointOf(start), pointOf(end)];
        place++;
      }
      ids[place++] = this.endId;
    });
    return {ids, mask, typeIds, offsets, codePointOffsets, truncated};
  }

  encodeBatch(texts: readonly string[], options: EncodeBatchOptions = {}): EncodedBatch {
    const {maxLength, padding = "longest", cut} = options;
    if (padding === "maxLength" && maxLength === undefined) {
      throw new ConfigError('encodeBatch: expected maxLength with padding "maxLength", got none.');
    }
    const free = texts.map((text) => this.encode(text, {maxLength, cut}));
    const longest = free.reduce((most, {ids}) => Math.max(most, ids.length), 2);
    const length = padding === "longest" ? longest : (maxLength ?? longest);
    const encodings = free.map((encoding) => this.#pad(encoding, length));
    const ids = new Int32Array(texts.length * length);
    const mask = new Int32Array(texts.length * length);
    encodings.forEach((encoding, row) => {
      ids.set(encoding.ids, row * length);
      mask.set(encoding.mask, row * length);
    });
    return {ids, mask, shape: [texts.length, length], encodings};
  }

  #pad(encoding: Encoding, length: number): Encoding {
    const count = encoding.ids.length;
    if (count === length) return encoding;
    const fill = (values: Int32Array, value: number): Int32Array => {
      const filled = new Int32Array(length).fill(value);
      filled.set(values);
      return filled;
    };
    const none = Array<Offset>(length - count).fill([0, 0]);
    return {
      ids: fill(encoding.ids, this.padId),
      mask: fill(encoding.mask, 0),
      typeIds: fill(encoding.typeIds, 0),
      offsets: [...encoding.offsets, ...none],
      codePointOffsets: [...encoding.codePointOffsets, ...none],
      truncated: encoding.truncated,
    };
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

/**
 * How many tokens of each text fit; of two, the longer one gives way first.
 *
 * Source: the truncation `longest_first` of Hugging Face tokenizers: where both are too long, both get half, and the
 * longer one (the second, if they are equal) the odd token.
 */
function shareRoom(lengths: readonly number[], room: number): number[] {
  const [first = 0, second] = lengths;
  if (second === undefined) return [Math.min(first, room)];
  if (first + second <= room) return [first, second];
  const half = Math.floor(room / 2);
  const shorter = Math.min(first, second, half);
  return first > second ? [room - shorter, shorter] : [shorter, room - shorter];
}

function cutLength(tokens: readonly Token[], limit: number, cut: Cut): number {
  if (tokens.length <= limit) return tokens.length;
  if (cut === "token") return limit;
  let length = limit;
  while (length > 0 && tokens[length]?.isFirst === false) length--;
  return length === 0 ? limit : length;
}

/** Turns places in UTF-16 units into whole characters; an identity for texts without surrogate pairs. */
function codePointCounter(text: string): (unit: number) => number {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text)) return (unit) => unit;
  const points = new Uint32Array(text.length + 1);
  let unit = 0;
  let point = 0;
  for (const letter of text) {
    points.fill(point++, unit, unit + letter.length);
    unit += letter.length;
  }
  points[unit] = point;
  return (place) => points[place] ?? point;
}

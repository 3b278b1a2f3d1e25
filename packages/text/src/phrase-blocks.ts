import {ConfigError, ShapeError} from "@claps/core";
import type {Offset} from "./encoding.js";
import type {Tokenizer} from "./tokenizer.js";

/** Which tokens stand between phrases. */
export interface PhraseOptions {
  /** Ids of the tokens that end a phrase. */
  delimiters: readonly number[];
  /** Id of the padding token, which belongs to no phrase. */
  padId: number;
}

/** How the tokens of captions hang together. */
export interface PhraseBlocks {
  /** 1 where a row's token may see a column's, [P, T, T]. */
  readonly mask: Int32Array;
  /** Place of each token within its phrase, [P, T]. */
  readonly positionIds: Int32Array;
  /** First token of each phrase and first token behind it, per caption. */
  readonly spans: readonly (readonly Offset[])[];
}

/**
 * The caption that asks for several labels at once: small letters, a full stop behind each.
 *
 * @param labels - Names of what is looked for.
 * @example
 * ```ts
 * captionOfLabels(["Optic Disc ", "vessel"]); // "optic disc. vessel."
 * ```
 *
 * Source: the processor of Hugging Face's GroundingDINO.
 */
export function captionOfLabels(labels: readonly string[]): string {
  return `${labels.map((label) => label.trim().toLowerCase()).join(". ")}.`;
}

/**
 * What stands between phrases with a tokenizer: start, end, full stop and question mark; and its padding.
 *
 * @param tokenizer - A WordPiece tokenizer.
 * @throws ConfigError if its vocabulary lacks one of these.
 */
export function phraseOptions(tokenizer: Tokenizer): PhraseOptions {
  const signs = [".", "?"].map((sign) => {
    const id = tokenizer.kind === "bert" ? tokenizer.vocabulary.get(sign) : undefined;
    if (id === undefined) {
      throw new ConfigError(
        `phraseOptions: expected a WordPiece tokenizer that knows ${JSON.stringify(sign)}, got one of kind "${tokenizer.kind}" with ${tokenizer.vocabularySize} ids.`,
        {code: "vocabulary"},
      );
    }
    return id;
  });
  return {delimiters: [tokenizer.startId, tokenizer.endId, ...signs], padId: tokenizer.padId};
}

/**
 * Cuts captions into phrases that do not see each other.
 *
 * A token belongs to the block that ends with the next delimiter, that one included, and counts its place from the
 * delimiter before. A delimiter at the first or last token of the row, and a token without a delimiter behind it,
 * stands alone with place 0.
 *
 * Shapes: ids [P, T]; mask [P, T, T], places [P, T].
 *
 * @param batch - Token ids row by row, and P and T.
 * @param options - What stands between phrases; `phraseOptions` gives it.
 * @throws ShapeError if the ids do not fill the shape.
 * @example
 * ```ts
 * const batch = tokenizer.encodeBatch([captionOfLabels(["optic disc", "vessel"])]);
 * const {mask, positionIds, spans} = phraseBlocks(batch, phraseOptions(tokenizer));
 * ```
 *
 * Source: Liu et al. 2023, section 3.4; `generate_masks_with_special_tokens_and_transfer_map` and `build_label_maps`
 * of Hugging Face's GroundingDINO.
 */
export function phraseBlocks(
  {ids, shape}: {ids: ArrayLike<number>; shape: readonly [texts: number, tokens: number]},
  options: PhraseOptions,
): PhraseBlocks {
  const [texts, length] = shape;
  if (ids.length !== texts * length) {
    throw new ShapeError(
      `phraseBlocks: expected ${texts * length} ids for shape [${texts}, ${length}], got ${ids.length}.`,
    );
  }
  const mask = new Int32Array(texts * length * length);
  const positionIds = new Int32Array(texts * length);
  const spans: Offset[][] = [];
  for (let text = 0; text < texts; text++) {
    const row = Array.from({length}, (_, token) => ids[text * length + token] ?? 0);
    for (const [first, behind] of blocksOf(row, options.delimiters)) {
      for (let token = first; token < behind; token++) {
        const start = (text * length + token) * length;
        mask.fill(1, start + first, start + behind);
        positionIds[text * length + token] = token - first;
      }
    }
    spans.push(spansOf(row, options));
  }
  return {mask, positionIds, spans};
}

/** Blocks of tokens that see each other; together they cover the row. */
function blocksOf(row: readonly number[], delimiters: readonly number[]): Offset[] {
  const blocks: Offset[] = [];
  // Where a block may begin: behind the delimiter before.
  let next = 0;
  const alone = (behind: number): void => {
    for (; next < behind; next++) blocks.push([next, next + 1]);
  };
  row.forEach((id, token) => {
    if (!delimiters.includes(id)) return;
    if (token === 0 || token === row.length - 1) alone(token + 1);
    else {
      // The reference never joins the first token of a row with others.
      if (next === 0) alone(1);
      if (next <= token) blocks.push([next, token + 1]);
      next = token + 1;
    }
  });
  alone(row.length);
  return blocks;
}

/** Runs of tokens between delimiters. */
function spansOf(row: readonly number[], {delimiters, padId}: PhraseOptions): Offset[] {
  const spans: Offset[] = [];
  const isBetween = (id: number | undefined): boolean =>
    id === undefined || id === padId || delimiters.includes(id);
  for (let start = 0; start < row.length; start++) {
    if (isBetween(row[start])) continue;
    let end = start;
    while (!isBetween(row[end])) end++;
    spans.push([start, end]);
    start = end;
  }
  return spans;
}

/**
 * The words of each phrase of one caption.
 *
 * @param tokenizer - The tokenizer that made the ids.
 * @param ids - Token ids of the caption.
 * @param spans - Its phrases, from `phraseBlocks`.
 * @returns One string a phrase.
 *
 * Source: `get_phrases_from_posmap` of Hugging Face's GroundingDINO.
 */
export function phraseTexts(
  tokenizer: Tokenizer,
  ids: ArrayLike<number>,
  spans: readonly Offset[],
): string[] {
  const all = Array.from(ids);
  return spans.map(([start, end]) => tokenizer.decode(all.slice(start, end), {special: true}));
}

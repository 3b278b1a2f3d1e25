import {join} from "node:path";
import {loadTokenizer, looksWronglyDecoded} from "@claps/text";
import type {EncodedBatch, Offset, Tokenizer} from "@claps/text";
import {refuseUnknown} from "./pack-file.js";
import type {FileResult, ReadDocument} from "./pack-file.js";
import type {RefusedCase} from "./report.js";
import {Tally} from "./tally.js";

/** One string of `clip_cases.json`. */
export interface ClipString {
  readonly id: number;
  readonly category: string;
  readonly text: string;
  readonly ids: readonly number[];
  /** `all 1` for very long strings. */
  readonly attention_mask: readonly number[] | string;
  readonly offsets: readonly Offset[];
  readonly offsets_utf16?: readonly Offset[];
  readonly tokens?: readonly string[];
  readonly decoded?: string;
  readonly ids_77: readonly number[];
  readonly attention_mask_77: readonly number[];
  readonly open_clip_ids?: readonly number[];
  readonly open_clip_ids_77: readonly number[];
}

const CHECKED = [
  "ids",
  "attention_mask",
  "offsets",
  "offsets_utf16",
  "tokens",
  "decoded",
  "ids_77",
  "attention_mask_77",
  "open_clip_ids",
  "open_clip_ids_77",
];
const DESCRIBING = ["id", "category", "text", "open_clip_same"];
const WITHOUT_FTFY = "open_clip_ids_without_ftfy";

/** What stands for the mask of a very long string. */
const ALL_TOKENS = "all 1";

/** Why a string of open_clip is not compared; ftfy guesses there which encoding a text went through. */
const REPAIRED = "ftfy repairs text that was decoded wrongly, which this version leaves as it is";

/** Checks `clip_cases.json` with the vocabulary in `clip`. */
export async function checkClipStrings(folder: string, read: ReadDocument): Promise<FileResult> {
  const {cases} = await read<{cases: readonly ClipString[]}>("clip_cases.json");
  const plain = await loadTokenizer(join(folder, "clip"));
  const cleaning = await loadTokenizer(join(folder, "clip"), {cleaning: "open_clip"});
  const tally = new Tally();
  const refused: RefusedCase[] = [];
  for (const item of cases) {
    checkTransformers(plain, item, tally);
    refused.push(...checkOpenClip(cleaning, item, tally));
  }
  const without = cases.filter((item) => WITHOUT_FTFY in item);
  if (without.length > 0) {
    refused.push({
      name: `clip_cases ${WITHOUT_FTFY}, ${without.length} strings`,
      reason: "open_clip itself never cleans without ftfy, so there is no such setting",
    });
  }
  refused.push(...refuseUnknown("clip_cases", cases, [...CHECKED, ...DESCRIBING, WITHOUT_FTFY]));
  return {entries: tally.entries(), refused};
}

function checkTransformers(tokenizer: Tokenizer, item: ClipString, tally: Tally): void {
  const name = `${item.id} ${item.category}`;
  const whole = tokenizer.encode(item.text);
  tally.compare("ids", name, [[...whole.ids], item.ids]);
  const mask = item.attention_mask === ALL_TOKENS ? item.ids.map(() => 1) : item.attention_mask;
  tally.compare("mask", name, [[...whole.mask], mask]);
  tally.compare("offsets", name, [whole.codePointOffsets, item.offsets]);
  tally.compare("UTF-16 offsets", name, [whole.offsets, item.offsets_utf16 ?? item.offsets]);
  const cut = tokenizer.encode(item.text, {maxLength: 77, padding: true});
  tally.compare("ids cut to 77", name, [[...cut.ids], item.ids_77]);
  tally.compare("mask cut to 77", name, [[...cut.mask], item.attention_mask_77]);
  if (item.tokens !== undefined) tally.compare("tokens", name, [tokenizer.tokens(whole.ids), item.tokens]);
  if (item.decoded !== undefined) tally.compare("decoded", name, [tokenizer.decode(item.ids), item.decoded]);
}

function checkOpenClip(tokenizer: Tokenizer, item: ClipString, tally: Tally): RefusedCase[] {
  const name = `${item.id} ${item.category}`;
  const comparisons = [
    [
      "open_clip ids",
      [...tokenizer.encode(item.text).ids.slice(1, -1)],
      item.open_clip_ids ?? item.ids.slice(1, -1),
    ],
    [
      "open_clip ids cut to 77",
      [...tokenizer.encode(item.text, {maxLength: 77, padding: true}).ids],
      item.open_clip_ids_77,
    ],
  ] as const;
  return comparisons.flatMap(([aspect, ours, theirs]) => {
    const equal = ours.join() === theirs.join();
    if (!equal && looksWronglyDecoded(item.text)) {
      return [{name: `clip_cases ${name}, ${aspect}`, reason: REPAIRED}];
    }
    tally.note(aspect, name, equal);
    return [];
  });
}

/** Checks `clip_batches.json`. */
export async function checkClipBatches(folder: string, read: ReadDocument): Promise<FileResult> {
  interface Batch {
    readonly text_of_clip_cases: readonly number[];
    readonly padding: string;
    readonly input_ids: readonly (readonly number[])[];
    readonly attention_mask: readonly (readonly number[])[];
  }
  const {cases} = await read<{cases: readonly Batch[]}>("clip_batches.json");
  const strings = (await read<{cases: readonly ClipString[]}>("clip_cases.json")).cases;
  const tokenizer = await loadTokenizer(join(folder, "clip"));
  const tally = new Tally();
  cases.forEach((batch, index) => {
    const texts = batch.text_of_clip_cases.map((id) => strings.find((item) => item.id === id)?.text ?? "");
    // A number or "max_length" stands for padding to CLIP's 77 tokens.
    const encoded = tokenizer.encodeBatch(
      texts,
      batch.padding === "longest" ? {maxLength: 77} : {maxLength: 77, padding: "maxLength"},
    );
    tally.compare("ids", String(index), [rowsOf(encoded, encoded.ids), batch.input_ids]);
    tally.compare("mask", String(index), [rowsOf(encoded, encoded.mask), batch.attention_mask]);
  });
  const known = ["id", "text_of_clip_cases", "padding", "input_ids", "attention_mask"];
  return {entries: tally.entries(), refused: refuseUnknown("clip_batches", cases, known)};
}

/**
 * A table of a batch as rows.
 *
 * @param batch - The batch, for its shape.
 * @param table - Its ids or mask.
 */
export function rowsOf({shape: [texts, length]}: EncodedBatch, table: Int32Array): number[][] {
  return Array.from({length: texts}, (_, row) => [...table.subarray(row * length, (row + 1) * length)]);
}

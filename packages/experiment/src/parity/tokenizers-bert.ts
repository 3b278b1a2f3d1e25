import {join} from "node:path";
import {captionOfLabels, loadTokenizer, phraseBlocks, phraseOptions, phraseTexts} from "@claps/text";
import type {Offset, Tokenizer} from "@claps/text";
import {refuseUnknown} from "./pack-file.js";
import type {FileResult, ReadDocument} from "./pack-file.js";
import {Tally} from "./tally.js";
import {rowsOf} from "./tokenizers-clip.js";

interface CutString {
  readonly ids: readonly number[];
  readonly n_real: number;
}

interface BertString {
  readonly id: number;
  readonly category: string;
  readonly text: string;
  readonly ids: readonly number[];
  readonly offsets: readonly Offset[];
  readonly offsets_utf16?: readonly Offset[];
  readonly token_type_ids?: readonly number[];
  readonly attention_mask?: readonly number[];
  readonly tokens?: readonly string[];
  readonly decoded?: string;
  readonly max_256?: CutString;
  readonly max_512?: CutString;
}

interface BertPair {
  readonly first: string;
  readonly second: string;
  readonly max_length: number | null;
  readonly ids: readonly number[];
  readonly token_type_ids: readonly number[];
  readonly offsets: readonly Offset[];
}

interface BertBatch {
  readonly texts: readonly string[];
  readonly input_ids: readonly (readonly number[])[];
  readonly attention_mask: readonly (readonly number[])[];
  readonly token_type_ids: readonly (readonly number[])[];
}

interface PhraseItem {
  readonly caption: string;
  readonly labels: readonly string[] | null;
  readonly ids: readonly number[];
  readonly token_type_ids: readonly number[];
  readonly padding_mask: readonly number[];
  readonly offsets: readonly Offset[];
  readonly token_spans: readonly Offset[];
  readonly decoded_phrases: readonly string[];
  readonly position_ids: readonly number[];
  readonly attention_mask: readonly string[];
}

const STRING_KEYS =
  "id category text ids offsets offsets_utf16 token_type_ids attention_mask tokens decoded max_256 max_512";
const PAIR_KEYS = "first second max_length truncation ids token_type_ids offsets";
const BATCH_KEYS = "texts input_ids attention_mask token_type_ids";
const ITEM_KEYS =
  "caption labels ids token_type_ids padding_mask offsets token_spans decoded_phrases position_ids attention_mask";
/** Most tokens that Grounding DINO reads. */
const LONGEST_CAPTION = 256;

/** Checks `bert_cases.json` with the vocabulary in `bert`: strings, pairs and batches. */
export async function checkBertStrings(folder: string, read: ReadDocument): Promise<FileResult> {
  const document = await read<{
    cases: readonly BertString[];
    pairs?: readonly BertPair[];
    batches?: readonly BertBatch[];
  }>("bert_cases.json");
  const {cases, pairs = [], batches = []} = document;
  const tokenizer = await loadTokenizer(join(folder, "bert"));
  const tally = new Tally();
  for (const item of cases) checkString(tokenizer, item, tally);
  pairs.forEach((pair, index) => {
    const {first, second, max_length: longest} = pair;
    const ours = tokenizer.encode(first, {pair: second, maxLength: longest ?? undefined});
    tally.compare("ids of pairs", String(index), [[...ours.ids], pair.ids]);
    tally.compare("types of pairs", String(index), [[...ours.typeIds], pair.token_type_ids]);
    tally.compare("offsets of pairs", String(index), [ours.codePointOffsets, pair.offsets]);
  });
  batches.forEach((batch, index) => {
    const ours = tokenizer.encodeBatch(batch.texts);
    const types = ours.encodings.map(({typeIds}) => [...typeIds]);
    tally.compare("ids of batches", String(index), [rowsOf(ours, ours.ids), batch.input_ids]);
    tally.compare("mask of batches", String(index), [rowsOf(ours, ours.mask), batch.attention_mask]);
    tally.compare("types of batches", String(index), [types, batch.token_type_ids]);
  });
  const refused = [
    ...refuseUnknown("bert_cases", cases, STRING_KEYS.split(" ")),
    ...refuseUnknown("bert_cases pairs", pairs, PAIR_KEYS.split(" ")),
    ...refuseUnknown("bert_cases batches", batches, BATCH_KEYS.split(" ")),
  ];
  return {entries: tally.entries(), refused};
}

function checkString(tokenizer: Tokenizer, item: BertString, tally: Tally): void {
  const name = `${item.id} ${item.category}`;
  const whole = tokenizer.encode(item.text);
  tally.compare("ids", name, [[...whole.ids], item.ids]);
  tally.compare("offsets", name, [whole.codePointOffsets, item.offsets]);
  tally.compare("UTF-16 offsets", name, [whole.offsets, item.offsets_utf16 ?? item.offsets]);
  if (item.attention_mask) tally.compare("mask", name, [[...whole.mask], item.attention_mask]);
  if (item.token_type_ids) tally.compare("types", name, [[...whole.typeIds], item.token_type_ids]);
  if (item.tokens) tally.compare("tokens", name, [tokenizer.tokens(whole.ids), item.tokens]);
  if (item.decoded !== undefined) tally.compare("decoded", name, [tokenizer.decode(item.ids), item.decoded]);
  for (const [maxLength, expected] of [
    [256, item.max_256],
    [512, item.max_512],
  ] as const) {
    if (expected === undefined) continue;
    const cut = tokenizer.encode(item.text, {maxLength, padding: true});
    const count = cut.mask.reduce((sum, value) => sum + value, 0);
    tally.compare(`ids cut to ${maxLength}`, name, [[...cut.ids], expected.ids]);
    tally.compare(`tokens kept of ${maxLength}`, name, [count, expected.n_real]);
  }
}

/** Checks `gdino_cases.json`: captions, blocks of the mask, places, spans and words of phrases. */
export async function checkPhrases(folder: string, read: ReadDocument): Promise<FileResult> {
  const document = await read<{
    cases: readonly {id: number; kind: string; items: readonly PhraseItem[]}[];
    delimiters?: readonly number[];
  }>("gdino_cases.json");
  const {cases, delimiters} = document;
  const tokenizer = await loadTokenizer(join(folder, "bert"));
  const options = phraseOptions(tokenizer);
  const tally = new Tally();
  if (delimiters !== undefined) tally.compare("delimiters", "all", [options.delimiters, delimiters]);
  for (const {id, items} of cases) {
    const batch = tokenizer.encodeBatch(
      items.map(({caption}) => caption),
      {maxLength: LONGEST_CAPTION},
    );
    const {mask, positionIds, spans} = phraseBlocks(batch, options);
    const [, length] = batch.shape;
    items.forEach((item, row) => {
      const name = items.length === 1 ? String(id) : `${id}.${row}`;
      const encoding = batch.encodings[row]!;
      const rows = Array.from({length}, (_, token) => {
        const start = (row * length + token) * length;
        return mask.subarray(start, start + length).join("");
      });
      if (item.labels) tally.compare("captions", name, [captionOfLabels(item.labels), item.caption]);
      tally.compare("ids", name, [[...encoding.ids], item.ids]);
      tally.compare("types", name, [[...encoding.typeIds], item.token_type_ids]);
      tally.compare("mask", name, [[...encoding.mask], item.padding_mask]);
      tally.compare("offsets", name, [encoding.codePointOffsets, item.offsets]);
      tally.compare("places", name, [rowsOf(batch, positionIds)[row], item.position_ids]);
      tally.compare("blocks", name, [rows, item.attention_mask]);
      tally.compare("spans", name, [spans[row], item.token_spans]);
      const texts = phraseTexts(tokenizer, encoding.ids, spans[row]!);
      tally.compare("phrases", name, [texts, item.decoded_phrases]);
    });
  }
  const items = cases.flatMap((group) => group.items);
  const refused = [
    ...refuseUnknown("gdino_cases", cases, ["id", "kind", "items"]),
    ...refuseUnknown("gdino_cases items", items, ITEM_KEYS.split(" ")),
  ];
  return {entries: tally.entries(), refused};
}

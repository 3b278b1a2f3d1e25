import {readFile} from "node:fs/promises";
import {join} from "node:path";
import {gunzipSync} from "node:zlib";
import {WeightError} from "@claps/core";
import {createTokenizer, loadTokenizer, looksWronglyDecoded, vocabularyOfMerges} from "@claps/text";
import type {Cleaning, Tokenizer} from "@claps/text";
import {refuseUnknown} from "./pack-file.js";
import type {FileResult, ReadDocument} from "./pack-file.js";
import type {RefusedCase} from "./report.js";
import {Tally} from "./tally.js";
import type {ClipString} from "./tokenizers-clip.js";

interface FullString {
  readonly id: number;
  readonly text_of_clip_case: number;
  readonly transformers_ids?: readonly number[];
  readonly transformers_ids_77: readonly number[];
  readonly open_clip_ids?: readonly number[];
  readonly open_clip_ids_77: readonly number[];
}

const KEYS =
  "id text_of_clip_case length transformers_ids transformers_ids_77 open_clip_ids open_clip_ids_77 open_clip_ids_without_ftfy";
const COMPRESSED = "bpe_simple_vocab_16e6.txt.gz";
/** Merges of the published vocabulary; the file holds more, which CLIP never used. */
const MERGES = 49_152 - 256 - 2;

/** The published vocabulary, if it lies in the pack: as vocab.json with merges.txt, or as CLIP's first release had it. */
async function publishedTokenizer(folder: string, cleaning: Cleaning): Promise<Tokenizer | undefined> {
  const packed = await readFile(join(folder, COMPRESSED)).catch(() => undefined);
  if (packed !== undefined) {
    const lines = gunzipSync(packed).toString("utf8").split("\n");
    const merges = lines.slice(1, MERGES + 1).filter((line) => line !== "");
    return createTokenizer(vocabularyOfMerges(merges), merges, {cleaning});
  }
  return loadTokenizer(folder, {cleaning}).catch((error: unknown) => {
    if (error instanceof WeightError && error.code === "no-tokenizer") return undefined;
    throw error;
  });
}

/** Checks `clip_full_vocabulary.json`, if the published vocabulary lies in the pack. */
export async function checkFullVocabulary(folder: string, read: ReadDocument): Promise<FileResult> {
  const {cases} = await read<{cases: readonly FullString[]}>("clip_full_vocabulary.json");
  const plain = await publishedTokenizer(folder, "transformers");
  const cleaning = await publishedTokenizer(folder, "open_clip");
  if (plain === undefined || cleaning === undefined) {
    const reason = `the published vocabulary is not in the pack; put ${COMPRESSED}, or vocab.json and merges.txt, beside the cases`;
    return {entries: [], refused: [{name: `clip_full_vocabulary, ${cases.length} strings`, reason}]};
  }
  const strings = (await read<{cases: readonly ClipString[]}>("clip_cases.json")).cases;
  const tally = new Tally();
  const refused: RefusedCase[] = [];
  for (const item of cases) {
    const text = strings.find(({id}) => id === item.text_of_clip_case)?.text ?? "";
    const name = String(item.id);
    const cut = {maxLength: 77};
    const whole = item.transformers_ids;
    if (whole !== undefined) tally.compare("ids", name, [[...plain.encode(text).ids], whole]);
    tally.compare("ids cut to 77", name, [[...plain.encode(text, cut).ids], item.transformers_ids_77]);
    for (const [aspect, ours, theirs] of [
      ["open_clip ids", cleaning.encode(text).ids.slice(1, -1), item.open_clip_ids],
      ["open_clip ids cut to 77", cleaning.encode(text, cut).ids, item.open_clip_ids_77],
    ] as const) {
      if (theirs === undefined) continue;
      const equal = ours.join() === theirs.join();
      if (equal || !looksWronglyDecoded(text)) tally.note(aspect, name, equal);
      else {
        refused.push({
          name: `clip_full_vocabulary ${name}, ${aspect}`,
          reason: "ftfy repairs text that was decoded wrongly, which this version leaves as it is",
        });
      }
    }
  }
  refused.push(...refuseUnknown("clip_full_vocabulary", cases, KEYS.split(" ")));
  return {entries: tally.entries(), refused};
}

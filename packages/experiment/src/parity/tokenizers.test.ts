import {cpSync, mkdirSync, readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {gzipSync} from "node:zlib";
import {DataError, WeightError} from "@claps/core";
import {loadTokenizer} from "@claps/text";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {temporaryFolder} from "../tiny-dataset.twin.js";
import {checkPack} from "./check-pack.js";
import type {ParityReport} from "./report.js";

const fixtures = fileURLToPath(new URL("../../../text/fixtures/", import.meta.url));

type Json = Record<string, unknown>;
type Document = Json & {cases: Json[]};

function readDocument(path: string): Document {
  return JSON.parse(readFileSync(path, "utf8")) as Document;
}

function write(folder: string, name: string, document: unknown): void {
  writeFileSync(join(folder, name), JSON.stringify(document));
}

/** Cases of CLIP's kind, completed by our own tokenizer; its numbers are tested elsewhere. */
async function clipCases(folder: string, texts: readonly string[]): Promise<Json[]> {
  const plain = await loadTokenizer(join(folder, "clip"));
  const cleaning = await loadTokenizer(join(folder, "clip"), {cleaning: "open_clip"});
  return texts.map((text, id) => {
    const whole = plain.encode(text);
    const cut = plain.encode(text, {maxLength: 77, padding: true});
    const openClip = cleaning.encode(text, {maxLength: 77, padding: true});
    return {
      id,
      category: "made up",
      text,
      ids: [...whole.ids],
      attention_mask: id === 0 ? "all 1" : [...whole.mask],
      offsets: whole.codePointOffsets,
      offsets_utf16: whole.offsets,
      tokens: plain.tokens(whole.ids),
      decoded: plain.decode(whole.ids),
      ids_77: [...cut.ids],
      attention_mask_77: [...cut.mask],
      open_clip_same: false,
      open_clip_ids: [...cleaning.encode(text).ids.slice(1, -1)],
      open_clip_ids_77: [...openClip.ids],
    };
  });
}

const TEXTS = ["optic disc", "AMD &amp; “wet”", "\u{1f4a1} e\u0301", "cafÃ©"];

/** A small pack with every kind of file. */
async function makePack(): Promise<string> {
  const folder = temporaryFolder();
  cpSync(join(fixtures, "tokenizer"), join(folder, "clip"), {recursive: true});
  mkdirSync(join(folder, "bert"));
  cpSync(join(fixtures, "word-piece", "vocab.txt"), join(folder, "bert", "vocab.txt"));
  const cases = await clipCases(folder, TEXTS);
  write(folder, "clip_cases.json", {cases});
  const tokenizer = await loadTokenizer(join(folder, "clip"));
  const {ids, mask} = tokenizer.encodeBatch([TEXTS[0]!, TEXTS[2]!]);
  const rows = (table: Int32Array): number[][] => [
    [...table.slice(0, table.length / 2)],
    [...table.slice(table.length / 2)],
  ];
  write(folder, "clip_batches.json", {
    cases: [
      {
        text_of_clip_cases: [0, 2],
        padding: "longest",
        input_ids: rows(ids),
        attention_mask: rows(mask),
      },
    ],
  });
  const words = readDocument(join(fixtures, "word-piece", "cases.json"));
  const numbered = words.cases.map((item, id) => ({id, category: "recorded", ...item}));
  write(folder, "bert_cases.json", {...words, cases: numbered});
  const phrases = readDocument(join(fixtures, "word-piece", "phrases.json"));
  write(folder, "gdino_cases.json", {...phrases, delimiters: [101, 102, 1012, 1029]});
  return folder;
}

function wrong({cases}: ParityReport): string[] {
  return cases.flatMap(({name, entries}) =>
    entries.filter(({ok}) => !ok).map((entry) => `${name}: ${entry.name}`),
  );
}

/** Changes a value deep in a file of a pack. */
function change(folder: string, file: string, edit: (document: Document) => void): void {
  const document = readDocument(join(folder, file));
  edit(document);
  write(folder, file, document);
}

test("the kind is read from the files; every string agrees", async () => {
  const report = await checkPack(await makePack());
  assert.is(report.kind, "tokenizers");
  assert.equal(
    report.cases.map(({name}) => name),
    ["bert_cases", "clip_batches", "clip_cases", "gdino_cases"],
  );
  assert.equal(wrong(report), []);
  assert.equal(report.refused, []);
  assert.ok(report.ok);
});

/** Makes one number of a list another one. */
function spoil(list: unknown, index: number): void {
  const numbers = list as number[];
  numbers[index] = (numbers[index] ?? 0) + 1;
}

const MISTAKES: readonly (readonly [file: string, spoilIn: (cases: Json[]) => void, named: string[]])[] = [
  [
    "clip_cases.json",
    ([, second]) => spoil(second!["ids_77"], 2),
    ["clip_cases: ids cut to 77 of 4, wrong in 1 made up"],
  ],
  [
    "clip_cases.json",
    ([, , third]) => spoil(third!["open_clip_ids"], 0),
    ["clip_cases: open_clip ids of 4, wrong in 2 made up"],
  ],
  [
    "clip_batches.json",
    ([batch]) => spoil((batch!["attention_mask"] as number[][])[1], 0),
    ["clip_batches: mask of 1, wrong in 0"],
  ],
  [
    "bert_cases.json",
    ([first]) => spoil((first!["offsets"] as number[][])[1], 1),
    [
      "bert_cases: offsets of 35, wrong in 0 recorded",
      "bert_cases: UTF-16 offsets of 35, wrong in 0 recorded",
    ],
  ],
  [
    "gdino_cases.json",
    ([group]) => spoil((group!["items"] as Json[])[0]!["position_ids"], 2),
    ["gdino_cases: places of 14, wrong in 3"],
  ],
];

test("one wrong number is not within tolerance, and its string is named", async () => {
  for (const [file, spoilIn, named] of MISTAKES) {
    const folder = await makePack();
    change(folder, file, ({cases}) => spoilIn(cases));
    const report = await checkPack(folder);
    assert.is(report.ok, false, file);
    assert.equal(wrong(report), named);
  }
});

test("what cannot be checked is refused by name, with the reason", async () => {
  const folder = await makePack();
  change(folder, "clip_cases.json", ({cases}) => {
    // As ftfy has it: the letter that was meant.
    cases[3]!["open_clip_ids"] = [1, 2, 3];
    cases[0]!["open_clip_ids_without_ftfy"] = [1];
    cases[0]!["ids_of_tomorrow"] = [1];
  });
  write(folder, "clip_full_vocabulary.json", {cases: [{id: 0, text_of_clip_case: 0}]});
  write(folder, "other_cases.json", {cases: []});
  const {refused, ok} = await checkPack(folder);
  assert.ok(ok);
  assert.equal(
    refused.map(({name}) => name),
    [
      "clip_cases 3 made up, open_clip ids",
      "clip_cases open_clip_ids_without_ftfy, 1 strings",
      "clip_cases ids_of_tomorrow",
      "clip_full_vocabulary, 1 strings",
      "other_cases",
    ],
  );
  assert.match(refused[0]!.reason, /ftfy repairs text that was decoded wrongly/);
  assert.match(refused[3]!.reason, /put bpe_simple_vocab_16e6\.txt\.gz, or vocab\.json and merges\.txt/);
});

test("the published vocabulary is used where it lies in the pack", async () => {
  const folder = await makePack();
  const tokenizer = await loadTokenizer(join(folder, "clip"));
  const ids = [...tokenizer.encode(TEXTS[0]!).ids];
  const item = {
    id: 7,
    text_of_clip_case: 0,
    length: ids.length,
    transformers_ids: ids,
    transformers_ids_77: ids,
    open_clip_ids: ids.slice(1, -1),
    open_clip_ids_77: ids,
  };
  write(folder, "clip_full_vocabulary.json", {cases: [item]});
  cpSync(join(folder, "clip"), folder, {recursive: true});
  const {cases, ok} = await checkPack(folder);
  assert.ok(ok);
  const checked = cases.find(({name}) => name === "clip_full_vocabulary");
  assert.is(checked?.entries.length, 4);
  const first = `"bpe_simple_vocab_16e6.txt"\n${tokenizer.merges.join("\n")}\n`;
  writeFileSync(join(folder, "bpe_simple_vocab_16e6.txt.gz"), gzipSync(first));
  assert.ok((await checkPack(folder)).ok, "the file of the first release goes before");
  change(folder, "clip_full_vocabulary.json", (document) => {
    document.cases[0]!["transformers_ids"] = [0];
  });
  assert.equal(wrong(await checkPack(folder)), ["clip_full_vocabulary: ids of 1, wrong in 7"]);
});

test("damaged files are refused with their place", async () => {
  const folder = await makePack();
  writeFileSync(join(folder, "gdino_cases.json"), "{");
  const error = await checkPack(folder).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof DataError && /gdino_cases\.json: expected JSON/.test(error.message));
  write(folder, "gdino_cases.json", {items: []});
  const empty = await checkPack(folder).catch((thrown: unknown) => thrown);
  assert.ok(empty instanceof DataError && /expected a list "cases"/.test(empty.message));
  const without = temporaryFolder();
  write(without, "bert_cases.json", {cases: []});
  assert.instance(await checkPack(without).catch((thrown: unknown) => thrown), WeightError);
});

test.run();

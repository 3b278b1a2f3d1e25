import {existsSync, mkdtempSync, readFileSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {ConfigError, WeightError} from "@claps/core";
import * as fc from "fast-check";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {loadTokenizer, saveTokenizer, tokenizerFromFiles} from "./tokenizer-files.js";
import type {Offset} from "./encoding.js";
import type {Tokenizer} from "./tokenizer.js";

interface Case {
  text: string;
  ids: number[];
  offsets: Offset[];
  offsets_utf16?: Offset[];
  decoded?: string;
  ids_77_length?: number;
}

interface Batch {
  input_ids: number[][];
  attention_mask: number[][];
}

interface Fixture {
  cases: Case[];
  batch: Batch & {texts: string[]};
  cut: {text: string; ids_77: number[]};
}

function read(base: URL, name: string): string {
  return readFileSync(new URL(name, base), "utf8");
}

const folder = new URL("../fixtures/tokenizer/", import.meta.url);
const vocabulary = read(folder, "vocab.json");
const merges = read(folder, "merges.txt");
const fixture = JSON.parse(read(folder, "cases.json")) as Fixture;
const tokenizer = tokenizerFromFiles(vocabulary, merges);

function checkCase(target: Tokenizer, expected: Case): void {
  const {ids, mask, offsets, codePointOffsets} = target.encode(expected.text);
  const label = JSON.stringify(expected.text.slice(0, 60));
  assert.equal([...ids], expected.ids, label);
  assert.equal(codePointOffsets, expected.offsets, label);
  assert.equal(offsets, expected.offsets_utf16 ?? expected.offsets, label);
  assert.ok(mask.every((value) => value === 1));
  if (expected.decoded !== undefined) assert.is(target.decode(ids), expected.decoded, label);
}

function checkBatch(target: Tokenizer, texts: readonly string[], expected: Batch): void {
  const {ids, mask, shape} = target.encodeBatch(texts);
  const rows = (flat: Int32Array): number[][] =>
    texts.map((_, row) => [...flat.subarray(row * shape[1], (row + 1) * shape[1])]);
  assert.equal(rows(ids), expected.input_ids);
  assert.equal(rows(mask), expected.attention_mask);
}

test("ids, offsets and decoded text equal the reference", () => {
  assert.is(tokenizer.vocabularySize, 1514);
  assert.is(fixture.cases.length, 26);
  for (const expected of fixture.cases) checkCase(tokenizer, expected);
});

test("pads a batch to its longest text", () => {
  checkBatch(tokenizer, fixture.batch.texts, fixture.batch);
});

test("cuts to a length and keeps the end token", () => {
  const {ids, mask} = tokenizer.encode(fixture.cut.text, {maxLength: 77, padding: true});
  assert.equal([...ids], fixture.cut.ids_77);
  assert.ok(mask.every((value) => value === 1));
  for (const {text, ids_77_length: length} of fixture.cases) {
    const padded = tokenizer.encode(text, {maxLength: 77, padding: true});
    assert.is(padded.ids.length, 77);
    assert.is(
      padded.mask.reduce((sum, value) => sum + value, 0),
      length,
    );
  }
});

test("a literal end token is special, its capitals are text", () => {
  assert.equal(tokenizer.tokens(tokenizer.encode("<|endoftext|>").ids), [
    "<|startoftext|>",
    "<|endoftext|>",
    "<|endoftext|>",
  ]);
  assert.ok(tokenizer.encode("<|ENDOFTEXT|>").ids.length > 5);
});

test("survives hostile text", () => {
  for (const text of ["\ud800", "a\udc00b", "\0", "\u202e", "💡".repeat(50), "e" + "\u0301".repeat(200)]) {
    const {ids, offsets} = tokenizer.encode(text);
    assert.ok(ids.every((id) => id >= 0 && id < 1514));
    assert.ok(offsets.every(([start, end]) => start <= end && end <= text.length));
  }
  assert.equal([...tokenizer.encode("\ud800").ids], [...tokenizer.encode("\ufffd").ids]);
  assert.equal(tokenizer.encode("a".repeat(10_000), {maxLength: 77}).ids.length, 77);
  // Quadratic work on a word of this length would take minutes.
  for (const text of ["ab".repeat(50_000), "e" + "\u0301".repeat(100_000), "vessels ".repeat(12_500)]) {
    const {offsets} = tokenizer.encode(text);
    assert.is(offsets.at(-2)?.[1], text.trimEnd().length);
  }
});

test("offsets cover the letters of any text in order, and decoding gives the letters back", () => {
  fc.assert(
    fc.property(fc.string({unit: "grapheme-ascii", maxLength: 40}), (text) => {
      const {ids, offsets} = tokenizer.encode(text);
      const covered = offsets.slice(1, -1).map(([start, end]) => text.slice(start, end));
      const letters = text.replace(/\s/g, "");
      assert.is(covered.join(""), letters);
      assert.is(tokenizer.decode(ids).replace(/ /g, ""), letters.toLowerCase());
    }),
    {numRuns: 300, seed: 5},
  );
});

test("saves and loads the same tokenizer", async () => {
  const place = mkdtempSync(join(tmpdir(), "claps-tokenizer-"));
  try {
    assert.is((await loadTokenizer(place).catch((error: unknown) => error)) instanceof WeightError, true);
    await saveTokenizer(tokenizer, place);
    const loaded = await loadTokenizer(place);
    assert.equal([...loaded.vocabulary], [...tokenizer.vocabulary]);
    assert.equal(loaded.merges, tokenizer.merges);
  } finally {
    rmSync(place, {recursive: true, force: true});
  }
});

test("refuses files that do not belong together", () => {
  const refused = (vocab: string, table: string, message: RegExp): void => {
    assert.throws(
      () => tokenizerFromFiles(vocab, table),
      (error: unknown) => error instanceof ConfigError && message.test(error.message),
    );
  };
  refused("{", merges, /expected JSON/);
  refused("[]", merges, /to be a record/);
  refused('{"a": 0}', merges, /<\|startoftext\|>/);
  refused(vocabulary.replace(/"!": 0,/, '"!": 1,'), merges, /once, got 1/);
  refused(vocabulary.replace(/"!": 0,/, '"!!!!": 0,'), merges, /byte letter "!"/);
  refused(vocabulary, "#version: 0.2\nq zz\n", /token of merge 1 "zz"/);
  refused(vocabulary, "#version: 0.2\nabc\n", /merge 1 to be two tokens/);
  refused(vocabulary, "#version: 0.2\ni n\nt h\ni n\n", /every merge once, got "i n" again as merge 3/);
});

test("cuts between words on request, and says whether it cut", () => {
  const text = "optic disc xylophone";
  const whole = tokenizer.encode(text);
  assert.is(whole.truncated, false);
  const word = tokenizer.tokens(whole.ids).findIndex((token) => token === "disc</w>") + 1;
  assert.ok(whole.ids.length - 1 > word + 1, "the last word is more than one token");
  const byToken = tokenizer.encode(text, {maxLength: word + 2});
  assert.is(byToken.ids.length, word + 2);
  assert.is(byToken.truncated, true);
  const byWord = tokenizer.encode(text, {maxLength: word + 2, cut: "word"});
  assert.is(tokenizer.decode(byWord.ids), "optic disc");
  assert.is(byWord.truncated, true);
  assert.is(tokenizer.encode("", {maxLength: 2}).truncated, false);
  assert.equal([...tokenizer.encode("").ids], [tokenizer.startId, tokenizer.endId]);
});

test("a pair is for WordPiece only", () => {
  assert.is(tokenizer.kind, "clip");
  assert.is(tokenizer.padId, tokenizer.endId);
  assert.throws(() => tokenizer.encode("a", {pair: "b"}), /expected one text, got a pair/);
});

test("special tokens are spelt out on request", () => {
  const {ids} = tokenizer.encode("optic disc");
  assert.is(tokenizer.decode(ids), "optic disc");
  assert.is(tokenizer.decode(ids, {special: true}), "<|startoftext|>optic disc <|endoftext|>");
});

test("refuses lengths that cannot hold a text", () => {
  assert.throws(() => tokenizer.encode("a", {maxLength: 1}), /maxLength/);
  assert.throws(() => tokenizer.encode("a", {padding: true}), /maxLength with padding/);
  assert.throws(() => tokenizer.encodeBatch(["a"], {padding: "maxLength"}), /maxLength/);
  assert.throws(() => tokenizer.decode([1514]), /ids of 0 to 1513/);
});

const reference = new URL("../../../../shared/reference/tokenizers/", import.meta.url);
const hasReference = existsSync(reference);
if (!hasReference)
  console.log("tokenizer: the folder of reference numbers is absent, its 155 cases are skipped");

(hasReference ? test : test.skip)("every recorded case and batch of the reference", () => {
  const target = tokenizerFromFiles(read(reference, "clip/vocab.json"), read(reference, "clip/merges.txt"));
  const {cases} = JSON.parse(read(reference, "clip_cases.json")) as {cases: Case[]};
  assert.is(cases.length, 155);
  for (const expected of cases) checkCase(target, expected);
  const batches = JSON.parse(read(reference, "clip_batches.json")) as {
    cases: (Batch & {text_of_clip_cases: number[]})[];
  };
  for (const batch of batches.cases) {
    checkBatch(
      target,
      batch.text_of_clip_cases.map((index) => cases[index]?.text ?? ""),
      batch,
    );
  }
});

test.run();

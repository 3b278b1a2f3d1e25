import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {ConfigError} from "@claps/core";
import * as fc from "fast-check";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkVocabulary} from "./check-vocabulary.js";
import type {Offset} from "./encoding.js";
import {bertTokenizerFromFile, loadTokenizer, saveTokenizer} from "./tokenizer-files.js";
import type {Tokenizer} from "./tokenizer.js";
import {createBertTokenizer, uncasedRules} from "./word-piece-tokenizer.js";

interface Case {
  text: string;
  ids: number[];
  offsets: Offset[];
  offsets_utf16?: Offset[];
  decoded?: string;
  max_256?: {ids: number[]; n_real: number};
}

interface Cases {
  cases: Case[];
  pairs: {
    first: string;
    second: string;
    max_length: number | null;
    ids: number[];
    token_type_ids: number[];
    offsets: Offset[];
  }[];
  batches: {texts: string[]; input_ids: number[][]; attention_mask: number[][]}[];
}

const folder = fileURLToPath(new URL("../fixtures/word-piece/", import.meta.url));
const vocabulary = readFileSync(`${folder}vocab.txt`, "utf8");
const fixture = JSON.parse(readFileSync(`${folder}cases.json`, "utf8")) as Cases;
const tokenizer = bertTokenizerFromFile(vocabulary);

function checkCases(target: Tokenizer, {cases, pairs, batches}: Cases): void {
  for (const expected of cases) {
    const label = JSON.stringify(expected.text.slice(0, 60));
    const {ids, offsets, codePointOffsets, truncated} = target.encode(expected.text);
    assert.equal([...ids], expected.ids, label);
    assert.equal(codePointOffsets, expected.offsets, label);
    assert.equal(offsets, expected.offsets_utf16 ?? expected.offsets, label);
    assert.is(truncated, false);
    if (expected.decoded !== undefined) assert.is(target.decode(ids), expected.decoded, label);
    if (expected.max_256 === undefined) continue;
    const cut = target.encode(expected.text, {maxLength: 256, padding: true});
    assert.equal([...cut.ids], expected.max_256.ids, label);
    assert.is(
      cut.mask.reduce((sum, value) => sum + value, 0),
      expected.max_256.n_real,
    );
    assert.is(cut.truncated, expected.ids.length > 256);
  }
  for (const expected of pairs) {
    const options = {pair: expected.second, maxLength: expected.max_length ?? undefined};
    const {ids, typeIds, codePointOffsets} = target.encode(expected.first, options);
    assert.equal([...ids], expected.ids, expected.first);
    assert.equal([...typeIds], expected.token_type_ids, expected.first);
    assert.equal(codePointOffsets, expected.offsets, expected.first);
  }
  for (const {texts, input_ids, attention_mask} of batches) {
    const {ids, mask, shape} = target.encodeBatch(texts);
    assert.equal(shape, [texts.length, input_ids[0]?.length]);
    assert.equal([...ids], input_ids.flat());
    assert.equal([...mask], attention_mask.flat());
  }
}

test("ids, offsets, decoded text, pairs and batches equal the reference", () => {
  assert.is(tokenizer.kind, "bert");
  assert.is(tokenizer.vocabularySize, 1181);
  assert.equal([tokenizer.startId, tokenizer.endId, tokenizer.padId], [101, 102, 0]);
  assert.is(fixture.cases.length, 35);
  assert.is(fixture.pairs.length, 12);
  checkCases(tokenizer, fixture);
});

const reference = fileURLToPath(new URL("../../../../shared/reference/tokenizers/", import.meta.url));
const hasReference = existsSync(reference);
if (!hasReference) {
  console.log("WordPiece: the folder of reference numbers is absent, its 155 cases are skipped");
}

(hasReference ? test : test.skip)("every recorded case of the reference", async () => {
  const recorded = JSON.parse(readFileSync(`${reference}bert_cases.json`, "utf8")) as Cases;
  assert.is(recorded.cases.length, 155);
  checkCases(await loadTokenizer(`${reference}bert`), recorded);
});

const names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ab", "a", "##b", "##c", ".", "É"];
const small = new Map(names.map((name, id) => [name, id]));

test("the longest piece goes first; a word that does not come out even is unknown as a whole", () => {
  const target = createBertTokenizer(small);
  assert.equal([...target.encode("abc abb. abx").ids], [2, 5, 8, 5, 7, 9, 1, 3]);
  assert.equal(target.encode("ab  abx").offsets, [
    [0, 0],
    [0, 2],
    [4, 7],
    [0, 0],
  ]);
  assert.is(target.decode([2, 5, 8, 9, 1, 6, 3]), "abc. a");
  assert.is(target.decode([2, 5, 1, 3], {special: true}), "[CLS] ab [UNK] [SEP]");
  assert.equal(target.tokens([5, 7]), ["ab", "##b"]);
  assert.equal([...target.encode("É").ids], [2, 1, 3], "accents are taken off, and e is no token");
  const cased = createBertTokenizer(small, {...uncasedRules, lowerCase: false, stripAccents: false});
  assert.equal([...cased.encode("É AB").ids], [2, 10, 1, 3]);
});

test("long texts are cut after a token, or between words", () => {
  const target = createBertTokenizer(small);
  const ids = (cut: "token" | "word", maxLength: number, text = "a abc abcc"): number[] => [
    ...target.encode(text, {cut, maxLength}).ids,
  ];
  assert.equal(ids("token", 5), [2, 6, 5, 8, 3]);
  assert.equal(ids("token", 6), [2, 6, 5, 8, 5, 3]);
  assert.equal(ids("word", 6), [2, 6, 5, 8, 3]);
  assert.equal(ids("word", 4), [2, 6, 3]);
  assert.equal(ids("word", 8), [2, 6, 5, 8, 5, 8, 8, 3]);
  assert.equal(ids("word", 4, "abccc"), [2, 5, 8, 3], "a first word that is too long is cut all the same");
  assert.is(target.encode("a abc", {maxLength: 4}).truncated, true);
  assert.is(target.encode("a abc", {maxLength: 5}).truncated, false);
  const {ids: table, encodings} = target.encodeBatch(["a abc", "a"], {maxLength: 4, cut: "word"});
  assert.equal([...table], [2, 6, 3, 2, 6, 3]);
  assert.equal(
    encodings.map(({truncated}) => truncated),
    [true, false],
  );
});

test("of a pair the longer text gives way", () => {
  const target = createBertTokenizer(small);
  const cut = (first: string, pair: string, maxLength: number): number[] => [
    ...target.encode(first, {pair, maxLength}).ids,
  ];
  assert.equal(cut("a a a a", "ab", 6), [2, 6, 6, 3, 5, 3]);
  assert.equal(cut("a", "ab ab ab", 6), [2, 6, 3, 5, 5, 3]);
  assert.equal(cut("a a a", "ab ab ab", 8), [2, 6, 6, 3, 5, 5, 5, 3]);
  assert.equal(cut("a a a a", "ab ab ab", 8), [2, 6, 6, 6, 3, 5, 5, 3]);
  assert.throws(() => target.encode("a", {pair: "a", maxLength: 2}), /maxLength/);
});

test("survives hostile text", () => {
  const empty = tokenizer.encode("");
  assert.equal([...empty.ids], [101, 102]);
  assert.equal(
    [...tokenizer.encode("\0\u202e\ud800 \udc00").ids],
    [101, 102],
    "what cannot be seen is dropped",
  );
  assert.equal([...tokenizer.encode("x".repeat(10_000)).ids], [101, 100, 102]);
  assert.equal([...tokenizer.encode("x".repeat(101)).ids], [101, 100, 102]);
  assert.ok(tokenizer.encode("x".repeat(100)).ids.length > 3);
  const {ids, truncated} = tokenizer.encode("retina ".repeat(20_000), {maxLength: 512});
  assert.is(ids.length, 512);
  assert.is(truncated, true);
});

test("offsets of any text stand in order and inside it", () => {
  fc.assert(
    fc.property(fc.string({unit: "binary", maxLength: 30}), (text) => {
      const {offsets, codePointOffsets, ids} = tokenizer.encode(text);
      assert.ok(ids.every((id) => id >= 0 && id < 1181));
      let last = 0;
      for (const [start, end] of offsets.slice(1, -1)) {
        assert.ok(start < end && end <= text.length && end >= last);
        last = end;
      }
      const letters = [...text];
      codePointOffsets.forEach(([start, end], index) => {
        const [from, to] = offsets[index] ?? [0, 0];
        assert.is(letters.slice(start, end).join(""), text.slice(from, to));
      });
    }),
    {numRuns: 300, seed: 7},
  );
});

test("saves and loads the same tokenizer, with what is done to case and accents", async () => {
  const place = mkdtempSync(join(tmpdir(), "claps-word-piece-"));
  try {
    const rules = {lowerCase: false, stripAccents: true, splitChinese: false};
    for (const original of [tokenizer, createBertTokenizer(tokenizer.vocabulary, rules)]) {
      await saveTokenizer(original, place);
      const loaded = await loadTokenizer(place);
      assert.equal([...loaded.vocabulary], [...original.vocabulary]);
      assert.equal(loaded.textRules, original.textRules);
    }
    assert.equal(readFileSync(join(place, "vocab.txt"), "utf8"), vocabulary);
    writeFileSync(join(place, "tokenizer_config.json"), '{"do_lower_case": "yes"}');
    const error = await loadTokenizer(place).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ConfigError && /do_lower_case: expected true or false/.test(error.message));
  } finally {
    rmSync(place, {recursive: true, force: true});
  }
});

test("refuses damaged vocabularies", () => {
  const refused = (text: string, message: RegExp): void => {
    assert.throws(
      () => bertTokenizerFromFile(text),
      (error: unknown) => error instanceof ConfigError && message.test(error.message),
    );
  };
  const good = names.join("\n");
  assert.is(
    bertTokenizerFromFile(`${good}\r\n`.replaceAll("\n", "\r\n").replace("\r\r", "\r")).vocabularySize,
    11,
  );
  refused(`${good}\nab\n`, /line 12: expected a new token, got "ab" again, after line 6/);
  refused(good.replace("ab", ""), /line 6: expected a new token, got an empty one/);
  refused(good.replace("[SEP]", "[sep]"), /special token "\[SEP\]"/);
  refused("", /an empty one/);
  assert.throws(
    () => createBertTokenizer(new Map([...small, ["x", 20]])),
    /each id from 0 to 11 once, got 20/,
  );
});

test("a tokenizer with another number of ids than the embedding is refused", () => {
  checkVocabulary(tokenizer, 1181, "text encoder");
  for (const rows of [1180, 1182]) {
    assert.throws(
      () => checkVocabulary(tokenizer, rows, "text encoder"),
      (error: unknown) =>
        error instanceof ConfigError &&
        error.code === "vocabulary-size" &&
        error.message.startsWith(
          `text encoder: expected a tokenizer with as many ids as the embedding has rows, ${rows}, got one with 1181`,
        ),
    );
  }
});

test.run();

import {mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {ConfigError, WeightError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {bertTokenizerFromFile, loadTokenizer, tokenizerFromFiles} from "./tokenizer-files.js";

function read(path: string): string {
  return readFileSync(new URL(`../fixtures/${path}`, import.meta.url), "utf8");
}

const clip = tokenizerFromFiles(read("tokenizer/vocab.json"), read("tokenizer/merges.txt"));
const bert = bertTokenizerFromFile(read("word-piece/vocab.txt"));

const added = (content: string, id: number | undefined): object => ({
  content,
  id,
  lstrip: false,
  rstrip: false,
});

const clipJson = {
  added_tokens: [added("<|startoftext|>", clip.startId), added("<|endoftext|>", clip.endId)],
  model: {
    type: "BPE",
    end_of_word_suffix: "</w>",
    vocab: Object.fromEntries([...clip.vocabulary].slice(0, -2)),
    merges: clip.merges.map((line) => line.split(" ")),
  },
};
const bertJson = {
  added_tokens: ["[PAD]", "[CLS]"].map((name) => added(name, bert.vocabulary.get(name))),
  normalizer: {
    type: "BertNormalizer",
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: false,
  },
  pre_tokenizer: {type: "BertPreTokenizer"},
  model: {type: "WordPiece", unk_token: "[UNK]", vocab: Object.fromEntries(bert.vocabulary)},
};

async function withFolder(files: Readonly<Record<string, string>>, use: (folder: string) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), "claps-tokenizer-files-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    await use(folder);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

test("tokenizer.json of both kinds, when it lies alone", async () => {
  await withFolder({"tokenizer.json": JSON.stringify(clipJson)}, async (folder) => {
    const loaded = await loadTokenizer(folder);
    assert.is(loaded.kind, "clip");
    assert.equal(new Map(loaded.vocabulary), new Map(clip.vocabulary));
    assert.equal(loaded.merges, clip.merges);
    assert.is((await loadTokenizer(folder, {cleaning: "open_clip"})).padId, 0);
  });
  const old = {...clipJson, model: {...clipJson.model, type: undefined, merges: clip.merges}};
  await withFolder({"tokenizer.json": JSON.stringify(old)}, async (folder) => {
    assert.equal((await loadTokenizer(folder)).merges, clip.merges);
  });
  await withFolder({"tokenizer.json": JSON.stringify(bertJson)}, async (folder) => {
    const loaded = await loadTokenizer(folder);
    assert.is(loaded.kind, "bert");
    assert.equal(loaded.textRules, {lowerCase: false, stripAccents: false, splitChinese: true});
    assert.equal([...loaded.encode("optic disc").ids], [...bert.encode("optic disc").ids]);
  });
});

test("plain files go before tokenizer.json; merges without a vocabulary do not count", async () => {
  const files = {"vocab.txt": read("word-piece/vocab.txt"), "tokenizer.json": JSON.stringify(clipJson)};
  await withFolder(files, async (folder) => assert.is((await loadTokenizer(folder)).kind, "bert"));
  const lone = {"merges.txt": read("tokenizer/merges.txt"), "tokenizer.json": JSON.stringify(bertJson)};
  await withFolder(lone, async (folder) => assert.is((await loadTokenizer(folder)).kind, "bert"));
});

test("a folder without a tokenizer says which files are looked for", async () => {
  await withFolder({"merges.txt": "#version: 0.2\n"}, async (folder) => {
    const error = await loadTokenizer(folder).catch((thrown: unknown) => thrown);
    assert.instance(error, WeightError);
    assert.match((error as Error).message, /vocab\.json with merges\.txt, vocab\.txt or tokenizer\.json/);
  });
});

test("a tokenizer.json that is damaged or of another kind is refused, and the place named", async () => {
  const {model} = bertJson;
  const damaged: [unknown, RegExp][] = [
    [[], /file: expected a record, got \[\]/],
    [{model: {type: "Unigram"}}, /model\.type: expected "BPE" or nothing, got "Unigram"/],
    [
      {...clipJson, model: {...clipJson.model, end_of_word_suffix: ""}},
      /end_of_word_suffix: expected "<\/w>"/,
    ],
    [{...clipJson, model: {...clipJson.model, merges: [["a"]]}}, /merges\[0\]: expected two tokens/],
    [{...clipJson, model: {...clipJson.model, merges: 3}}, /merges: expected a list/],
    [{...bertJson, model: {...model, continuing_subword_prefix: "@@"}}, /continuing_subword_prefix/],
    [{...bertJson, model: {...model, max_input_chars_per_word: 50}}, /max_input_chars_per_word/],
    [{...bertJson, model: {...model, vocab: 1}}, /model\.vocab: expected a record, got 1/],
    [{...bertJson, normalizer: {type: "NFC"}}, /normalizer\.type: expected "BertNormalizer"/],
    [{...bertJson, normalizer: null}, /normalizer: expected a record/],
    [{...bertJson, pre_tokenizer: {type: "Whitespace"}}, /pre_tokenizer\.type/],
    [{...bertJson, added_tokens: {}}, /added_tokens: expected a list/],
    [{...bertJson, added_tokens: [{content: 4}]}, /added_tokens\[0\]\.content: expected a string/],
    [{...bertJson, added_tokens: [added("[PAD]", undefined)]}, /added_tokens\[0\]\.id: expected a number/],
    [{...bertJson, added_tokens: [added("[PAD]", 7)]}, /added_tokens\[0\]\.id: expected 0/],
    [{...bertJson, added_tokens: [{...added("[PAD]", 0), lstrip: true}]}, /lstrip: expected false/],
    [{...bertJson, added_tokens: [added("new", 5000)]}, /each id from 0 to 1181 once, got 5000/],
  ];
  for (const [document, message] of damaged) {
    await withFolder({"tokenizer.json": JSON.stringify(document)}, async (folder) => {
      const error = await loadTokenizer(folder).catch((thrown: unknown) => thrown);
      assert.instance(error, ConfigError);
      assert.match((error as Error).message, message);
    });
  }
  await withFolder({"tokenizer.json": "{"}, async (folder) => {
    const error = await loadTokenizer(folder).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ConfigError && /expected JSON/.test(error.message));
  });
});

test.run();

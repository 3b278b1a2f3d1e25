import {readFileSync} from "node:fs";
import {tokenizerFiles, trainByteLevelBpe} from "@claps/text";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {defaultTokenizer} from "./default-tokenizer.js";

function read(name: string): string {
  return readFileSync(new URL(`../vocabulary/${name}`, import.meta.url), "utf8");
}

const corpus = read("corpus.txt").trimEnd().split("\n");

test("the committed vocabulary, its module and its corpus agree", () => {
  const trained = trainByteLevelBpe(corpus, {size: 1000});
  const files = tokenizerFiles(trained);
  for (const [name, text] of files) assert.is(read(name), text, name);
  assert.equal([...defaultTokenizer().vocabulary], [...trained.vocabulary]);
  assert.equal(defaultTokenizer().merges, trained.merges);
});

test("every sentence of the corpus fits the tiny tower and comes back", () => {
  const tokenizer = defaultTokenizer();
  assert.is(tokenizer.vocabularySize, 1000);
  assert.is(tokenizer.endId, 999);
  for (const sentence of corpus) {
    const {ids} = tokenizer.encode(sentence);
    assert.ok(ids.length <= 32, `${sentence}: ${ids.length} tokens`);
    assert.is(tokenizer.decode(ids).replace(/ /g, ""), sentence.toLowerCase().replace(/ /g, ""));
  }
  assert.is(tokenizer.encode("fundus photograph: optic disc").ids.length, 7);
});

test.run();

import {readFileSync} from "node:fs";
import {createRandom} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {defaultTokenizer} from "./default-tokenizer.js";
import {tokenizerFiles} from "./tokenizer-files.js";
import {createTokenizer} from "./tokenizer.js";
import {trainByteLevelBpe} from "./train-byte-level-bpe.js";

function read(name: string): string {
  return readFileSync(new URL(`../vocabulary/${name}`, import.meta.url), "utf8");
}

const corpus = read("corpus.txt").trimEnd().split("\n");

test("merges as worked out by hand", () => {
  // Pairs of "low low lower": "l o" 3, "o w</w>" 2, "o w" 1, "w e" 1, "e r</w>" 1. After "l o": "lo w</w>" 2, then
  // single ones by spelling: "e r</w>", "lo w", "w er</w>" become "e r</w>", "lo w", "low er</w>".
  const {merges, vocabulary} = trainByteLevelBpe(["low low lower"], {size: 519});
  assert.equal(merges, ["l o", "lo w</w>", "e r</w>", "lo w", "low er</w>"]);
  assert.is(vocabulary.size, 519);
  assert.is(vocabulary.get("lo"), 512);
  assert.is(vocabulary.get("<|endoftext|>"), 518);
  const tokenizer = createTokenizer(vocabulary, merges);
  assert.equal(tokenizer.tokens(tokenizer.encode("lower Low slow").ids).slice(1, -1), [
    "lower</w>",
    "low</w>",
    "s",
    "low</w>",
  ]);
});

test("stops when every word is one token, refuses a size without room for bytes", () => {
  assert.is(trainByteLevelBpe(["ab"], {size: 9999}).vocabulary.size, 515);
  assert.throws(() => trainByteLevelBpe(["ab"], {size: 513}), /size/);
});

test("the order of sentences does not matter", () => {
  const shuffled = createRandom(3).shuffle(corpus);
  assert.equal(
    trainByteLevelBpe(shuffled, {size: 600}).merges,
    trainByteLevelBpe(corpus, {size: 600}).merges,
  );
});

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

import {createRandom} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {createTokenizer} from "./byte-level-tokenizer.js";
import {trainByteLevelBpe} from "./train-byte-level-bpe.js";

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
  const sentences = [
    "fundus photograph of the optic disc",
    "optic cup and optic disc",
    "hard exudates near the fovea",
    "a color fundus photograph",
    "the fovea of the left eye",
  ];
  const shuffled = createRandom(3).shuffle(sentences);
  assert.is.not(shuffled.join(), sentences.join());
  assert.equal(
    trainByteLevelBpe(shuffled, {size: 560}).merges,
    trainByteLevelBpe(sentences, {size: 560}).merges,
  );
});

test.run();

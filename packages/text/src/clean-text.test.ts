import {readFileSync} from "node:fs";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {cleanText, looksWronglyDecoded} from "./clean-text.js";
import {tokenizerFromFiles} from "./tokenizer-files.js";

function read(name: string): string {
  return readFileSync(new URL(`../fixtures/tokenizer/${name}`, import.meta.url), "utf8");
}

const tokenizer = tokenizerFromFiles(read("vocab.json"), read("merges.txt"), {cleaning: "open_clip"});

test("ids equal open_clip's where its cleaning changes them", () => {
  const {cases} = JSON.parse(read("open-clip.json")) as {cases: {text: string; open_clip_ids: number[]}[]};
  assert.is(cases.length, 21);
  for (const {text, open_clip_ids: expected} of cases) {
    assert.equal([...tokenizer.encode(text).ids.slice(1, -1)], expected, JSON.stringify(text));
  }
});

test("texts as open_clip cleans them", () => {
  for (const [text, expected] of [
    ["  AMD &amp;amp;  \u201cwet\u201d\n", 'amd & "wet"'],
    ["P&EACUTE;REZ and p&eacute;rez", "pérez and pérez"],
    ["<b>&eacute; &AMP;</b>", "<b>é &</b>"],
    ["x\u0085y", "x\u2026y"],
    ["\u001b[31mred\u001b[0m\u0007", "red"],
    ["\uff26\uff55\uff4e\uff44\uff55\uff53\u3000\ufb01", "fundus fi"],
    ["\u01c4\u0149\ufb05", "dž'nſt"],
    ["\u039f\u0394\u039f\u03a3 \u03a3\u0391", "οδος σα"],
    ["e\u0301\u2028f\r\ng", "é f g"],
    ["a\ufeffb\ud800", "ab\ufffd"],
    ["", ""],
  ] as const) {
    assert.is(cleanText(text), expected, JSON.stringify(text));
  }
});

test("pads with 0, knows its own special tokens, counts offsets in the cleaned text", () => {
  const {ids, mask, offsets} = tokenizer.encode("&lt;end_of_text&gt; \u{1f4a1} <end_of_text>", {
    maxLength: 20,
    padding: true,
  });
  const cleaned = "<end_of_text> \u{1f4a1} <end_of_text>";
  const count = mask.reduce((sum, value) => sum + value, 0);
  assert.ok(count < 20 && ids.slice(count).every((id) => id === 0));
  assert.is(ids[1], tokenizer.endId);
  assert.is(ids[count - 2], tokenizer.endId);
  assert.is(cleaned.slice(...(offsets[count - 2] ?? [])), "<end_of_text>");
  assert.ok([...tokenizer.encode("<|endoftext|>").ids.slice(1, -1)].every((id) => id !== tokenizer.endId));
});

test("text that was decoded wrongly is known, and left as it is", () => {
  for (const text of ["schÃ¶n", "donâ€™t", "ï»¿bom"]) assert.ok(looksWronglyDecoded(text), text);
  for (const text of ["schön", "don’t", "café, à la carte", "黄斑", ""])
    assert.not(looksWronglyDecoded(text));
  assert.is(cleanText("SchÃ¶n"), "schã¶n");
});

test.run();

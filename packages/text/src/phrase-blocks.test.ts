import {readFileSync} from "node:fs";
import {ConfigError, ShapeError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import type {Offset} from "./encoding.js";
import {captionOfLabels, phraseBlocks, phraseOptions, phraseTexts} from "./phrase-blocks.js";
import {bertTokenizerFromFile} from "./tokenizer-files.js";
import {createBertTokenizer} from "./word-piece-tokenizer.js";

interface Item {
  caption: string;
  labels: string[] | null;
  ids: number[];
  offsets: Offset[];
  token_spans: Offset[];
  decoded_phrases: string[];
  position_ids: number[];
  attention_mask: string[];
}

const folder = new URL("../fixtures/word-piece/", import.meta.url);
const tokenizer = bertTokenizerFromFile(readFileSync(new URL("vocab.txt", folder), "utf8"));
const {cases} = JSON.parse(readFileSync(new URL("phrases.json", folder), "utf8")) as {
  cases: {items: Item[]}[];
};

test("captions, blocks, places, spans and words equal the reference", () => {
  assert.is(cases.length, 8);
  for (const {items} of cases) {
    const batch = tokenizer.encodeBatch(items.map(({caption}) => caption));
    const {mask, positionIds, spans} = phraseBlocks(batch, phraseOptions(tokenizer));
    const [, length] = batch.shape;
    items.forEach((item, row) => {
      if (item.labels !== null) assert.is(captionOfLabels(item.labels), item.caption);
      assert.equal([...(batch.encodings[row]?.ids ?? [])], item.ids);
      assert.equal([...positionIds.subarray(row * length, (row + 1) * length)], item.position_ids);
      const rows = Array.from({length}, (_, token) => {
        const start = (row * length + token) * length;
        return mask.subarray(start, start + length).join("");
      });
      assert.equal(rows, item.attention_mask, item.caption);
      assert.equal(spans[row], item.token_spans, item.caption);
      assert.equal(phraseTexts(tokenizer, item.ids, spans[row] ?? []), item.decoded_phrases);
    });
  }
});

test("worked out by hand: a block ends with its delimiter, the ends of the row stand alone", () => {
  const options = {delimiters: [1, 2, 9], padId: 0};
  const {mask, positionIds, spans} = phraseBlocks({ids: [1, 5, 6, 9, 7, 2], shape: [1, 6]}, options);
  assert.equal([...positionIds], [0, 0, 1, 2, 0, 0]);
  assert.equal(
    [0, 1, 2, 3, 4, 5].map((row) => mask.subarray(row * 6, row * 6 + 6).join("")),
    ["100000", "011100", "011100", "011100", "000010", "000001"],
  );
  assert.equal(spans, [
    [
      [1, 3],
      [4, 5],
    ],
  ]);
  const bare = phraseBlocks({ids: [5, 6, 9, 7], shape: [1, 4]}, options);
  assert.equal([...bare.positionIds], [0, 0, 1, 0], "a row that begins with a word leaves that one alone");
});

test("no caption gives empty tables; ids that do not fill the shape are refused", () => {
  const options = phraseOptions(tokenizer);
  assert.equal(options, {delimiters: [101, 102, 1012, 1029], padId: 0});
  assert.equal(phraseBlocks({ids: [], shape: [0, 0]}, options).spans, []);
  assert.throws(
    () => phraseBlocks({ids: [1, 2, 3], shape: [1, 4]}, options),
    (error: unknown) => error instanceof ShapeError && /expected 4 ids.*got 3/.test(error.message),
  );
});

test("a vocabulary without full stop cannot part phrases", () => {
  const names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "?"];
  const target = createBertTokenizer(new Map(names.map((name, id) => [name, id])));
  assert.throws(
    () => phraseOptions(target),
    (error: unknown) => error instanceof ConfigError && /knows "\.", got/.test(error.message),
  );
});

test.run();

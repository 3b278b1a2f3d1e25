import {ConfigError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {colourEncoder, colourPicture} from "./colour-encoder.twin.js";
import {embedItems} from "./embed-items.js";
import type {EvaluationItem} from "./evaluation-item.js";
import {nearestNeighbours, verdictOf} from "./nearest-neighbours.js";

const captions = {cfp: {a: ["a one", "a two"], b: ["b one"]}, oct: {c: ["c one"]}};
const encoder = colourEncoder({
  "a one": [1, 0, 0],
  "a two": [0.8, 0.6, 0],
  "b one": [0, 1, 0],
  "c one": [0, 0, 1],
});

function item(
  id: string,
  colour: readonly [number, number, number],
  positive: string[],
  negative: string[] = [],
): EvaluationItem {
  const modality = id.startsWith("o") ? "oct" : "cfp";
  return {id, modality, image: colourPicture(colour, id), labels: {positive, negative}};
}

const items = [
  item("p1", [1, 0, 0], ["cfp/a"], ["cfp/b"]),
  item("p2", [0.8, 0.6, 0], ["cfp/a", "cfp/b"]),
  item("p3", [0.6, 0.8, 0], ["cfp/b"], ["cfp/a"]),
  item("p4", [0, 0.6, 0.8], ["cfp/b"]),
  item("o1", [0, 0, 1], ["oct/c"]),
];
const pictures = await embedItems(encoder, items);
const imageAt = (place: number): EvaluationItem["image"] => items[place]!.image;

const asked = await nearestNeighbours(encoder, {
  pictures,
  imageAt,
  captions,
  seed: 1,
  queries: 5,
  neighbours: 3,
  sentences: 2,
});
const of = (id: string): (typeof asked)[number] => asked.find((query) => query.id === id)!;

test("nearest first, without the picture itself: p1 has .8 with p2, .6 with p3, 0 with the others", () => {
  const {pictures: near, image, labels} = of("p1");
  assert.equal(
    near.map(({id, similarity, verdict}) => [id, Number(similarity.toFixed(4)), verdict]),
    [
      ["p2", 0.8, "right"],
      ["p3", 0.6, "wrong"],
      ["p4", 0, "unknown"],
    ],
  );
  assert.equal([image.id, near[0]?.image.id, labels], ["p1", "p2", ["cfp/a"]]);
});

test("each label with its nearest sentence only: p2 is a two itself, then b", () => {
  assert.equal(
    of("p2").sentences.map(({text, label, similarity, verdict}) => [
      text,
      label,
      Number(similarity.toFixed(4)),
      verdict,
    ]),
    [
      ["a two", "cfp/a", 1, "right"],
      ["b one", "cfp/b", 0.6, "right"],
    ],
  );
  assert.equal(
    of("p4").sentences.map(({text, verdict}) => [text, verdict]),
    [
      ["c one", "wrong"],
      ["b one", "right"],
    ],
  );
});

test("queries come in turn from each modality, and the same seed draws the same", async () => {
  const draw = async (seed: number, queries: number): Promise<string[]> =>
    (await nearestNeighbours(encoder, {pictures, imageAt, captions, seed, queries})).map(({id}) => id);
  for (const seed of [1, 2, 3]) {
    const [first, second] = await draw(seed, 2);
    assert.is(second, "o1");
    assert.match(first ?? "", /^p/);
  }
  assert.equal(await draw(4, 3), await draw(4, 3));
  assert.is(
    new Set(await Promise.all([1, 2, 3, 4, 5, 6].map(async (seed) => (await draw(seed, 1))[0]))).size > 1,
    true,
  );
  assert.is((await draw(1, 99)).length, 5);
});

test("together, apart, or not labelled enough to tell", () => {
  const [p1, p2, p3, p4, o1] = items as [
    EvaluationItem,
    EvaluationItem,
    EvaluationItem,
    EvaluationItem,
    EvaluationItem,
  ];
  assert.is(verdictOf(p1, p2), "right");
  assert.is(verdictOf(p1, p3), "wrong");
  // In p4 nobody looked for a; in p1 there is no b.
  assert.is(verdictOf(p1, p4), "unknown");
  assert.is(verdictOf(p4, p1), "unknown");
  assert.is(verdictOf(p3, p4), "right");
  assert.is(verdictOf(p1, o1), "wrong");
  const bare = item("p5", [1, 0, 0], [], ["cfp/a"]);
  assert.is(verdictOf(p1, bare), "wrong");
  assert.is(verdictOf(bare, bare), "unknown");
});

test("no sentences and no pictures are no fault; a number below 0 is", async () => {
  const none = await nearestNeighbours(encoder, {pictures, imageAt, captions: {}, seed: 1, neighbours: 0});
  assert.equal([none[0]?.sentences, none[0]?.pictures], [[], []]);
  const empty = await embedItems(encoder, []);
  assert.equal(await nearestNeighbours(encoder, {pictures: empty, imageAt, captions, seed: 1}), []);
  const error = await nearestNeighbours(encoder, {pictures, imageAt, captions, seed: 1, queries: -1}).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.instance(error, ConfigError);
  assert.match((error as Error).message, /queries: .* got -1/);
});

test.run();

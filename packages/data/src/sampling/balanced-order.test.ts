import {ConfigError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {balancedBatch, balancedOrder, randomOrder} from "./balanced-order.js";
import type {Draw, OrderedItem} from "./balanced-order.js";

/** 90 pictures of one modality, most with the same label, and 6 of another. */
const items: readonly OrderedItem[] = [
  ...Array.from({length: 80}, () => ({modality: "cfp", labels: ["cfp/a"]})),
  ...Array.from({length: 8}, () => ({modality: "cfp", labels: ["cfp/a", "cfp/b"]})),
  ...Array.from({length: 2}, () => ({modality: "cfp", labels: ["cfp/c"]})),
  ...Array.from({length: 6}, () => ({modality: "oct", labels: ["oct/d", "oct/e"]})),
];

function countBy<K>(draws: readonly Draw[], keyOf: (draw: Draw) => K): Map<K, number> {
  const counts = new Map<K, number>();
  for (const draw of draws) counts.set(keyOf(draw), (counts.get(keyOf(draw)) ?? 0) + 1);
  return counts;
}

test("in every batch modalities come equally often, and so do the labels of each", () => {
  const order = balancedOrder({items, seed: 1, size: 12});
  for (let step = 0; step < 20; step++) {
    const draws = order(step);
    assert.is(draws.length, 12);
    const modalities = countBy(draws, ({index}) => items[index]?.modality);
    assert.equal(modalities.get("cfp"), 6);
    const labels = countBy(draws, ({label}) => label);
    assert.equal([...labels.keys()].sort(), ["cfp/a", "cfp/b", "cfp/c", "oct/d", "oct/e"]);
    for (const label of ["cfp/a", "cfp/b", "cfp/c"]) assert.is(labels.get(label), 2);
    assert.is(labels.get("oct/d"), 3);
    for (const {index, label} of draws) assert.ok(items[index]?.labels.includes(label));
  }
});

test("with fewer places than labels each label still comes equally often in the long run", () => {
  const order = balancedOrder({items, seed: 2, size: 3});
  const draws = Array.from({length: 800}, (_, step) => order(step)).flat();
  const modalities = countBy(draws, ({index}) => items[index]?.modality);
  // 2400 places, one of three at random: 1200 with a standard deviation of 14.
  assert.ok(Math.abs((modalities.get("oct") ?? 0) - 1200) < 60);
  const labels = countBy(draws, ({label}) => label);
  for (const label of ["cfp/a", "cfp/b", "cfp/c"]) assert.ok(Math.abs((labels.get(label) ?? 0) - 400) < 70);
});

test("no picture comes twice in a batch as long as there are others, and the rare label chooses first", () => {
  const order = balancedOrder({items, seed: 3, size: 12});
  for (let step = 0; step < 30; step++) {
    assert.is(new Set(order(step).map(({index}) => index)).size, 12, `step ${step}`);
  }
  // b is on the first picture alone: a has to take another one.
  const few = [
    {modality: "m", labels: ["a", "b"]},
    {modality: "m", labels: ["a"]},
  ];
  for (let step = 0; step < 20; step++) {
    assert.equal(
      [...balancedBatch(few, {seed: 1, step, size: 2})].sort((a, b) => a.label.localeCompare(b.label)),
      [
        {index: 1, label: "a"},
        {index: 0, label: "b"},
      ],
    );
  }
  assert.is(balancedBatch(few, {seed: 1, step: 0, size: 6}).length, 6, "more places than pictures");
});

test("draws depend on seed and step alone", () => {
  const order = balancedOrder({items, seed: 7, size: 8});
  const later = order(41);
  order(0);
  assert.equal(order(41), later);
  assert.equal(balancedBatch(items, {seed: 7, step: 41, size: 8}), later);
  assert.not.equal(balancedBatch(items, {seed: 8, step: 41, size: 8}), later);
  assert.not.equal(order(42), later);
});

test("the random order shows every picture once before any comes again", () => {
  const order = randomOrder({items, seed: 1, size: 8});
  const seen = Array.from({length: 12}, (_, step) => order(step)).flat();
  assert.is(new Set(seen.map(({index}) => index)).size, 96);
  for (const {index, label} of seen) assert.ok(items[index]?.labels.includes(label));
  assert.equal(order(3), randomOrder({items, seed: 1, size: 8})(3));
  assert.not.equal(
    order(12).map(({index}) => index),
    order(0).map(({index}) => index),
  );
});

test("what cannot be drawn from is refused", () => {
  for (const make of [balancedOrder, randomOrder]) {
    assert.throws(() => make({items: [], seed: 1, size: 2}), /expected at least one picture with a label/);
    assert.throws(
      () => make({items: [{modality: "m", labels: []}], seed: 1, size: 2}),
      /got none for picture 0/,
    );
    assert.throws(
      () => make({items, seed: 1, size: 0}),
      (error: Error) => error instanceof ConfigError && /size/.test(error.message),
    );
  }
});

test.run();

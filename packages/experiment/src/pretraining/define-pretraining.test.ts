import {clipTiny} from "@claps/clip";
import {ConfigError} from "@claps/core";
import {cfpFindings, syntheticFundus} from "@claps/data";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {tiny} from "../tiny-dataset.twin.js";
import {definePretraining, isPretraining, plainPretraining, quickPretraining} from "./define-pretraining.js";
import type {PretrainingDefinition} from "./define-pretraining.js";

const good: PretrainingDefinition = {
  name: "good",
  sources: [
    {synthetic: syntheticFundus, train: 100, validation: 10, test: 10},
    {dataset: tiny, holdOut: 2},
    {pictures: "mine.csv"},
  ],
  findings: cfpFindings.slice(0, 2),
  model: clipTiny,
  train: {steps: 10, batch: 4, rate: 1e-3, warmupSteps: 2, augment: {grey: 0.3}},
  evaluate: {every: 5},
  quick: {train: {steps: 3}, synthetic: {train: 8}},
};

function refusal(changes: object): string {
  try {
    definePretraining({...good, ...changes});
  } catch (error) {
    assert.instance(error, ConfigError);
    return (error as Error).message;
  }
  return assert.unreachable() as never;
}

test("a good one is given back, and stands in records as plain data", () => {
  assert.is(definePretraining(good), good);
  assert.equal(JSON.parse(JSON.stringify(plainPretraining(good))), {
    ...good,
    sources: [
      {synthetic: "synthetic-fundus", train: 100, validation: 10, test: 10},
      {dataset: "tiny", holdOut: 2},
      {pictures: "mine.csv"},
    ],
    findings: ["cfp/microaneurysm", "cfp/haemorrhage"],
  });
  assert.ok(isPretraining(good));
  assert.not.ok(isPretraining({data: [], train: {}}));
  definePretraining({...good, model: {from: "weights/clip"}, train: {...good.train, augment: false}});
});

test("the quick form changes what it names, and made-up sources alone", () => {
  const {sources, train} = quickPretraining(good);
  assert.equal(train, {...good.train, steps: 3});
  assert.equal(sources, [
    {synthetic: syntheticFundus, train: 8, validation: 10, test: 10},
    ...good.sources.slice(1),
  ]);
});

test("unknown keys and wrong values are named with their place and the nearest known key", () => {
  const train = (changes: object): object => ({train: {...good.train, ...changes}});
  const cases: [object, RegExp][] = [
    [{sead: 1}, /unknown key "sead", did you mean "seed"/],
    [{name: "My CLIP"}, /name: expected lower case words/],
    [{sources: []}, /sources: /],
    [
      {sources: [{pictures: "a.csv", holdout: 3}]},
      /sources\.0: unknown key "holdout", did you mean "holdOut"/,
    ],
    [{sources: [{synthetic: syntheticFundus, train: 5, validation: 1}]}, /sources\.0\.test: /],
    [train({warmup: 3}), /train: unknown key "warmup", did you mean "warmupSteps"/],
    [train({batch: 0}), /train\.batch: /],
    [train({lock: ["("]}), /train\.lock\.0: expected a regular expression/],
    [train({augment: {gray: 0.1}}), /train\.augment: unknown key "gray", did you mean "grey"/],
    [train({ema: 1}), /train\.ema: /],
    [train({warmupSteps: 11}), /warmupSteps: expected at most the 10 steps, got 11/],
    [{model: {from: ""}}, /model\.from: /],
    [
      {sources: [{synthetic: syntheticFundus, train: 5, validation: 0, test: 1}]},
      /evaluate\.every: expected validation pictures/,
    ],
  ];
  for (const [changes, message] of cases) assert.match(refusal(changes), message);
});

test.run();

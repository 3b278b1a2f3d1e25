import {ConfigError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {defineExperiment} from "./define-experiment.js";
import type {ExperimentDefinition} from "./define-experiment.js";

const minimal = {
  name: "small-test",
  data: [{dataset: {}}],
  model: {
    sam: {},
    text: {},
    guidance: {form: "additive", start: "something", hiddenWidth: 8, useSignature: true},
    view: {kind: "whole"},
    threshold: 0.5,
  },
  train: {steps: 1, batch: 1, promptsPerImage: 1, rate: 0.001, warmupSteps: 0},
  evaluate: {controls: []},
  quick: {},
} as unknown as ExperimentDefinition;

function messageOf(definition: unknown): string {
  try {
    defineExperiment(definition as ExperimentDefinition);
  } catch (error) {
    assert.instance(error, ConfigError);
    return (error as Error).message;
  }
  return assert.unreachable() as never;
}

test("a valid experiment comes back unchanged", () => {
  assert.is(defineExperiment(minimal), minimal);
});

test("unknown keys are named with the nearest known one, also deep inside", () => {
  assert.match(messageOf({...minimal, trian: {}}), /unknown key "trian", did you mean "train"\?/);
  const train = {...minimal.train, warmup: 3};
  assert.match(messageOf({...minimal, train}), /train: unknown key "warmup", did you mean "warmupSteps"\?/);
});

test("wrong values are named with their place", () => {
  assert.match(messageOf({...minimal, train: {...minimal.train, steps: 0}}), /train\.steps: /);
  assert.match(
    messageOf({...minimal, name: "Not A Name"}),
    /name: expected lower case words joined by hyphens/,
  );
  assert.match(messageOf({...minimal, data: []}), /data: /);
});

test.run();

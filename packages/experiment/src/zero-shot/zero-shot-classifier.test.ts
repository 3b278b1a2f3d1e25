import {ConfigError, DataError, ShapeError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {colourEncoder} from "./colour-encoder.twin.js";
import {zeroShotClassifier} from "./zero-shot-classifier.js";

function close(actual: number | undefined, expected: number): void {
  assert.ok(Math.abs((actual ?? NaN) - expected) < 1e-6, `expected ${expected}, got ${actual}`);
}

const encoder = colourEncoder({
  red: [2, 0, 0],
  green: [0, 5, 0],
  blue: [0, 0, 1],
  "not red": [-1, 0, 0],
});

test("a class is the mean of unit vectors, made length 1: red and green give 1/sqrt(2) each", async () => {
  const {ids, vectors, width} = await zeroShotClassifier(encoder, {
    classes: [
      {id: "warm", prompts: ["red", "green"]},
      {id: "cold", prompts: ["blue"]},
    ],
  });
  assert.equal([ids, width], [["warm", "cold"], 3]);
  [Math.SQRT1_2, Math.SQRT1_2, 0, 0, 0, 1].forEach((wanted, at) => close(vectors[at], wanted));
});

test("scores are cosines: a red picture has 0.7071 with warm and 0 with cold", async () => {
  const {scores} = await zeroShotClassifier(encoder, {
    classes: [
      {id: "warm", prompts: ["red", "green"]},
      {id: "cold", prompts: ["blue"]},
    ],
  });
  const table = scores(Float32Array.of(1, 0, 0, 0, 0.6, 0.8));
  assert.is(table.length, 4);
  [Math.SQRT1_2, 0, 0.6 * Math.SQRT1_2, 0.8].forEach((wanted, at) => close(table[at], wanted));
  assert.throws(
    () => scores(new Float32Array(4)),
    (error: unknown) => error instanceof ShapeError && /rows of 3 numbers, got 4/.test(error.message),
  );
});

test("a sentence of several classes is encoded once", async () => {
  const {asked, ...own} = colourEncoder({red: [1, 0, 0], green: [0, 1, 0]});
  await zeroShotClassifier(own, {
    classes: [
      {id: "a", prompts: ["red", "green"]},
      {id: "b", prompts: ["green", "red"]},
    ],
  });
  assert.equal(asked.texts, [["red", "green"]]);
});

test("what gives no classifier is refused", async () => {
  const refuses = async (
    classes: {id: string; prompts: string[]}[],
    kind: typeof ConfigError | typeof DataError,
    message: RegExp,
  ): Promise<void> => {
    const error = await zeroShotClassifier(encoder, {classes}).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    assert.instance(error, kind);
    assert.match((error as Error).message, message);
  };
  await refuses([], ConfigError, /at least one class, got none/);
  await refuses([{id: "a", prompts: []}], ConfigError, /Class "a": expected at least one sentence/);
  await refuses(
    [
      {id: "a", prompts: ["red"]},
      {id: "a", prompts: ["blue"]},
    ],
    ConfigError,
    /"a" twice/,
  );
  await refuses([{id: "a", prompts: ["red", "not red"]}], DataError, /Class "a": .* cancel out/);
  await refuses(
    [{id: "a", prompts: ["unheard of"]}],
    DataError,
    /sentence "unheard of": expected finite numbers, got NaN/,
  );
});

test.run();

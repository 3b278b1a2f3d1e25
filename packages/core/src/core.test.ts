import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {
  checkRange,
  checkShape,
  ClapsError,
  ConfigError,
  countTensors,
  createRandom,
  nearestName,
  ShapeError,
  unknownNameMessage,
} from "./index.js";
import "@tensorflow/tfjs-backend-cpu";

test("errors keep their class, code and cause", () => {
  const cause = new Error("inner");
  const error = new ConfigError("outer", {cause});
  assert.instance(error, ClapsError);
  assert.is(error.name, "ConfigError");
  assert.is(error.code, "config");
  assert.is(error.cause, cause);
});

test("checkShape names both shapes", () => {
  checkShape([2, 5, 3], [null, 5, 3], "pixels");
  try {
    checkShape([2, 4, 3], [null, 5, 3], "pixels");
    assert.unreachable();
  } catch (error) {
    assert.instance(error, ShapeError);
    assert.is((error as Error).message, "pixels: expected shape [any, 5, 3], got [2, 4, 3].");
  }
  assert.throws(() => checkShape([2], [2, 1], "x"), /expected shape \[2, 1\], got \[2\]/);
});

test("checkRange names value and limits", () => {
  checkRange(3, {min: 1, integer: true}, "threads");
  assert.throws(
    () => checkRange(0, {min: 1, integer: true}, "threads"),
    /threads: expected a whole number of at least 1, got 0/,
  );
  assert.throws(
    () => checkRange(Number.NaN, {max: 2}, "rate"),
    /rate: expected a number of at most 2, got NaN/,
  );
});

test("names: nearest and message", () => {
  assert.is(nearestName("haemorhage", ["hard exudate", "haemorrhage"]), "haemorrhage");
  assert.is(nearestName("zzzzzzzzzzzz", ["cfp", "oct"]), undefined);
  assert.is(
    unknownNameMessage("modality", "cpf", ["cfp", "oct"]),
    'Unknown modality "cpf": did you mean "cfp"? Known: cfp, oct.',
  );
});

test("random: same seed same numbers, forks are independent of order", () => {
  const first = createRandom(7);
  const second = createRandom("7");
  assert.equal(first.uniformArray(5), second.uniformArray(5));
  const fork = first.fork("weights").uniform();
  assert.is(second.fork("weights").uniform(), fork);
  assert.is.not(first.fork("data").uniform(), fork);
  assert.equal([...first.shuffle([1, 2, 3, 4])].sort(), [1, 2, 3, 4]);
});

test("random: normal numbers have the asked mean and spread", () => {
  const values = createRandom(1).normalArray(20000, 3, 2);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  assert.ok(Math.abs(mean - 3) < 0.05);
  assert.ok(Math.abs(Math.sqrt(variance) - 2) < 0.05);
});

test("random: empty choices are errors", () => {
  assert.throws(() => createRandom(1).choice([]), /at least one item/);
  assert.throws(() => createRandom(1).integer(0), /at least 1/);
});

test("countTensors counts what is left behind", async () => {
  await tf.setBackend("cpu");
  const {result, leaked} = await countTensors(() => tf.tidy(() => tf.add(tf.scalar(1), tf.scalar(2))));
  assert.is(leaked, 1);
  result.dispose();
});

test.run();

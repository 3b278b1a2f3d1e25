import {ConfigError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {collect, commaList, dataRootsOf, engineOptions, parseBoxes, wholeNumber} from "./options.js";

const isConfigError = (error: unknown): boolean => error instanceof ConfigError;

test("whole numbers: nothing else passes, an empty text least of all", () => {
  assert.is(wholeNumber("12"), 12);
  assert.is(wholeNumber("-3"), -3);
  for (const text of ["", " ", "1.5", "12px", "NaN", "Infinity"]) {
    assert.throws(() => wholeNumber(text), isConfigError);
  }
});

test("names between commas, trimmed, empty ones left out", () => {
  assert.equal(commaList("hard exudate, optic disc ,,"), ["hard exudate", "optic disc"]);
  assert.equal(commaList(" , "), []);
});

test("boxes: four numbers each, several between semicolons", () => {
  assert.equal(parseBoxes("0,1,20.5,30"), [[0, 1, 20.5, 30]]);
  assert.equal(parseBoxes("0, 0, 1, 1; 2,2,3,3"), [
    [0, 0, 1, 1],
    [2, 2, 3, 3],
  ]);
  // A missing number is not 0, and a semicolon at the end is not a box.
  for (const text of ["", "1,2,3", "1,,3,4", "1,2,3,4,5", "a,b,c,d", "1,2,3,4;", "1,2,3,Infinity"]) {
    assert.throws(() => parseBoxes(text), isConfigError, text);
  }
});

test("an option given several times is collected in order", () => {
  assert.equal(collect("b", ["a"]), ["a", "b"]);
});

test("data roots of the command line win over the environment", () => {
  const before = process.env["CLAPS_DATA_ROOT"];
  try {
    process.env["CLAPS_DATA_ROOT"] = "/from/environment";
    assert.equal(dataRootsOf(["given"]), ["given"]);
    assert.equal(dataRootsOf([]), ["/from/environment"]);
    process.env["CLAPS_DATA_ROOT"] = "";
    assert.equal(dataRootsOf([]), []);
    delete process.env["CLAPS_DATA_ROOT"];
    assert.equal(dataRootsOf([]), []);
  } finally {
    if (before === undefined) delete process.env["CLAPS_DATA_ROOT"];
    else process.env["CLAPS_DATA_ROOT"] = before;
  }
});

test("engine and threads are left out where they were not given", () => {
  assert.equal(engineOptions({}), {});
  assert.equal(engineOptions({engine: "cpu", threads: 2, json: true}), {engine: "cpu", threads: 2});
});

test.run();

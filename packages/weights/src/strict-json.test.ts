import {WeightError} from "@claps/core";
import * as fc from "fast-check";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {parseStrictJson} from "./strict-json.js";
import type {StrictJson} from "./strict-json.js";

function codeOf(text: string): string {
  try {
    parseStrictJson(text, "test");
  } catch (error) {
    assert.instance(error, WeightError);
    return (error as WeightError).code;
  }
  return "none";
}

test("reads every kind of value", () => {
  const value = parseStrictJson(' {"a": [1, -2.5e1, true, null, "x\\u00e9\\n"], "b": {}} ', "test");
  assert.equal(
    value,
    new Map<string, StrictJson>([
      ["a", [1n, -25, true, null, "xé\n"]],
      ["b", new Map()],
    ]),
  );
});

test("keeps every digit of a whole number", () => {
  assert.equal(parseStrictJson("[9007199254740993]", "test"), [9007199254740993n]);
});

test("keeps __proto__ as an ordinary name", () => {
  const value = parseStrictJson('{"__proto__": 1}', "test") as Map<string, StrictJson>;
  assert.is(value.get("__proto__"), 1n);
});

test("refuses a name that stands twice, also when it is written differently", () => {
  assert.is(codeOf('{"a": 1, "a": 2}'), "duplicate-name");
  assert.is(codeOf('{"a": 1, "\\u0061": 2}'), "duplicate-name");
  assert.is(codeOf('{"x": {"a": 1, "a": 2}}'), "duplicate-name");
});

test("refuses what is not JSON", () => {
  const wrong = [
    "",
    "{",
    "[1,]",
    "{,}",
    "{'a': 1}",
    "01",
    "1.",
    "+1",
    "NaN",
    '"a',
    '"\t"',
    '"\\x"',
    "[1] 2",
    '{"a" 1}',
    "tru",
  ];
  for (const text of [...wrong, '"\\ud800"', "[".repeat(100)]) {
    assert.is(codeOf(text), "invalid-json", text);
  }
});

test("agrees with JSON.parse on random documents without repeated names", () => {
  const plain = (value: StrictJson): unknown => {
    if (value instanceof Map)
      return Object.fromEntries([...value].map(([name, item]) => [name, plain(item)]));
    if (Array.isArray(value)) return value.map(plain);
    return typeof value === "bigint" ? Number(value) : value;
  };
  fc.assert(
    fc.property(fc.json({stringUnit: "binary"}), (text) => {
      // A number too long for JSON.parse's doubles rounds the same way through BigInt.
      assert.equal(JSON.stringify(plain(parseStrictJson(text, "test"))), JSON.stringify(JSON.parse(text)));
    }),
    {numRuns: 300, seed: 7},
  );
});

test.run();

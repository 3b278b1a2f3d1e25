import {ConfigError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {isInShard, parseShard} from "./shard.js";

test("2/4 is the second of four; anything else is a ConfigError", () => {
  assert.equal(parseShard("2/4"), {index: 2, count: 4});
  assert.equal(parseShard("1/1"), {index: 1, count: 1});
  for (const text of ["0/4", "5/4", "2", "2/0", "a/b", "1.5/2", "-1/2", "", "1/2/3"]) {
    assert.throws(
      () => parseShard(text),
      (error: unknown) => error instanceof ConfigError && error.message.includes(`"${text}"`),
    );
  }
});

test("every case is in exactly one shard, and no shard is empty", () => {
  const ids = Array.from({length: 60}, (_, index) => `case-${index}`);
  for (const count of [1, 2, 3, 7]) {
    const shards = Array.from({length: count}, (_, index) => ({index: index + 1, count}));
    for (const id of ids) assert.is(shards.filter((shard) => isInShard(id, shard)).length, 1);
    for (const shard of shards) assert.ok(ids.some((id) => isInShard(id, shard)));
  }
});

test("the division is the same everywhere: SHA-256 of abc begins with ba7816bf", () => {
  // 0xba7816bf = 3128432319, which is 0 modulo 3 and 4 modulo 5.
  assert.ok(isInShard("abc", {index: 1, count: 3}));
  assert.ok(isInShard("abc", {index: 5, count: 5}));
});

test.run();

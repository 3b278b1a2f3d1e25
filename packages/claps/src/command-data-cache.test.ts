import {existsSync, mkdirSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {EmbeddingCache} from "@claps/experiment";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {runCommand, temporaryFolder} from "./run-command.twin.js";

interface CacheAnswer {
  readonly action: string;
  readonly folder: string;
  readonly entries: number;
  readonly bytes: number;
  readonly unfinished: number;
}

const home = temporaryFolder();
const folder = join(home, "embeddings");
const cache = new EmbeddingCache({folder});
for (const digit of ["a", "b", "c"]) {
  await cache.put(digit.repeat(64), {data: new Float32Array(100), shape: [100]});
}
const {bytes} = await cache.stats();
writeFileSync(join(folder, "mine.txt"), "mine");
const other = temporaryFolder();
mkdirSync(join(other, "embeddings"));

// Both name the folder: one by the environment, one by its option.
process.env["CLAPS_CACHE"] = home;
const stats = await runCommand("data", "cache", "--stats", "--json");
const [text, elsewhere, both] = await Promise.all([
  runCommand("data", "cache"),
  runCommand("data", "cache", "--folder", join(other, "embeddings"), "--json"),
  runCommand("data", "cache", "--stats", "--clear"),
]);
const cleared = await runCommand("data", "cache", "--clear", "--json");
const after = await runCommand("data", "cache", "--json");
delete process.env["CLAPS_CACHE"];

test("stats: one JSON document with folder, entries and bytes; nothing is removed", () => {
  assert.is(stats.code, 0, stats.stderr);
  const answer = JSON.parse(stats.stdout) as CacheAnswer;
  assert.equal(answer, {action: "stats", folder, entries: 3, bytes, unfinished: 0});
  // Three arrays of 400 bytes and their headers.
  assert.ok(bytes > 1200 && bytes < 2400, String(bytes));
});

test("without an option it counts, in words", () => {
  assert.is(text.code, 0, text.stderr);
  assert.is(text.stdout, `Embedding cache ${folder}: 3 entries, 0.0 MB\n`);
});

test("another folder by option", () => {
  const answer = JSON.parse(elsewhere.stdout) as CacheAnswer;
  assert.equal([answer.folder, answer.entries, answer.bytes], [join(other, "embeddings"), 0, 0]);
});

test("clear says what it removed, and leaves what is not the cache's", () => {
  assert.is(cleared.code, 0, cleared.stderr);
  assert.equal(JSON.parse(cleared.stdout), {action: "clear", folder, entries: 3, bytes, unfinished: 0});
  const left = JSON.parse(after.stdout) as CacheAnswer;
  assert.equal([left.entries, left.bytes], [0, 0]);
  assert.ok(existsSync(join(folder, "mine.txt")));
});

test("both at once is a mistake in usage, and nothing is removed", () => {
  assert.is(both.code, 2);
  assert.match(both.stderr, /expected --stats or --clear, got both/);
});

test.run();

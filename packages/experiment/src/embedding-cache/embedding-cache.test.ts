import {spawn} from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import {homedir, tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {ConfigError, ShapeError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {cacheFolder} from "./cache-folder.js";
import {keyOf, SHARED_KEYS, valueOf} from "./cache-writer.twin.js";
import {EmbeddingCache} from "./embedding-cache.js";
import type {CacheCounts} from "./embedding-cache.js";

const parent = mkdtempSync(join(tmpdir(), "claps-embeddings-"));
process.on("exit", () => rmSync(parent, {recursive: true, force: true}));
let folders = 0;

function newFolder(): string {
  return join(parent, `cache-${folders++}`);
}

function pathIn(folder: string, key: string): string {
  return join(folder, key.slice(0, 2), `${key}.safetensors`);
}

const [A, B, C] = [keyOf(100), keyOf(101), keyOf(102)];
const value = {data: Float32Array.of(1.5, -0, NaN, Infinity, 3e-45, 7), shape: [2, 3]};

test("every bit comes back, with the shape, also in another object on the same folder", async () => {
  const folder = newFolder();
  const cache = new EmbeddingCache({folder});
  assert.is(await cache.get(A), undefined);
  await cache.put(A, value);
  const found = await new EmbeddingCache({folder}).get(A);
  assert.equal(found?.shape, [2, 3]);
  const bits = ({data}: {data: Float32Array}): number[] => [...new Uint32Array(data.slice().buffer)];
  assert.equal(bits(found!), bits(value));
  assert.equal(cache.counts, {hits: 0, misses: 1, damaged: 0, written: 1, failed: 0, evicted: 0});
});

test("an entry with one bit changed, cut short, or of another key is a miss, said once and written again", async () => {
  const folder = newFolder();
  const said: string[] = [];
  const cache = new EmbeddingCache({folder, report: (line) => said.push(line)});
  await cache.put(A, value);
  const path = pathIn(folder, A);
  const good = readFileSync(path);
  for (let at = 0; at < good.length; at += 7) {
    const bad = Buffer.from(good);
    bad[at]! ^= 4;
    writeFileSync(path, bad);
    assert.is(await cache.get(A), undefined, `byte ${at}`);
  }
  const flips = cache.counts.damaged;
  assert.is(flips, Math.ceil(good.length / 7));
  for (const bad of [good.subarray(0, good.length - 1), Buffer.alloc(0), Buffer.from("no embedding")]) {
    writeFileSync(path, bad);
    assert.is(await cache.get(A), undefined);
  }
  mkdirSync(dirname(pathIn(folder, B)), {recursive: true});
  writeFileSync(pathIn(folder, B), good);
  assert.is(await cache.get(B), undefined);
  assert.is(cache.counts.damaged, flips + 4);
  assert.is(said.length, 1);
  assert.match(said[0] ?? "", /safetensors is damaged; .* further ones are only counted/);
  await cache.put(A, value);
  assert.equal((await cache.get(A))?.shape, [2, 3]);
});

test("two processes that write the same keys at once: whole entries, nothing left behind", async () => {
  const folder = newFolder();
  const script = fileURLToPath(new URL("cache-writer.twin.ts", import.meta.url));
  const run = async (seed: string): Promise<CacheCounts & {wrong: number}> => {
    const child = spawn(
      process.execPath,
      ["--conditions=@claps/source", "--import", import.meta.resolve("tsx"), script, folder, seed],
      {stdio: ["ignore", "pipe", "inherit"]},
    );
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    assert.is(code, 0);
    return JSON.parse(text) as CacheCounts & {wrong: number};
  };
  const ended = await Promise.all([run("first"), run("second")]);
  for (const {damaged, failed, wrong, written} of ended) {
    assert.equal(
      {damaged, failed, wrong, written},
      {damaged: 0, failed: 0, wrong: 0, written: 6 * SHARED_KEYS},
    );
  }
  const cache = new EmbeddingCache({folder});
  const {entries, unfinished, bytes} = await cache.stats();
  assert.equal([entries, unfinished], [SHARED_KEYS, 0]);
  assert.ok(bytes > SHARED_KEYS * 80_000);
  for (let number = 0; number < SHARED_KEYS; number++) {
    assert.equal((await cache.get(keyOf(number)))?.data, valueOf(number).data);
  }
});

test("over the limit what was used longest ago goes; what was just read stays", async () => {
  const folder = newFolder();
  const size = await new EmbeddingCache({folder: newFolder()})
    .put(A, value)
    .then(() => statSync(pathIn(join(parent, `cache-${folders - 1}`), A)).size);
  const cache = new EmbeddingCache({folder, maxBytes: size * 2.5});
  await cache.put(A, value);
  await cache.put(B, value);
  // A was used before B.
  utimesSync(pathIn(folder, A), 1000, 1000);
  utimesSync(pathIn(folder, B), 2000, 2000);
  await cache.get(A);
  await cache.put(C, value);
  assert.is(await cache.get(B), undefined);
  assert.ok((await cache.get(A)) !== undefined && (await cache.get(C)) !== undefined);
  assert.is(cache.counts.evicted, 1);
  assert.is((await cache.stats()).entries, 2);
});

test("an entry larger than the limit is not kept, and removes no other", async () => {
  const folder = newFolder();
  const cache = new EmbeddingCache({folder, maxBytes: 1000});
  await cache.put(A, value);
  await cache.put(B, {data: new Float32Array(1000), shape: [1000]});
  assert.ok((await cache.get(A)) !== undefined);
  assert.is(await cache.get(B), undefined);
});

test("stats count what others left; clear removes that and nothing that is not the cache's", async () => {
  const folder = newFolder();
  const cache = new EmbeddingCache({folder});
  assert.equal(await cache.stats(), {folder, entries: 0, bytes: 0, unfinished: 0});
  await cache.put(A, value);
  const unfinished = `${A}.00000000-0000-4000-8000-000000000000.unfinished`;
  writeFileSync(join(folder, A.slice(0, 2), unfinished), "half");
  writeFileSync(join(folder, "thesis.txt"), "mine");
  mkdirSync(join(folder, "ab-notes"));
  writeFileSync(join(folder, A.slice(0, 2), "mine.safetensors"), "mine");
  const before = await cache.stats();
  assert.equal([before.entries, before.unfinished], [1, 1]);
  assert.is(before.bytes, statSync(pathIn(folder, A)).size + 4);
  assert.equal(await cache.clear(), before);
  assert.equal(await cache.stats(), {folder, entries: 0, bytes: 0, unfinished: 0});
  assert.equal(readdirSync(folder).sort(), [A.slice(0, 2), "ab-notes", "thesis.txt"].sort());
  assert.equal(readdirSync(join(folder, A.slice(0, 2))), ["mine.safetensors"]);
});

test("a disk that refuses is said once, and the work goes on", async () => {
  const folder = newFolder();
  const said: string[] = [];
  writeFileSync(folder, "a file, no folder");
  const cache = new EmbeddingCache({folder, report: (line) => said.push(line)});
  await cache.put(A, value);
  await cache.put(B, value);
  assert.is(await cache.get(A), undefined);
  assert.is(cache.counts.written, 0);
  assert.ok(cache.counts.failed >= 2);
  assert.is(said.length, 1);
  assert.match(said[0] ?? "", /cannot write .* The work goes on without it/);
  assert.is((await cache.stats()).entries, 0);
});

test("keys, shapes and limits are checked", async () => {
  const cache = new EmbeddingCache({folder: newFolder()});
  const refuses = async (
    run: () => Promise<unknown>,
    kind: typeof ConfigError | typeof ShapeError,
    message: RegExp,
  ): Promise<void> => {
    const error = await run().then(
      () => undefined,
      (cause: unknown) => cause,
    );
    assert.instance(error, kind);
    assert.match((error as Error).message, message);
  };
  await refuses(() => cache.get("../../etc/passwd"), ConfigError, /64 hexadecimal digits, got "\.\./);
  await refuses(() => cache.put("ab", value), ConfigError, /got "ab"/);
  await refuses(
    () => cache.put(A, {...value, shape: [7]}),
    ShapeError,
    /expected 7 numbers for shape \[7\], got 6/,
  );
  assert.throws(
    () => new EmbeddingCache({maxBytes: 0}),
    (error: unknown) => error instanceof ConfigError && /maxBytes: .* got 0/.test(error.message),
  );
});

test("the folder: CLAPS_CACHE, else XDG_CACHE_HOME unless relative, else below the home", () => {
  assert.is(cacheFolder({CLAPS_CACHE: "/a", XDG_CACHE_HOME: "/b"}), join("/a", "embeddings"));
  assert.is(cacheFolder({CLAPS_CACHE: "", XDG_CACHE_HOME: "/b"}), join("/b", "claps", "embeddings"));
  const home = join(homedir(), ".cache", "claps", "embeddings");
  assert.equal([cacheFolder({XDG_CACHE_HOME: "relative"}), cacheFolder({})], [home, home]);
});

test.run();

import {mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {ConfigError, WeightError} from "@claps/core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {inspectWeights} from "./inspect.js";
import type {TensorSource} from "./lazy-tensor.js";
import {openWeights, readWeights} from "./open-weights.js";
import {writeSafetensors} from "./safetensors-file.js";
import {storedFloat32} from "./stored-tensor.js";
import type {StoredTensor} from "./stored-tensor.js";
import {writeShardedSafetensors} from "./write-sharded.js";

const test = suite("several files");
const INDEX = "model.safetensors.index.json";
let folder = "";

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "claps-shards-"));
});
test.after.each(() => rmSync(folder, {recursive: true, force: true}));

/** Four tensors of 12, 8, 4 and 20 bytes whose numbers all are `value`. */
function tensors(value: number): Map<string, StoredTensor> {
  const sizes = {d: 3, c: 2, b: 1, a: 5};
  return new Map(
    Object.entries(sizes).map(([name, size]) => [
      name,
      storedFloat32([size], new Float32Array(size).fill(value)),
    ]),
  );
}

async function numbersIn(place: string): Promise<Record<string, number[]>> {
  const read = await readWeights(place);
  return Object.fromEntries([...read.tensors].map(([name, {data}]) => [name, [...data].map(Number)]));
}

function all(value: number): Record<string, number[]> {
  const row = (size: number): number[] => new Array<number>(size).fill(value);
  return {a: row(5), b: row(1), c: row(2), d: row(3)};
}

async function refusal(action: Promise<unknown>): Promise<WeightError> {
  try {
    await action;
  } catch (error) {
    assert.instance(error, WeightError);
    return error as WeightError;
  }
  throw new Error("expected a refusal");
}

const of3 = (number: number): string => `model-0000${number}-of-00003.safetensors`;

test("splits in order, names files as transformers does and counts the bytes", async () => {
  // 12 + 8 = 20 fit; 4 more would make 24 > 22, and 4 + 20 = 24 neither.
  const files = await writeShardedSafetensors(folder, tensors(1), {
    maxShardBytes: 22,
    metadata: {format: "pt"},
  });
  assert.equal(files, [of3(1), of3(2), of3(3), INDEX]);
  assert.equal(readdirSync(folder).sort(), [...files].sort());
  assert.equal(JSON.parse(readFileSync(join(folder, INDEX), "utf8")), {
    metadata: {total_size: 44},
    weight_map: {a: of3(3), b: of3(2), c: of3(1), d: of3(1)},
  });
  assert.equal(await numbersIn(folder), all(1));
  const {rows, metadata} = await inspectWeights(folder);
  assert.equal(
    rows.map(({name}) => name),
    ["a", "b", "c", "d"],
  );
  assert.equal(metadata, {format: "pt"});
  const one = await openWeights(join(folder, of3(2)));
  assert.equal([one.names, one.metadata], [["b"], {format: "pt"}]);
  await one.close();
});

test("a tensor larger than a file may be gets a file of its own; what fits one file has no index", async () => {
  assert.is((await writeShardedSafetensors(folder, tensors(1), {maxShardBytes: 1})).length, 5);
  assert.equal(await numbersIn(folder), all(1));
  const deep = join(folder, "deep", "er");
  assert.equal(await writeShardedSafetensors(deep, tensors(2)), ["model.safetensors"]);
  assert.equal(readdirSync(deep), ["model.safetensors"]);
  assert.equal(await writeShardedSafetensors(join(folder, "empty"), new Map()), ["model.safetensors"]);
});

test("nothing of an earlier save stays, whatever its number of files", async () => {
  const sizes = [1, 22, 30, 100, 22, 22];
  for (const [value, maxShardBytes] of sizes.entries()) {
    const files = await writeShardedSafetensors(folder, tensors(value), {maxShardBytes});
    assert.equal(readdirSync(folder).sort(), [...files].sort(), `save ${value}`);
    assert.equal(await numbersIn(folder), all(value));
  }
});

test("what a save that was ended by force left is removed by the next one", async () => {
  writeFileSync(join(folder, ".unfinished-model-00001-of-00009.safetensors"), "x");
  await writeShardedSafetensors(folder, tensors(1), {maxShardBytes: 22});
  assert.equal(readdirSync(folder).sort(), [of3(1), of3(2), of3(3), INDEX]);
});

test("files of other names stay", async () => {
  const others = ["config.json", "model-card.safetensors", "tokenizer-00001-of-00002.safetensors"];
  for (const name of others) writeFileSync(join(folder, name), "{}");
  await writeShardedSafetensors(folder, tensors(1), {maxShardBytes: 22});
  await writeShardedSafetensors(folder, tensors(1));
  assert.equal(
    readdirSync(folder).sort(),
    ["config.json", ...others.slice(1, 2), "model.safetensors", others[2]].sort(),
  );
});

test("a save that fails in the last file leaves the earlier one whole and nothing of itself", async () => {
  await writeShardedSafetensors(folder, tensors(1), {maxShardBytes: 22});
  const before = readdirSync(folder);
  const broken = {
    dtype: "F32" as const,
    shape: [5],
    read: () => Promise.reject(new WeightError("unreadable", {code: "test"})),
  };
  const next = new Map<string, TensorSource>([...tensors(2), ["a", broken]]);
  assert.is((await refusal(writeShardedSafetensors(folder, next, {maxShardBytes: 22}))).code, "test");
  assert.equal(readdirSync(folder), before);
  assert.equal(await numbersIn(folder), all(1));
});

test("a save that fails while names are given leaves no index to files of two saves", async () => {
  await writeShardedSafetensors(folder, tensors(1), {maxShardBytes: 22});
  // A folder stands where the second file should go.
  rmSync(join(folder, of3(2)));
  mkdirSync(join(folder, of3(2), "inside"), {recursive: true});
  await refusal(writeShardedSafetensors(folder, tensors(2), {maxShardBytes: 22}));
  assert.is((await refusal(readWeights(folder))).code, "file-ENOENT");
  assert.not(readdirSync(folder).some((name) => name.startsWith(".")));
});

test("refuses a size that is none", async () => {
  for (const maxShardBytes of [0, -1, NaN]) {
    try {
      await writeShardedSafetensors(folder, tensors(1), {maxShardBytes});
      assert.unreachable();
    } catch (error) {
      assert.instance(error, ConfigError);
    }
  }
});

test("a tensor that two files hold is refused, whichever the index names", async () => {
  const files = await writeShardedSafetensors(folder, tensors(1), {maxShardBytes: 22});
  await writeSafetensors(join(folder, of3(2)), tensors(1));
  assert.is(files.length, 4);
  const error = await refusal(openWeights(folder));
  assert.is(error.code, "shard-index");
  assert.match(error.message, /model-00002-of-00003\.safetensors holds "\w", which the index places in/);
});

test("an index without a map, or with one of another kind, is refused", async () => {
  const path = join(folder, INDEX);
  const documents: [text: string, code: string][] = [
    ["{}", "shard-index"],
    ['{"weight_map": []}', "shard-index"],
    ['{"weight_map": {"a": 1}}', "shard-name"],
    ['{"weight_map": {"a": ".."}}', "shard-name"],
    ['{"weight_map": {"a": "m.safetensors", "a": "n.safetensors"}}', "duplicate-name"],
    ['{"weight_map": {"__proto__": "../m.safetensors"}}', "shard-name"],
    ["", "invalid-json"],
    ["\u0000", "invalid-json"],
  ];
  for (const [text, code] of documents) {
    writeFileSync(path, text);
    assert.is((await refusal(openWeights(folder))).code, code, text);
  }
  writeFileSync(path, '{"weight_map": {}}');
  assert.equal(await numbersIn(folder), {});
});

test("a shard may be a link, as in a cache, and what it leads to is checked like any file", async () => {
  const [blobs, snapshot] = [join(folder, "blobs"), join(folder, "snapshot")];
  mkdirSync(snapshot);
  await writeShardedSafetensors(blobs, tensors(3), {maxShardBytes: 22});
  for (const name of readdirSync(blobs)) symlinkSync(join("..", "blobs", name), join(snapshot, name));
  assert.equal(await numbersIn(snapshot), all(3));
  writeFileSync(join(blobs, of3(2)), "root:x:0:0:root:/root:/bin/sh\n");
  assert.is((await refusal(openWeights(snapshot))).code, "header-too-large");
  rmSync(join(blobs, of3(2)));
  assert.is((await refusal(openWeights(snapshot))).code, "file-ENOENT");
});

test.run();

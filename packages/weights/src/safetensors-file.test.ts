import {execFileSync} from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {WeightError} from "@claps/core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {inspectWeights} from "./inspect.js";
import {readWeights} from "./open-weights.js";
import {readSafetensors, writeSafetensors} from "./safetensors-file.js";
import {encodeSafetensors} from "./safetensors.js";
import {storedFloat32} from "./stored-tensor.js";
import type {StoredTensor} from "./stored-tensor.js";

const test = suite("files");
let folder = "";

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "claps-weights-"));
});
test.after.each(() => rmSync(folder, {recursive: true, force: true}));

function tensors(...entries: [string, number[]][]): Map<string, StoredTensor> {
  return new Map(
    entries.map(([name, values]) => [name, storedFloat32([values.length], Float32Array.from(values))]),
  );
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

test("writes, reads and describes a file", async () => {
  const path = join(folder, "a name with spaces é.safetensors");
  const written = tensors(["b", [1, 2, 3]], ["a", [4]]);
  await writeSafetensors(path, written, {format: "claps"});
  assert.is(Buffer.compare(readFileSync(path), encodeSafetensors(written, {format: "claps"})), 0);
  const read = await readSafetensors(path);
  assert.equal([...(read.tensors.get("b")?.data ?? [])], [1, 2, 3]);
  assert.equal(read.metadata, {format: "claps"});
  assert.equal((await inspectWeights(path)).rows, [
    {name: "a", dtype: "F32", shape: [1], parameters: 1, bytes: 4},
    {name: "b", dtype: "F32", shape: [3], parameters: 3, bytes: 12},
  ]);
});

test("replaces an old file whole and leaves no temporary file", async () => {
  const path = join(folder, "w.safetensors");
  await writeSafetensors(path, tensors(["a", [1]]));
  await writeSafetensors(path, tensors(["a", [2]]));
  assert.equal([...((await readSafetensors(path)).tensors.get("a")?.data ?? [])], [2]);
  assert.equal(readdirSync(folder), ["w.safetensors"]);
});

test("a failed write keeps the old file and cleans up", async () => {
  // A folder cannot be replaced by a file: the last step fails after everything was written.
  const path = join(folder, "w.safetensors");
  mkdirSync(join(path, "inside"), {recursive: true});
  const error = await refusal(writeSafetensors(path, tensors(["a", [1]])));
  assert.match(error.message, `Cannot write ${path}`);
  assert.equal(readdirSync(folder), ["w.safetensors"]);
  assert.is(
    (await refusal(writeSafetensors(join(folder, "no", "w"), tensors(["a", [1]])))).code,
    "file-ENOENT",
  );
});

test("says why a path cannot be read", async () => {
  assert.is((await refusal(readSafetensors(join(folder, "missing")))).code, "file-ENOENT");
  assert.is((await refusal(readSafetensors(folder))).code, "file-kind");
  symlinkSync("loop", join(folder, "loop"));
  assert.is((await refusal(readSafetensors(join(folder, "loop")))).code, "file-ELOOP");
  symlinkSync("nowhere", join(folder, "dangling"));
  assert.is((await refusal(readSafetensors(join(folder, "dangling")))).code, "file-ENOENT");
  writeFileSync(join(folder, "empty"), "");
  assert.is((await refusal(readSafetensors(join(folder, "empty")))).code, "header-too-small");
  writeFileSync(join(folder, "cut"), encodeSafetensors(tensors(["a", [1, 2]])).slice(0, -3));
  assert.is((await refusal(readSafetensors(join(folder, "cut")))).code, "incomplete-buffer");
  const locked = join(folder, "locked");
  writeFileSync(locked, "x");
  chmodSync(locked, 0);
  if (process.getuid?.() !== 0) assert.is((await refusal(readSafetensors(locked))).code, "file-EACCES");
});

test("does not wait on a named pipe", async () => {
  const pipe = join(folder, "pipe");
  if (process.platform === "win32") return;
  execFileSync("mkfifo", [pipe]);
  assert.is((await refusal(readSafetensors(pipe))).code, "file-kind");
});

function writeIndex(places: Record<string, string>): string {
  const path = join(folder, "model.safetensors.index.json");
  writeFileSync(path, JSON.stringify({metadata: {total_size: 12}, weight_map: places}));
  return path;
}

test("reads weights spread over files, from the index or its folder", async () => {
  await writeSafetensors(join(folder, "m-1.safetensors"), tensors(["a", [1]], ["b", [2]]), {format: "pt"});
  await writeSafetensors(join(folder, "m-2.safetensors"), tensors(["c", [3]]));
  const path = writeIndex({a: "m-1.safetensors", c: "m-2.safetensors", b: "m-1.safetensors"});
  for (const place of [path, folder]) {
    const read = await readWeights(place);
    assert.equal(
      [...read.tensors].map(([name, {data}]) => [name, data[0]]),
      [
        ["a", 1],
        ["c", 3],
        ["b", 2],
      ],
    );
    assert.equal(read.metadata, {format: "pt"});
  }
});

test("a folder with one file is that file; a folder with none is refused", async () => {
  assert.match((await refusal(readWeights(folder))).message, "expected model.safetensors or");
  await writeSafetensors(join(folder, "sam.safetensors"), tensors(["a", [1]]));
  assert.match((await refusal(readWeights(folder))).message, "It holds sam.safetensors: name the file");
  await writeSafetensors(join(folder, "model.safetensors"), tensors(["a", [1]]));
  assert.is((await readWeights(folder)).tensors.size, 1);
  assert.is((await readWeights(join(folder, "model.safetensors"))).tensors.size, 1);
});

test("refuses an index that points elsewhere", async () => {
  const outside = ["../m.safetensors", "/etc/m.safetensors", "a/../../m.safetensors", "sub/m.safetensors"];
  for (const name of [
    ...outside,
    "C:\\m.safetensors",
    "..\\m.safetensors",
    "c:m.safetensors",
    "a\0.safetensors",
    "m.bin",
    "",
  ]) {
    const error = await refusal(readWeights(writeIndex({a: name})));
    assert.is(error.code, "shard-name", name);
  }
});

test("refuses an index that does not agree with its files", async () => {
  await writeSafetensors(join(folder, "m-1.safetensors"), tensors(["a", [1]]));
  const check = async (places: Record<string, string>, code: string): Promise<void> => {
    assert.is((await refusal(readWeights(writeIndex(places)))).code, code);
  };
  await check({a: "m-1.safetensors", b: "m-9.safetensors"}, "file-ENOENT");
  await check({a: "m-1.safetensors", b: "m-1.safetensors"}, "tensor-not-found");
  await check({b: "m-1.safetensors"}, "shard-index");
  writeFileSync(join(folder, "x.json"), '{"weight_map": {"a": "m-1.safetensors", "a": "m-1.safetensors"}}');
  assert.is((await refusal(readWeights(join(folder, "x.json")))).code, "duplicate-name");
  writeFileSync(join(folder, "y.json"), "[]");
  assert.is((await refusal(readWeights(join(folder, "y.json")))).code, "shard-index");
});

test.run();

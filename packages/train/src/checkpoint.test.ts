import {mkdir, mkdtemp, readdir, rm, truncate, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {DataError} from "@claps/core";
import {storedFloat32} from "@claps/weights";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import type {Checkpoint} from "./checkpoint.js";
import {
  listCheckpoints,
  newestCheckpoint,
  pruneCheckpoints,
  readCheckpoint,
  removeUnfinished,
  writeCheckpoint,
} from "./checkpoint.node.js";

const test = suite("checkpoint files");
let root = "";

test.before(async () => {
  root = await mkdtemp(join(tmpdir(), "claps-checkpoint-"));
});

test.after(() => rm(root, {recursive: true, force: true}));

const silent = (): void => undefined;

function checkpointAt(step: number): Checkpoint {
  const tensor = storedFloat32([2], Float32Array.of(step, -step));
  return {
    weights: new Map([["w", tensor]]),
    optimizer: new Map([["w.exp_avg", tensor]]),
    average: new Map([["w", tensor]]),
    state: {
      format: "claps training 1",
      step,
      updates: step,
      skipped: 0,
      skippedInARow: 0,
      seed: "1",
      engine: "cpu",
      threads: 1,
      validatedAt: 0,
    },
  };
}

async function folderWith(name: string, ...steps: number[]): Promise<string> {
  const folder = join(root, name);
  for (const step of steps) await writeCheckpoint(folder, checkpointAt(step));
  return folder;
}

test("a checkpoint without averages has no file for them", async () => {
  const {average, ...checkpoint} = checkpointAt(1);
  assert.ok(average !== undefined);
  const {path} = await writeCheckpoint(join(root, "no averages"), checkpoint);
  assert.equal((await readdir(path)).sort(), FILES.filter((file) => !file.startsWith("average")).sort());
  assert.is((await readCheckpoint(path)).average, undefined);
});

test("round trip, newest and order", async () => {
  const folder = await folderWith("order", 9, 100000, 1234567);
  assert.equal((await readdir(folder)).sort(), ["step-000009", "step-100000", "step-1234567"]);
  assert.equal(
    (await listCheckpoints(folder)).map(({step}) => step),
    [9, 100000, 1234567],
  );
  const newest = await newestCheckpoint(folder, silent);
  assert.equal([...newest!.weights.get("w")!.data], [1234567, -1234567]);
  assert.equal([...newest!.average!.get("w")!.data], [1234567, -1234567]);
  assert.equal(newest!.state, checkpointAt(1234567).state);
  assert.is(await newestCheckpoint(join(root, "absent"), silent), undefined);
});

const FILES = [
  "weights.safetensors",
  "optimizer.safetensors",
  "average.safetensors",
  "state.json",
  "manifest.json",
];
for (const file of FILES) {
  test(`without a whole ${file} a checkpoint does not exist`, async () => {
    const folder = await folderWith(`without-${file}`, 1, 2, 3);
    await rm(join(folder, "step-000003", file));
    await truncate(join(folder, "step-000002", file), 20);
    const lines: string[] = [];
    const found = await newestCheckpoint(folder, (line) => lines.push(line));
    assert.is(found?.state.step, 1);
    assert.is(lines.length, 2);
    assert.equal((await readdir(folder)).sort(), [
      "damaged-step-000002",
      "damaged-step-000003",
      "step-000001",
    ]);
    // The steps can be saved anew.
    await writeCheckpoint(folder, checkpointAt(2));
    assert.is((await newestCheckpoint(folder, silent))?.state.step, 2);
  });
}

test("all damaged: an error, not a new start", async () => {
  const folder = await folderWith("all", 1);
  await rm(join(folder, "step-000001", "manifest.json"));
  try {
    await newestCheckpoint(folder, silent);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, DataError);
  }
});

test("what an interrupted write left is not seen, and removed", async () => {
  const folder = await folderWith("interrupted", 1);
  const left = join(folder, ".unfinished-step-000002");
  await mkdir(left);
  await writeFile(join(left, "weights.safetensors"), "half");
  assert.is((await newestCheckpoint(folder, silent))?.state.step, 1);
  await removeUnfinished(folder);
  assert.equal(await readdir(folder), ["step-000001"]);
  await mkdir(left);
  await writeCheckpoint(folder, checkpointAt(2));
  assert.equal((await readdir(folder)).sort(), ["step-000001", "step-000002"]);
});

test("pruning keeps the newest and the best", async () => {
  const folder = await folderWith("pruned", 1, 2, 3, 4, 5);
  await pruneCheckpoints(folder, 2, 2);
  assert.equal((await readdir(folder)).sort(), ["step-000002", "step-000004", "step-000005"]);
});

test("a checkpoint that cannot be written says how many bytes it needs and leaves the others", async () => {
  const folder = await folderWith("full", 1);
  // A plain file where the temporary folder's parent should be: no write can succeed there.
  const blocked = join(folder, "file");
  await writeFile(blocked, "");
  try {
    await writeCheckpoint(join(blocked, "checkpoints"), checkpointAt(2));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, DataError);
    assert.match((error as Error).message, /Cannot list|16 bytes/);
  }
  assert.is((await readCheckpoint(join(folder, "step-000001"))).state.step, 1);
});

test.run();

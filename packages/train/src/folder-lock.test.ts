import {spawnSync} from "node:child_process";
import {mkdtemp, readFile, readdir, rm, writeFile} from "node:fs/promises";
import {hostname, tmpdir} from "node:os";
import {join} from "node:path";
import {DataError} from "@claps/core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {lockFolder} from "./folder-lock.node.js";

const test = suite("folder lock");
let root = "";

test.before(async () => {
  root = await mkdtemp(join(tmpdir(), "claps-lock-"));
});

test.after(() => rm(root, {recursive: true, force: true}));

async function refusal(folder: string): Promise<DataError> {
  try {
    await lockFolder(folder);
  } catch (error) {
    assert.instance(error, DataError);
    return error as DataError;
  }
  return assert.unreachable() as never;
}

/** A lock as this process would write it, with changes. */
async function lockWith(folder: string, changes: object): Promise<void> {
  const lock = await lockFolder(folder);
  const path = join(folder, "run.lock");
  const own = JSON.parse(await readFile(path, "utf8")) as object;
  await lock.release();
  await writeFile(path, JSON.stringify({...own, ...changes}));
}

test("held, refused, released, held again; nothing is left behind", async () => {
  const folder = join(root, "deep", "run");
  const lock = await lockFolder(folder);
  const error = await refusal(folder);
  assert.is(error.code, "folder-in-use");
  assert.match(error.message, /run\.lock/);
  await lock.release();
  await (await lockFolder(folder)).release();
  assert.equal(await readdir(folder), []);
});

test("the lock of a process that is gone is taken over", async () => {
  const {pid} = spawnSync(process.execPath, ["--version"]);
  const folder = join(root, "gone");
  await lockWith(folder, {pid});
  await (await lockFolder(folder)).release();
  assert.equal(await readdir(folder), []);
});

test("a process number used again, or from before a restart, is not mistaken for the run", async () => {
  const folder = join(root, "again");
  await lockWith(folder, {born: "1"});
  await (await lockFolder(folder)).release();
  await lockWith(folder, {boot: "another"});
  await (await lockFolder(folder)).release();
});

test("a lock from another machine stands", async () => {
  const folder = join(root, "elsewhere");
  await lockWith(folder, {host: `not-${hostname()}`});
  assert.match((await refusal(folder)).message, /not-/);
});

test("half a lock is no lock; a lock taken by another after removal by hand is not released", async () => {
  const folder = join(root, "half");
  await lockWith(folder, {});
  await writeFile(join(folder, "run.lock"), `{"pid": 1`);
  const lock = await lockFolder(folder);
  await writeFile(join(folder, "run.lock"), "somebody else's");
  await lock.release();
  assert.is(await readFile(join(folder, "run.lock"), "utf8"), "somebody else's");
});

test("of many at once one wins", async () => {
  const folder = join(root, "many");
  const outcomes = await Promise.allSettled(Array.from({length: 8}, () => lockFolder(folder)));
  assert.is(outcomes.filter(({status}) => status === "fulfilled").length, 1);
});

test.run();

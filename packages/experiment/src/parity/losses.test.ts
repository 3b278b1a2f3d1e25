import {copyFile, mkdtemp, readFile, rm, writeFile} from "node:fs/promises";
import {existsSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {startTestEngine} from "@claps/layers/testing";
import {readSafetensors, writeSafetensors} from "@claps/weights";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {checkLossPack} from "./losses.js";
import {checkOptimizerPack} from "./optimizer.js";
import type {ParityReport} from "./report.js";

const test = suite("parity of losses and optimizer");
const fixtures = fileURLToPath(new URL("../../../train/fixtures/", import.meta.url));
/** The whole packs lie beside the checkout, where somebody has them. */
const packs = fileURLToPath(new URL("../../../../../shared/reference/models/", import.meta.url));
let root = "";

test.before(async () => {
  await startTestEngine();
  root = await mkdtemp(join(tmpdir(), "claps-parity-"));
});

test.after(() => rm(root, {recursive: true, force: true}));

function bad(report: ParityReport): string[] {
  return report.cases.flatMap(({name, entries}) =>
    entries.filter(({ok}) => !ok).map((entry) => `${name} ${entry.kind} ${entry.name}`),
  );
}

/** A pack of one case, with its description and numbers changed. */
async function changedPack(
  source: string,
  name: string,
  change: {tensor?: string; by?: number; description?: object; drop?: string},
): Promise<string> {
  const folder = await mkdtemp(join(root, "pack-"));
  const from = join(fixtures, source, `case-${name}`);
  const to = join(folder, `case-${name}`);
  const description = JSON.parse(await readFile(`${from}.json`, "utf8")) as object;
  await writeFile(`${to}.json`, JSON.stringify({...description, ...change.description}));
  const {tensors} = await readSafetensors(`${from}.safetensors`);
  if (change.tensor !== undefined) {
    const {data} = tensors.get(change.tensor)!;
    if (data instanceof BigInt64Array) data[0]! += BigInt(change.by ?? 0);
    else (data as Float32Array)[0]! += change.by ?? 0;
  }
  if (change.drop !== undefined) tensors.delete(change.drop);
  await writeSafetensors(`${to}.safetensors`, tensors);
  return folder;
}

test("losses: every case agrees, none is refused", async () => {
  const report = await checkLossPack(join(fixtures, "losses"));
  assert.equal(bad(report), []);
  assert.ok(report.ok);
  assert.equal(report.refused, []);
  assert.equal(
    report.cases.map(({name, entries}) => [name, entries.length]),
    [
      ["bce", 5],
      ["box-l1", 3],
      ["dice", 2],
      ["focal", 5],
      ["focal-no-alpha", 5],
      ["giou", 6],
      ["hungarian", 60],
      ["infonce", 5],
      ["mask-combined", 7],
      ["matcher", 4],
      ["soft-target", 9],
    ],
  );
});

test("optimizer: every case agrees", async () => {
  const report = await checkOptimizerPack(join(fixtures, "optimizer"));
  assert.equal(bad(report), []);
  assert.ok(report.ok);
  assert.equal(report.refused, []);
  assert.equal(
    report.cases.map(({name, entries}) => [name, entries.length]),
    [
      ["adamw", 9],
      ["adamw-changing-lr", 9],
      ["clip-grad-norm-below", 4],
      ["clip-grad-norm-clipped", 4],
      ["cosine-schedule", 1],
      ["ema", 1],
    ],
  );
});

test("one wrong number is found, in an output or a gradient", async () => {
  const output = await checkLossPack(await changedPack("losses", "dice", {tensor: "output.loss", by: 2e-4}));
  assert.equal(bad(output), ["dice output loss"]);
  assert.not(output.ok);
  const within = await changedPack("losses", "dice", {tensor: "output.loss", by: 5e-5});
  assert.ok((await checkLossPack(within)).ok);
  // The largest gradient of this case is .0027, so that 1e-6 is 4e-4 of it.
  const gradient = await changedPack("losses", "dice", {tensor: "grad.input.logits", by: 1e-6});
  assert.equal(bad(await checkLossPack(gradient)), ["dice gradient input.logits"]);
  const pair = await changedPack("losses", "matcher", {tensor: "output.query.1", by: 1});
  assert.equal(bad(await checkLossPack(pair)), ["matcher output query.1"]);
  const total = await changedPack("losses", "hungarian", {tensor: "output.total.3", by: 1e-2});
  assert.equal(bad(await checkLossPack(total)), ["hungarian output total.3"]);
  // Matrix 13 has ties. Row 0 costs as much in column 3 as in column 2, but 3 is taken; column 1 costs more.
  for (const by of [1, -1]) {
    const tied = await changedPack("losses", "hungarian", {tensor: "output.cols.13", by});
    assert.equal(bad(await checkLossPack(tied)), ["hungarian output cols.13"]);
  }
  const ema = await changedPack("optimizer", "ema", {tensor: "output.ema", by: 1e-3});
  assert.equal(bad(await checkOptimizerPack(ema)), ["ema output ema"]);
});

test("NaN in a pack, an unknown operation and an absent input are not passed over", async () => {
  const nan = await changedPack("losses", "bce", {tensor: "output.elements", by: NaN});
  assert.equal(bad(await checkLossPack(nan)), ["bce output elements"]);
  const unknown = await checkLossPack(
    await changedPack("losses", "bce", {description: {options: {op: "hinge"}}}),
  );
  assert.equal(unknown.refused, [{name: "bce", reason: `unknown operation "hinge"`}]);
  assert.not(unknown.ok);
  const absent = await changedPack("losses", "bce", {drop: "input.logits"});
  const message = await checkLossPack(absent).then(
    () => "",
    (error: Error) => error.message,
  );
  assert.match(message, /expected an input "logits"/);
});

test("a folder without cases is an error", async () => {
  const folder = await mkdtemp(join(root, "empty-"));
  await copyFile(join(fixtures, "README.md"), join(folder, "README.md"));
  const message = await checkOptimizerPack(folder).then(
    () => "",
    (error: Error) => error.message,
  );
  assert.match(message, /expected files case-\*\.json/);
});

if (existsSync(packs)) {
  test("the whole packs", async () => {
    const losses = await checkLossPack(join(packs, "losses"));
    assert.ok(losses.ok);
    assert.equal(losses.refused, []);
    assert.is(losses.cases.length, 11);
    assert.ok((await checkOptimizerPack(join(packs, "optimizer"))).ok);
  });
}

test.run();

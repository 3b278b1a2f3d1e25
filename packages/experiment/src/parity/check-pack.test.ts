import {cpSync, mkdirSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {DataError} from "@claps/core";
import {startTestEngine} from "@claps/layers/testing";
import {readSafetensors, writeSafetensors} from "@claps/weights";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {temporaryFolder} from "../tiny-dataset.twin.js";
import {checkPack} from "./check-pack.js";

await startTestEngine();
const fixtures = fileURLToPath(new URL("../../../train/fixtures/", import.meta.url));

function copyOf(source: string, names: readonly string[]): string {
  const folder = temporaryFolder();
  for (const name of names) {
    for (const ending of ["json", "safetensors"]) {
      cpSync(join(fixtures, source, `case-${name}.${ending}`), join(folder, `case-${name}.${ending}`));
    }
  }
  return folder;
}

test("the kind is read from the pack: losses, optimizer", async () => {
  const losses = await checkPack(join(fixtures, "losses"));
  assert.is(losses.kind, "losses");
  assert.ok(losses.ok);
  assert.ok(losses.cases.length >= 4);
  const optimizer = await checkPack(join(fixtures, "optimizer"));
  assert.is(optimizer.kind, "optimizer");
  assert.ok(optimizer.ok);
});

test("an unknown operation is refused by name, not passed over", async () => {
  const folder = copyOf("losses", ["dice", "focal"]);
  writeFileSync(join(folder, "case-focal.json"), JSON.stringify({tolerance: 1e-4, options: {op: "hinge"}}));
  const {cases, refused} = await checkPack(folder);
  assert.equal(
    refused.map(({name}) => name),
    ["focal"],
  );
  assert.equal(
    cases.map(({name}) => name),
    ["dice"],
  );
  rmSync(join(folder, "case-dice.json"));
  const only = await checkPack(folder);
  assert.is(only.ok, false, "a pack of which nothing was compared is not within tolerance");
});

test("one wrong number is not within tolerance, and named", async () => {
  const folder = copyOf("losses", ["dice"]);
  assert.ok((await checkPack(folder)).ok);
  const path = join(folder, "case-dice.safetensors");
  const {tensors, metadata} = await readSafetensors(path);
  const loss = tensors.get("output.loss");
  if (!(loss?.data instanceof Float32Array)) throw new Error("the fixture has another form");
  loss.data[0] = (loss.data[0] ?? 0) + 0.01;
  await writeSafetensors(path, tensors, metadata);
  const report = await checkPack(folder);
  assert.is(report.ok, false);
  assert.equal(
    report.cases.flatMap(({entries}) => entries.filter(({ok}) => !ok).map(({name}) => name)),
    ["loss"],
  );
});

test("a pack of something that is not part of this version is refused by its name", async () => {
  const folder = copyOf("losses", ["dice"]);
  const description = {tolerance: 1e-4, options: {}};
  writeFileSync(join(folder, "case-dice.json"), JSON.stringify(description));
  writeFileSync(join(folder, "config.json"), JSON.stringify({architectures: ["SwinBackbone"]}));
  const report = await checkPack(folder);
  assert.is(report.kind, "SwinBackbone");
  assert.is(report.ok, false);
  assert.equal(
    report.refused.map(({name, reason}) => [name, reason]),
    [["dice", '"SwinBackbone" is not part of this version, so nothing was checked']],
  );
});

test("no folder, no case, or a damaged description: a DataError that names the place", async () => {
  const empty = temporaryFolder();
  const damaged = copyOf("losses", ["dice"]);
  writeFileSync(join(damaged, "case-dice.json"), "{");
  const config = copyOf("losses", ["dice"]);
  writeFileSync(join(config, "config.json"), "[");
  mkdirSync(join(empty, "inside"));
  for (const [folder, words] of [
    [join(empty, "nowhere"), /expected a folder with a reference pack/],
    [empty, /expected files case-\*\.json/],
    [damaged, /case-dice\.json: expected JSON/],
    [config, /config\.json: expected JSON/],
  ] as const) {
    const error = await checkPack(folder).catch((thrown: unknown) => thrown);
    assert.instance(error, DataError);
    assert.match((error as Error).message, words);
  }
});

test.run();

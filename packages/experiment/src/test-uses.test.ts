import {appendFileSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {DataError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {noteTestUses} from "./test-uses.js";
import type {TestUse} from "./test-uses.js";
import {temporaryFolder} from "./tiny-dataset.twin.js";

const use = (dataset: string, dice: number | null): TestUse => ({
  experiment: "drive-vessels",
  dataset,
  commit: "abc",
  seed: "1",
  dice,
});

test("every use is one more line, and counts are by dataset", async () => {
  const folder = temporaryFolder();
  assert.equal(await noteTestUses(folder, [use("drive", 0.7)]), {drive: 1});
  assert.equal(await noteTestUses(folder, [use("drive", 0.71), use("idrid", null)]), {drive: 2, idrid: 1});
  const lines = readFileSync(join(folder, "test-uses.jsonl"), "utf8").trim().split("\n");
  assert.equal(
    lines.map((line) => JSON.parse(line) as TestUse),
    [use("drive", 0.7), use("drive", 0.71), use("idrid", null)],
  );
});

test("a damaged line is named, since it hides a use", async () => {
  const folder = temporaryFolder();
  await noteTestUses(folder, [use("drive", 0.7)]);
  appendFileSync(join(folder, "test-uses.jsonl"), '{"experiment": "dri\n');
  const error = await noteTestUses(folder, [use("drive", 0.7)]).catch((thrown: unknown) => thrown as Error);
  assert.instance(error, DataError);
  assert.match((error as Error).message, /test-uses\.jsonl, line 2/);
});

test.run();

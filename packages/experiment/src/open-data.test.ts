import {existsSync} from "node:fs";
import {join} from "node:path";
import {ConfigError} from "@claps/core";
import type {DatasetDefinition} from "@claps/data";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {openData} from "./open-data.js";
import {temporaryFolder, tiny, writeTiny} from "./tiny-dataset.twin.js";

/** The tiny dataset with a writer that breaks down in the middle as often as told. */
function writable(breakdowns: number): DatasetDefinition {
  let calls = 0;
  return {
    ...tiny,
    writeSynthetic: async (folder, {count}) => {
      await writeTiny(folder, {train: count - 1, test: 1});
      if (calls++ < breakdowns) throw new Error("the disk is full");
    },
  };
}

test("made-up cases are written once, read back, and divided; the held-out ones are the last", async () => {
  const options = {roots: [], folder: join(temporaryFolder(), "data"), seed: "1"};
  const data = {dataset: writable(0), synthetic: {count: 5}, holdOut: 1};
  const opened = await openData(data, options);
  const ids = (cases: readonly {id: string}[]): string[] => cases.map(({id}) => id);
  assert.equal(ids(opened.training), ["train-1", "train-2", "train-3"]);
  assert.equal(ids(opened.heldOut), ["train-4"]);
  assert.equal(ids(opened.test), ["test-1"]);
  assert.is(opened.isSynthetic, true);
  // A second opening finds them: this writer would break down.
  const again = await openData({...data, dataset: writable(1)}, options);
  assert.equal(ids(again.training), ids(opened.training));
});

test("a writer that broke down leaves nothing that could be taken for data", async () => {
  const options = {roots: [], folder: temporaryFolder(), seed: "1"};
  const data = {dataset: writable(1), synthetic: {count: 4}};
  const error = await openData(data, options).catch((thrown: unknown) => thrown);
  assert.match((error as Error).message, /the disk is full/);
  assert.not.ok(existsSync(join(options.folder, "tiny")));
  assert.is((await openData(data, options)).training.length, 3);
});

test("holding out everything, or a dataset without a writer, is a ConfigError", async () => {
  const options = {roots: [], folder: temporaryFolder(), seed: "1"};
  const all = {dataset: writable(0), synthetic: {count: 4}, holdOut: 3};
  for (const data of [all, {dataset: tiny, synthetic: {count: 4}}]) {
    const error = await openData(data, {...options, folder: temporaryFolder()}).catch(
      (thrown: unknown) => thrown,
    );
    assert.instance(error, ConfigError);
  }
});

test.run();

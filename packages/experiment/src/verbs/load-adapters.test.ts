import {writeFileSync} from "node:fs";
import {join} from "node:path";
import {ConfigError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {temporaryFolder, tiny} from "../tiny-dataset.twin.js";
import {findAdapter, loadAdapters} from "./load-adapters.js";

const adapter = (id: string): string =>
  `export default {id: "${id}", title: "${id.toUpperCase()}", modality: {}, cases: () => []};\n`;

test("every file with a dataset as its default export counts, in the order of names", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "zebra.js"), adapter("zebra"));
  writeFileSync(join(folder, "ant-eater.js"), adapter("ant-eater"));
  writeFileSync(join(folder, "palette.js"), "export default {red: 1};\n");
  writeFileSync(join(folder, "none.js"), "export const nothing = 1;\n");
  // Tests and notes beside adapters are not looked at.
  writeFileSync(join(folder, "zebra.test.js"), "throw new Error('read');\n");
  writeFileSync(join(folder, "README.md"), "");
  assert.equal([...(await loadAdapters(folder)).keys()], ["ant-eater", "zebra"]);
});

test("a folder without adapters, or none at all, is a ConfigError with the way out", async () => {
  const folder = temporaryFolder();
  for (const path of [folder, join(folder, "nowhere")]) {
    const error = await loadAdapters(path).catch((thrown: unknown) => thrown);
    assert.instance(error, ConfigError);
    assert.match((error as Error).message, /--adapters DIR/);
  }
});

test("a dataset is found by id or title in any case; another name is answered with the nearest", () => {
  const adapters = new Map([["tiny", tiny]]);
  for (const name of ["tiny", "TINY", "Tiny"]) assert.is(findAdapter(adapters, name), tiny);
  assert.throws(
    () => findAdapter(adapters, "tyni"),
    /nknown dataset "tyni": did you mean "tiny"\? Known: tiny/,
  );
});

test.run();

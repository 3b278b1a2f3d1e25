import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {ConfigError, countTensors, createRandom, WeightError} from "@claps/core";
import {startTestEngine} from "@claps/layers/testing";
import {parseSafetensors} from "@claps/weights";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {clapsMicro, microWith} from "./claps-micro.twin.js";
import {loadClaps, saveClaps} from "./claps-folder.js";
import {createClaps} from "./model.js";
import type {ClapsConfig} from "./config.js";

await startTestEngine();
const root = mkdtempSync(join(tmpdir(), "claps-folder-"));
test.after(() => rmSync(root, {recursive: true}));

async function saved(name: string, config: ClapsConfig, threshold = 0.5): Promise<string> {
  const folder = join(root, name);
  const claps = createClaps(config, {random: createRandom(5)});
  claps.threshold = threshold;
  await saveClaps(claps, folder);
  claps.dispose();
  return folder;
}

/** Content of every file by name. */
function filesOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name)).toString("base64")]),
  );
}

async function errorOf(folder: string): Promise<Error & {code: string}> {
  try {
    await loadClaps(folder);
  } catch (error) {
    return error as Error & {code: string};
  }
  return assert.unreachable() as never;
}

for (const form of ["additive", "token", "off"] as const) {
  test(`saved, loaded and saved again: the same bytes (${form})`, async () => {
    const first = await saved(`${form}-1`, microWith({form}), 0.37);
    const claps = await loadClaps(first);
    assert.is(claps.threshold, 0.37);
    assert.equal(claps.config, {...microWith({form}), threshold: 0.37});
    await saveClaps(claps, join(root, `${form}-2`));
    claps.dispose();
    assert.equal(filesOf(join(root, `${form}-2`)), filesOf(first));
    assert.is(Object.keys(filesOf(first)).includes("text_prompt.safetensors"), form !== "off");
  });
}

test("the same seed twice gives the same bytes", async () => {
  assert.equal(filesOf(await saved("twice-1", clapsMicro)), filesOf(await saved("twice-2", clapsMicro)));
});

test("files carry the published names", async () => {
  const folder = await saved("names", clapsMicro);
  const names = (file: string): string[] => [
    ...parseSafetensors(readFileSync(join(folder, file))).tensors.keys(),
  ];
  assert.ok(names("sam.safetensors").includes("vision_encoder.patch_embed.projection.weight"));
  assert.ok(names("text.safetensors").includes("text_model.embeddings.token_embedding.weight"));
  assert.equal(names("text_prompt.safetensors").sort(), [
    "hidden.bias",
    "hidden.weight",
    "output.bias",
    "output.weight",
  ]);
});

test("a folder without a model: says that none are shipped and what trains some", async () => {
  const empty = join(root, "empty");
  mkdirSync(empty);
  for (const folder of [empty, join(root, "nowhere")]) {
    const error = await errorOf(folder);
    assert.instance(error, ConfigError);
    assert.is(error.code, "no-weights");
    assert.match(error.message, /No weights are shipped: "npx claps run experiments\/quickstart\.ts"/);
  }
});

test("weights of another architecture: a table of names, and no tensor left", async () => {
  const folder = await saved("narrow", clapsMicro);
  const wide = await saved("wide", {...clapsMicro, text: {...clapsMicro.text, mlpWidth: 48, depth: 2}});
  copyFileSync(join(wide, "text.safetensors"), join(folder, "text.safetensors"));
  const {result: error, leaked} = await countTensors(() => errorOf(folder));
  assert.instance(error, WeightError);
  assert.match(error.message, /text_model\.encoder\.layers\.1\.mlp\.fc1\.weight/);
  assert.match(error.message, /text_model\.encoder\.layers\.0\.mlp\.fc1\.weight.*48/);
  assert.is(leaked, 0);
});

test("a file that is no model of ours, or cut short, is refused by name", async () => {
  const folder = await saved("format", clapsMicro);
  const text = readFileSync(join(folder, "text.safetensors"));
  writeFileSync(join(folder, "sam.safetensors"), text);
  const strange = await errorOf(folder);
  assert.instance(strange, WeightError);
  assert.match(strange.message, /expected the weights of "claps model 1"/);
  writeFileSync(join(folder, "sam.safetensors"), text.subarray(0, 100));
  assert.instance(await errorOf(folder), WeightError);
});

test.run();

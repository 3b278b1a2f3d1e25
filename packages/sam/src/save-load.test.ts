import {mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {ConfigError, createRandom, WeightError} from "@claps/core";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import {exportWeights, readSafetensors, storedFloat32, writeSafetensors} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {samMicro} from "./config.js";
import {loadSam, parseSamConfig} from "./load-sam.js";
import {createSam} from "./model.js";
import type {Sam} from "./model.js";
import {saveSam} from "./save-sam.js";
import {originalRules, untiePositions} from "./weights.js";

await startTestEngine();
const folder = mkdtempSync(join(tmpdir(), "claps-sam-"));
const sam = createSam(samMicro, {random: createRandom("save")});
test.after(() => rmSync(folder, {recursive: true}));

function sameWeights(one: Sam, other: Sam): void {
  const theirs = other.namedWeights();
  for (const [path, variable] of one.namedWeights()) {
    expectClose(theirs.get(path) as tf.Tensor, variable, 0, path);
  }
}

test("a saved model comes back equal", async () => {
  const path = join(folder, "deep", "saved");
  await saveSam(sam, path);
  const loaded = await loadSam(path);
  assert.equal(loaded.config, samMicro);
  sameWeights(sam, loaded);
  loaded.dispose();
});

test("the saved file has the published names and layouts", async () => {
  const path = join(folder, "names");
  await saveSam(sam, path);
  const {tensors} = await readSafetensors(join(path, "model.safetensors"));
  assert.is(tensors.size, sam.namedWeights().size);
  assert.equal(tensors.get("shared_image_embedding.positional_embedding")?.shape, [2, 8]);
  assert.equal(tensors.get("vision_encoder.patch_embed.projection.weight")?.shape, [16, 3, 8, 8]);
  assert.equal(tensors.get("vision_encoder.layers.0.mlp.lin1.weight")?.shape, [32, 16]);
  assert.equal(tensors.get("mask_decoder.upscale_conv1.weight")?.shape, [16, 4, 2, 2]);
  assert.equal(tensors.get("mask_decoder.iou_prediction_head.layers.0.weight")?.shape, [12, 12]);
});

test("our tree has exactly the published names, apart from the shared frequencies", async () => {
  const published = fileURLToPath(new URL("../fixtures/sam/", import.meta.url));
  const loaded = await loadSam(published);
  const {tensors} = await readSafetensors(join(published, "model.safetensors"));
  const names = [...tensors.keys()].map((name) =>
    name.replace("shared_image_embedding.", "prompt_encoder.shared_embedding."),
  );
  assert.equal([...loaded.namedWeights().keys()].sort(), names.sort());
  loaded.dispose();
});

test("the original code's names load too", async () => {
  const file = join(folder, "original.safetensors");
  const exported = await exportWeights(sam, originalRules);
  assert.ok(exported.has("image_encoder.blocks.1.attn.rel_pos_h"));
  assert.ok(exported.has("mask_decoder.output_hypernetworks_mlps.3.layers.2.bias"));
  await writeSafetensors(file, exported);
  const loaded = await loadSam(file, {config: samMicro});
  sameWeights(sam, loaded);
  loaded.dispose();
});

test("a model is saved with the original code's names, in half the bytes, and comes back rounded", async () => {
  const path = join(folder, "original-half");
  await saveSam(sam, path, {layout: "original", dtype: "F16"});
  const {tensors} = await readSafetensors(join(path, "model.safetensors"));
  assert.ok(tensors.has("image_encoder.patch_embed.proj.weight"));
  assert.ok([...tensors.values()].every(({dtype}) => dtype === "F16"));
  const loaded = await loadSam(path);
  const theirs = loaded.namedWeights();
  for (const [name, variable] of sam.namedWeights()) {
    // A half float has eleven digits, so that a rounded number is off by at most one part in 2048.
    const largest = Math.max(...Array.from(await variable.data(), Math.abs));
    const tolerance = largest / 2048;
    expectClose(theirs.get(name) as tf.Tensor, variable, tolerance, name);
  }
  loaded.dispose();
});

test("frequencies stored twice are one weight, and must be equal", () => {
  const names = [
    "prompt_encoder.shared_embedding.positional_embedding",
    "shared_image_embedding.positional_embedding",
  ];
  const one = storedFloat32([2], Float32Array.of(1, 2));
  const [long, short] = names as [string, string];
  assert.equal([...untiePositions(new Map([[long, one]])).keys()], [short]);
  assert.equal(
    [
      ...untiePositions(
        new Map([
          [long, one],
          [short, one],
        ]),
      ).keys(),
    ],
    [short],
  );
  const other = storedFloat32([2], Float32Array.of(1, 3));
  assert.throws(
    () =>
      untiePositions(
        new Map([
          [long, one],
          [short, other],
        ]),
      ),
    (error: unknown) => error instanceof WeightError,
  );
});

test("weights of another size are refused with a table of names, and nothing is left behind", async () => {
  const path = join(folder, "other");
  await saveSam(sam, path);
  const config = {...samMicro, encoder: {...samMicro.encoder, mlpWidth: 40}};
  const before = tf.memory().numTensors;
  const error = await loadSam(path, {config}).catch((thrown: unknown) => thrown);
  assert.instance(error, WeightError);
  assert.match((error as WeightError).message, /vision_encoder\.layers\.0\.mlp\.lin1\.weight/);
  assert.is(tf.memory().numTensors, before);
});

test("a folder without configuration, and configurations of another kind, are refused", async () => {
  const path = join(folder, "bare");
  await saveSam(sam, path);
  rmSync(join(path, "config.json"));
  const error = await loadSam(path).catch((thrown: unknown) => thrown);
  assert.instance(error, ConfigError);
  assert.match((error as ConfigError).message, /samBase/);
  writeFileSync(join(path, "config.json"), '{"model_type": "clip"}');
  assert.instance(await loadSam(path).catch((thrown: unknown) => thrown), ConfigError);
  assert.throws(() => parseSamConfig("{", "here"), /JSON/);
  const published = readFileSync(new URL("../fixtures/sam/config.json", import.meta.url), "utf8");
  const broken = published.replace('"global_attn_indexes"', '"global_attention"');
  assert.throws(() => parseSamConfig(broken, "here"), /vision_config\.global_attn_indexes/);
});

test.run();

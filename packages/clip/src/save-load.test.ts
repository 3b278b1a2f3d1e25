import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {ConfigError, countTensors, createRandom, WeightError} from "@claps/core";
import {addLora, mergeLora} from "@claps/layers";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import {createBertTokenizer, saveTokenizer} from "@claps/text";
import {readSafetensors, readWeights, writeSafetensors, writeShardedSafetensors} from "@claps/weights";
import type {StoredTensor} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {clipMicro} from "./clip-micro.twin.js";
import {loadClip} from "./load-clip.js";
import {createClip} from "./model.js";
import type {Clip} from "./model.js";
import {saveClip} from "./save-clip.js";
import type {SaveClipOptions} from "./save-clip.js";

await startTestEngine();

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "claps-clip-"));
test.after(() => rmSync(root, {recursive: true}));
let made = 0;
const place = (): string => join(root, `folder-${made++}`);

function copy(pack: string): string {
  const folder = place();
  cpSync(join(fixtures, pack), folder, {recursive: true});
  return folder;
}

const make = (config = clipMicro): Clip => createClip(config, {random: createRandom("saved")});

/** What two models must agree on. */
function expectSame(a: Clip, b: Clip, tolerance: number): void {
  assert.is(a.countParameters(), b.countParameters());
  const [theirs, ours] = [a.namedWeights(), b.namedWeights()];
  assert.equal([...ours.keys()], [...theirs.keys()]);
  for (const [path, variable] of ours) {
    const other = theirs.get(path) as tf.Variable;
    assert.equal(variable.shape, other.shape, path);
    expectClose(variable, other, tolerance, path);
  }
}

const json = (...parts: string[]): Record<string, unknown> =>
  JSON.parse(readFileSync(join(...parts), "utf8")) as Record<string, unknown>;

async function refusal(action: () => Promise<unknown>): Promise<Error & {code?: string}> {
  const error = await action().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConfigError || error instanceof WeightError)) {
    throw new Error(`expected a typed refusal, got ${String(error)}`);
  }
  return error;
}

test("a saved model comes back the same, in every layout, and nothing stays behind", async () => {
  const clip = make();
  for (const [layout, files] of [
    ["huggingface", ["config.json", "merges.txt", "model.safetensors", "preprocessor_config.json"]],
    ["open_clip", ["merges.txt", "open_clip_config.json", "open_clip_model.safetensors"]],
    ["claps", ["config.json", "merges.txt", "model.safetensors"]],
  ] as const) {
    const folder = place();
    const {leaked} = await countTensors(async () => {
      await saveClip(clip, folder, {layout});
      const loaded = await loadClip(folder);
      expectSame(clip, loaded, 0);
      assert.is(loaded.config.vision.heads, clipMicro.vision.heads);
      assert.is(loaded.config.text.contextLength, clipMicro.text.contextLength);
      assert.equal(loaded.config.preprocess.mean, clipMicro.preprocess.mean);
      assert.is(loaded.tokenizer?.vocabularySize, 1000);
      const [mine, theirs] = [await clip.encodeText(["optic disc"]), await loaded.encodeText(["optic disc"])];
      expectClose(theirs.vectors, mine.vectors, 1e-6);
      loaded.dispose();
    });
    assert.is(leaked, 0, layout);
    const present = readdirSync(folder);
    for (const file of files) assert.ok(present.includes(file), `${layout}: ${file}`);
  }
  clip.dispose();
});

test("published packs go through their own layout without a change", async () => {
  for (const [pack, layout, file] of [
    ["clip-quickgelu", "huggingface", "model.safetensors"],
    ["openclip-native", "open_clip", "open_clip_model.safetensors"],
    ["openclip-hf-text-cls", "open_clip", "open_clip_model.safetensors"],
    ["openclip-hf-text-cls-bert-pooler", "open_clip", "open_clip_model.safetensors"],
  ] as const) {
    const clip = await loadClip(join(fixtures, pack));
    const folder = place();
    await saveClip(clip, folder, {layout});
    const before = (await readWeights(join(fixtures, pack))).tensors;
    const after = (await readSafetensors(join(folder, file))).tensors;
    assert.equal([...after.keys()].sort(), [...before.keys()].sort(), pack);
    for (const [name, tensor] of before) {
      assert.equal(after.get(name)?.shape, tensor.shape, name);
      assert.equal(after.get(name)?.data, tensor.data, name);
    }
    const again = await loadClip(folder);
    expectSame(clip, again, 0);
    assert.equal(
      {...again.config.vision, ...again.config.text},
      {...clip.config.vision, ...clip.config.text},
      pack,
    );
    again.dispose();
    clip.dispose();
  }
});

test("a model of open_clip becomes one of transformers, and keeps its rule of the end token", async () => {
  const clip = await loadClip(join(fixtures, "openclip-native"));
  const folder = place();
  await saveClip(clip, folder, {layout: "huggingface"});
  const config = json(folder, "config.json") as {text_config: {eos_token_id: number}};
  assert.is(config.text_config.eos_token_id, 2);
  const again = await loadClip(folder);
  expectSame(clip, again, 0);
  const ids = tf.tensor2d([38, 5, 39, 0, 0, 0, 0, 0], [1, 8], "int32");
  expectClose(again.forwardText(ids).projected, clip.forwardText(ids).projected, 1e-6);
  again.dispose();
  clip.dispose();
});

test("F16 and BF16: half the bytes, the nearest numbers", async () => {
  const clip = make();
  for (const [dtype, tolerance, torch] of [
    ["F16", 1e-3, "float16"],
    ["BF16", 2e-2, "bfloat16"],
  ] as const) {
    const folder = place();
    await saveClip(clip, folder, {layout: "huggingface", dtype});
    const {tensors} = await readSafetensors(join(folder, "model.safetensors"));
    assert.ok([...tensors.values()].every((tensor) => tensor.dtype === dtype));
    assert.is(json(folder, "config.json")["torch_dtype"], torch);
    const loaded = await loadClip(folder);
    expectSame(clip, loaded, tolerance);
    loaded.dispose();
  }
  clip.dispose();
});

test("sharded weights, a leading module., a scale in a list, stored places: all read", async () => {
  const folder = copy("openclip-native");
  const clip = await loadClip(folder);
  const path = join(folder, "model.safetensors");
  const {tensors} = await readSafetensors(path);
  const prefixed = new Map([...tensors].map(([name, tensor]) => [`module.${name}`, tensor]));
  const scale = tensors.get("logit_scale") as StoredTensor;
  prefixed.set("module.logit_scale", {...scale, shape: [1]});
  prefixed.set("module.attn_mask", {dtype: "F32", shape: [1], data: Float32Array.of(-Infinity)});
  await writeSafetensors(path, prefixed);
  const module = await loadClip(folder);
  expectSame(clip, module, 0);
  module.dispose();
  const sharded = copy("clip-gelu");
  const whole = await loadClip(sharded);
  const published = await readSafetensors(join(sharded, "model.safetensors"));
  published.tensors.set("text_model.embeddings.position_ids", {
    dtype: "I64",
    shape: [1, 2],
    data: BigInt64Array.of(0n, 1n),
  });
  const files = await writeShardedSafetensors(sharded, published.tensors, {maxShardBytes: 8000});
  assert.ok(files.length > 3);
  assert.not(existsSync(join(sharded, "model.safetensors")));
  const parts = await loadClip(sharded);
  expectSame(whole, parts, 0);
  for (const model of [parts, whole, clip]) model.dispose();
});

test("a folder of both libraries: the configuration follows the names of the weights", async () => {
  const folder = copy("clip-gelu");
  cpSync(join(fixtures, "openclip-native", "config.json"), join(folder, "open_clip_config.json"));
  const clip = await loadClip(folder);
  assert.is(clip.config.vision.activation, "gelu");
  clip.dispose();
});

test("a bare file with the configuration in the options; without one it is refused", async () => {
  const path = join(fixtures, "clip-gelu", "model.safetensors");
  const whole = await loadClip(join(fixtures, "clip-gelu"));
  const bare = await loadClip(path, {config: whole.config});
  expectSame(whole, bare, 0);
  bare.dispose();
  whole.dispose();
  const error = await refusal(() => loadClip(path));
  assert.is(error.code, "no-config");
  assert.match(error.message, /pass \{config: clipVitB16\}/);
});

test("a BERT's tokenizer lies beside the weights or with the text model", async () => {
  const words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "optic", "disc"];
  while (words.length < 40) words.push(`word${words.length}`);
  const tokenizer = createBertTokenizer(new Map(words.map((word, id) => [word, id])));
  for (const place of ["", "text"]) {
    const folder = copy("openclip-hf-text-cls");
    await saveTokenizer(tokenizer, join(folder, place));
    const clip = await loadClip(folder);
    assert.is(clip.tokenizer?.kind, "bert");
    const {vectors} = await clip.encodeText(["optic disc", ""]);
    assert.ok(vectors.every(Number.isFinite));
    const saved = join(root, `bert-${place}`);
    await saveClip(clip, saved);
    const again = await loadClip(saved);
    expectClose((await again.encodeText(["optic disc", ""])).vectors, vectors, 1e-6);
    again.dispose();
    clip.dispose();
  }
});

test("a residual stem is saved in our own layout, and nowhere else", async () => {
  const clip = make({...clipMicro, vision: {...clipMicro.vision, stem: "residual", positionDeviation: 0.01}});
  const folder = place();
  await saveClip(clip, folder);
  assert.is(json(folder, "config.json")["format"], "claps-clip");
  const loaded = await loadClip(folder);
  expectSame(clip, loaded, 0);
  loaded.dispose();
  for (const layout of ["huggingface", "open_clip"] as const) {
    assert.match((await refusal(() => saveClip(clip, place(), {layout}))).message, /no residual stem/);
  }
  clip.dispose();
});

test("what a layout cannot hold, and changes that are not merged, are refused before anything is written", async () => {
  const clip = make();
  addLora(clip, {pattern: /q_proj$/, rank: 2, random: createRandom(1)});
  const folder = place();
  assert.is((await refusal(() => saveClip(clip, folder))).code, "unmerged-lora");
  assert.not(existsSync(folder));
  mergeLora(clip);
  await saveClip(clip, folder);
  clip.dispose();
  const bert = await loadClip(join(fixtures, "openclip-hf-text-mean"));
  const refused = await refusal(() => saveClip(bert, place(), {layout: "huggingface"}));
  assert.match(refused.message, /no BERT as text tower; save with \{layout: "open_clip"\}/);
  bert.dispose();
  const mixed = make({...clipMicro, vision: {...clipMicro.vision, activation: "gelu"}});
  const one = await refusal(() => saveClip(mixed, place(), {layout: "open_clip"} satisfies SaveClipOptions));
  assert.match(one.message, /one activation for both towers, got gelu and quickGelu/);
  mixed.dispose();
});

test("weights that are missing, unexpected, of another shape or no numbers: refused, nothing left behind", async () => {
  const change = async (
    edit: (tensors: Map<string, StoredTensor>) => void,
  ): Promise<Error & {code?: string}> => {
    const folder = copy("clip-gelu");
    const path = join(folder, "model.safetensors");
    const {tensors} = await readSafetensors(path);
    edit(tensors);
    await writeSafetensors(path, tensors);
    const {result, leaked} = await countTensors(() => refusal(() => loadClip(folder)));
    assert.is(leaked, 0);
    return result;
  };
  const missing = await change((tensors) => {
    tensors.delete("visual_projection.weight");
    tensors.set("visual_projection.wieght", {dtype: "F32", shape: [1], data: Float32Array.of(1)});
    tensors.set("text_projection.weight", {dtype: "F32", shape: [8, 6], data: new Float32Array(48)});
  });
  assert.is(missing.code, "weights-mismatch");
  assert.match(missing.message, "1 missing, 1 unexpected, 1 of another shape");
  assert.match(missing.message, /visual_projection\.weight +\[6, 12\] +perhaps visual_projection\.wieght/);
  assert.match(missing.message, /text_projection\.weight +\[6, 8\] +\[8, 6\] +transposed\?/);
  const broken = await change((tensors) => {
    (tensors.get("logit_scale")?.data as Float32Array)[0] = NaN;
  });
  assert.is(broken.code, "weights-not-finite");
  for (const [names, message] of [
    [["visual.trunk.blocks.0.norm1.weight"], /picture tower of timm/],
    [["visual.proj", "text_decoder.ln_final.weight"], /also writes text/],
    [["encoder.weight"], /expected the names of a plain CLIP, got encoder\.weight/],
  ] as const) {
    const other = await change((tensors) => {
      tensors.clear();
      for (const name of names) tensors.set(name, {dtype: "F32", shape: [1], data: Float32Array.of(1)});
    });
    assert.is(other.code, "weights-architecture");
    assert.match(other.message, message);
  }
});

test("a tokenizer that does not belong to the weights, a damaged or an outside file: refused", async () => {
  const folder = copy("clip-gelu");
  const clip = make();
  await saveTokenizer(clip.tokenizer!, folder);
  clip.dispose();
  const error = await refusal(() => loadClip(folder));
  assert.match(error.message, /vocabulary size of the embedding, 40, got 1000/);
  const damaged = copy("clip-gelu");
  writeFileSync(join(damaged, "config.json"), "{");
  assert.match((await refusal(() => loadClip(damaged))).message, /config\.json: expected JSON/);
  const outside = copy("openclip-hf-text-cls");
  const parent = join(outside, "inner");
  mkdirSync(parent);
  for (const file of ["model.safetensors"]) cpSync(join(outside, file), join(parent, file));
  const config = json(outside, "config.json") as {text_cfg: {hf_model_name: string}};
  config.text_cfg.hf_model_name = "../text";
  writeFileSync(join(parent, "config.json"), JSON.stringify(config));
  assert.is((await refusal(() => loadClip(parent))).code, "config-text-model");
});

test.run();

import {existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {createRandom, startEngine} from "@claps/core";
import {clipTiny, createClip, loadClip, saveClip} from "@claps/clip";
import {createSam, loadSam, samMicro, saveSam} from "@claps/sam";
import {readSafetensors, readWeights, storedFloat32, writeSafetensors} from "@claps/weights";
import type {StoredTensor} from "@claps/weights";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {byteSize} from "./commands/weights-convert.js";
import {runCommand, temporaryFolder} from "./run-command.twin.js";
import type {Ended} from "./run-command.twin.js";
import {runHere} from "./run-here.twin.js";

await startEngine({engine: "cpu"});
const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);

// A model, and four ways in which its file can be wrong.
const sam = createSam(samMicro, {random: createRandom("command")});
await saveSam(sam, at("sam"));
const {tensors: good} = await readSafetensors(at("sam", "model.safetensors"));
const NECK = "vision_encoder.neck.layer_norm1.bias";
const changed = async (
  name: string,
  change: (tensors: Map<string, StoredTensor>) => void,
): Promise<string> => {
  const tensors = new Map(good);
  change(tensors);
  await writeSafetensors(at(name), tensors);
  return at(name);
};
const neck = good.get(NECK) as StoredTensor;
const nan = await changed("nan.safetensors", (tensors) => {
  const data = Float32Array.from(neck.data as Float32Array);
  [data[1], data[3]] = [NaN, Infinity];
  tensors.set(NECK, storedFloat32(neck.shape, data));
});
const misfit = await changed("misfit.safetensors", (tensors) => {
  tensors.delete(NECK);
  tensors.set("extra.weight", storedFloat32([1], Float32Array.of(1)));
  const linear = tensors.get("vision_encoder.layers.0.mlp.lin1.weight") as StoredTensor;
  tensors.set("vision_encoder.layers.0.mlp.lin1.weight", {...linear, shape: [...linear.shape].reverse()});
});
const mixed = new Map<string, StoredTensor>([
  ["weight", storedFloat32([2, 2], Float32Array.of(1, -2, 0.1, 65519))],
  ["ids", {dtype: "I64", shape: [2], data: BigInt64Array.of(7n, 8n)}],
]);
await writeSafetensors(at("mixed.safetensors"), mixed, {format: "pt", note: "made by hand"});
await writeSafetensors(
  at("large.safetensors"),
  new Map([["tower.weight", storedFloat32([1], Float32Array.of(1e6))]]),
);
writeFileSync(at("old.bin"), "a pickle");

const config = JSON.stringify({format: "claps-sam", sam: samMicro});
mkdirSync(at("micro"));
writeFileSync(at("micro", "config.json"), config);
writeFileSync(at("micro", "notes.txt"), "kept");
await writeSafetensors(at("micro", "model.safetensors"), good);

const clip = createClip(clipTiny, {random: createRandom("command")});
await saveClip(clip, at("clip"), {layout: "huggingface"});
const clipParameters = clip.countParameters();

const words: Record<string, string[]> = {
  inspect: ["inspect", at("mixed.safetensors")],
  inspectJson: ["inspect", at("mixed.safetensors"), "--json"],
  fits: ["verify", at("sam"), "--json"],
  preset: ["verify", at("sam", "model.safetensors"), "--against", "sam-micro"],
  nan: ["verify", nan, "--against", at("sam"), "--json"],
  misfit: ["verify", misfit, "--against", "sam-micro"],
  misfitJson: ["verify", misfit, "--against", "sam-micro", "--json"],
  wrongSize: ["verify", at("sam"), "--against", "sam-tiny", "--json"],
  noModel: ["verify", nan],
  noPreset: ["verify", nan, "--against", "sam-micrp"],
  pickle: ["verify", at("old.bin"), "--against", "sam-micro"],
  half: ["convert", at("mixed.safetensors"), "--out", at("half.safetensors"), "--dtype", "f16"],
  overflow: ["convert", at("large.safetensors"), "--out", at("over.safetensors"), "--dtype", "F16"],
  infinite: [
    ...["convert", at("large.safetensors"), "--out", at("infinite.safetensors"), "--dtype", "F16"],
    "--allow-infinite",
  ],
  pieces: ["convert", at("micro"), "--out", at("pieces"), "--dtype", "BF16", "--shard-size", "5KB", "--json"],
  original: ["convert", at("sam"), "--out", at("original"), "--layout", "original", "--shard-size", "20kB"],
  clipFits: ["verify", at("clip"), "--json"],
  clipPreset: ["verify", at("clip"), "--against", "clip-small", "--json"],
  clipAsSam: ["verify", at("clip"), "--against", "sam-micro"],
  clipConvert: ["convert", at("clip"), "--out", at("open"), "--layout", "open_clip", "--dtype", "BF16"],
  clipConverted: ["verify", at("open"), "--json"],
  openClipShards: [
    "convert",
    at("clip"),
    "--out",
    at("none"),
    "--layout",
    "open_clip",
    "--shard-size",
    "1MB",
  ],
  openClip: ["convert", at("sam"), "--out", at("none"), "--layout", "open_clip"],
  nothing: ["convert", at("sam"), "--out", at("none")],
  same: ["convert", at("sam", "model.safetensors"), "--out", at("sam"), "--dtype", "F16"],
  badType: ["convert", at("sam"), "--out", at("none"), "--dtype", "F8"],
};

// Two as a user runs them, the rest in this process, one after the other.
const outside = ["nan", "noModel"];
const running = Promise.all(outside.map((name) => runCommand("weights", ...(words[name] ?? []))));
const ended = new Map<string, Ended>();
for (const [name, rest] of Object.entries(words)) {
  if (!outside.includes(name)) ended.set(name, await runHere("weights", ...rest));
}
for (const [index, end] of (await running).entries()) ended.set(outside[index] ?? "", end);

function result(name: string, code: number): Ended {
  const found = ended.get(name) ?? (assert.unreachable(name) as never);
  assert.is(found.code, code, `${name}: ${found.stdout}${found.stderr}`);
  return found;
}

function json<T>(name: string, code: number): T {
  return JSON.parse(result(name, code).stdout) as T;
}

interface Verdict {
  ok: boolean;
  kind: string;
  parameters: number;
  tensors: number;
  missing: {name: string}[];
  unexpected: {name: string}[];
  shape: {name: string; expected: number[]; got: number[]}[];
  notFinite: {name: string; nan: number; infinite: number; position: number}[];
}

test("inspect lists tensors, counts by type and the texts beside them", () => {
  const {stdout} = result("inspect", 0);
  assert.match(stdout, /^ids +I64 +2 +\[2\]$/m);
  assert.match(stdout, /^weight +F32 +4 +\[2, 2\]$/m);
  assert.match(stdout, /^metadata note: made by hand$/m);
  assert.match(stdout, /^F32: 1 tensors, 4 parameters, 16 bytes$/m);
  const document = json<{dtypes: unknown; metadata: unknown; parameters: number}>("inspectJson", 0);
  assert.equal(document.dtypes, {
    F32: {tensors: 1, parameters: 4, bytes: 16},
    I64: {tensors: 1, parameters: 2, bytes: 16},
  });
  assert.equal(document.metadata, {format: "pt", note: "made by hand"});
  assert.is(document.parameters, 6);
});

test("verify of a saved model: it fits itself and its preset", () => {
  const verdict = json<Verdict>("fits", 0);
  const {missing, unexpected, shape, notFinite} = verdict;
  assert.equal(
    [verdict.ok, verdict.kind, missing, unexpected, shape, notFinite],
    [true, "sam", [], [], [], []],
  );
  const counted = [...sam.namedWeights().values()].reduce((sum, {size}) => sum + size, 0);
  assert.is(verdict.parameters, counted);
  assert.match(result("preset", 0).stdout, new RegExp(`fits: .* ${counted} parameters`));
});

test("verify names every number that is none, exit code 3", () => {
  const verdict = json<Verdict>("nan", 3);
  assert.is(verdict.ok, false);
  assert.equal(verdict.notFinite, [{name: NECK, nan: 1, infinite: 1, position: 1}]);
  assert.equal(verdict.missing, []);
});

test("verify lists what is missing, left over and of another shape, exit code 3", () => {
  const {stdout} = result("misfit", 3);
  assert.match(stdout, "1 missing, 1 unexpected, 1 of another shape");
  assert.match(stdout, "does not fit");
  const verdict = json<Verdict>("misfitJson", 3);
  assert.equal(
    verdict.missing.map(({name}) => name),
    [NECK],
  );
  assert.equal(verdict.unexpected, [{name: "extra.weight", got: [1]}]);
  assert.equal(verdict.shape, [
    {name: "vision_encoder.layers.0.mlp.lin1.weight", expected: [32, 16], got: [16, 32]},
  ]);
  assert.ok(json<Verdict>("wrongSize", 3).shape.length > 10);
});

test("questions that cannot be answered end with code 2 and say what to give", () => {
  assert.match(result("noModel", 2).stderr, /expected --against.*sam-base/);
  assert.match(result("noPreset", 2).stderr, /did you mean "sam-micro"/);
  assert.match(result("nothing", 2).stderr, /expected --dtype, --layout or --shard-size/);
  assert.match(result("same", 2).stderr, /expected another place/);
  assert.match(result("badType", 2).stderr, /nknown element type "F8".*F32, F16, BF16/);
  assert.match(result("openClip", 2).stderr, /expected huggingface or original for sam, got open_clip/);
  assert.match(result("openClipShards", 2).stderr, /expected none with --layout open_clip/);
  assert.not(existsSync(at("none")));
});

test("a pickle is answered with the line of Python that converts it, exit code 3", () => {
  const {stderr, stdout} = result("pickle", 3);
  assert.match(stderr, "never opened");
  assert.match(stderr, `torch.load('${at("old.bin")}', map_location='cpu', weights_only=True)`);
  assert.is(stdout, "");
});

test("convert rounds numbers with a fraction, leaves whole ones and keeps the texts", async () => {
  assert.match(result("half", 0).stdout, /F16: 1 tensors, 4 parameters, 8 bytes/);
  const {tensors, metadata} = await readSafetensors(at("half.safetensors"));
  // 0.1 and 65519 in half floats, as PyTorch rounds them.
  assert.equal([...(tensors.get("weight")?.data ?? [])], [0x3c00, 0xc000, 0x2e66, 0x7bff]);
  assert.equal([...(tensors.get("ids")?.data ?? [])], [7n, 8n]);
  assert.equal(metadata, {format: "pt", note: "made by hand"});
});

test("convert refuses what becomes infinite, unless it is allowed", async () => {
  assert.match(result("overflow", 3).stderr, /"tower\.weight".*1000000/);
  assert.not(existsSync(at("over.safetensors")));
  result("infinite", 0);
  const {tensors} = await readSafetensors(at("infinite.safetensors"));
  assert.equal([...(tensors.get("tower.weight")?.data ?? [])], [0x7c00]);
});

test("convert over several files keeps the configuration beside them; the folder loads", async () => {
  const document = json<{tensors: number; dtypes: Record<string, unknown>}>("pieces", 0);
  assert.equal([document.tensors, Object.keys(document.dtypes)], [good.size, ["BF16"]]);
  const names = readdirSync(at("pieces"));
  assert.ok(names.filter((name) => /^model-\d{5}-of-\d{5}\.safetensors$/.test(name)).length > 2);
  assert.ok(names.includes("model.safetensors.index.json") && !names.includes("model.safetensors"));
  assert.is(readFileSync(at("pieces", "config.json"), "utf8"), config);
  assert.is(readFileSync(at("pieces", "notes.txt"), "utf8"), "kept");
  const loaded = await loadSam(at("pieces"));
  assert.is(loaded.namedWeights().size, sam.namedWeights().size);
  loaded.dispose();
});

test("convert to the original code's names and back loses nothing", async () => {
  result("original", 0);
  const {tensors} = await readWeights(at("original"));
  assert.ok(tensors.has("image_encoder.patch_embed.proj.weight"));
  assert.ok(!existsSync(at("original", "model.safetensors")));
  const loaded = await loadSam(at("original"));
  for (const [path, variable] of sam.namedWeights()) {
    assert.equal(await loaded.namedWeights().get(path)?.data(), await variable.data(), path);
  }
  loaded.dispose();
});

test("a CLIP fits its own folder, not another preset and not Segment Anything", () => {
  const verdict = json<Verdict>("clipFits", 0);
  assert.equal([verdict.ok, verdict.kind, verdict.parameters], [true, "clip", clipParameters]);
  const other = json<Verdict>("clipPreset", 3);
  assert.ok(other.missing.length > 20 && other.shape.length > 20);
  assert.match(result("clipAsSam", 3).stderr, /expected names that begin with vision_encoder\./);
});

test("a CLIP is written with open_clip's names in half the bytes, and its folder loads", async () => {
  assert.match(result("clipConvert", 0).stdout, new RegExp(`BF16: .* ${clipParameters} parameters`));
  const verdict = json<Verdict>("clipConverted", 0);
  assert.equal([verdict.ok, verdict.kind, verdict.parameters], [true, "clip", clipParameters]);
  const {tensors} = await readWeights(at("open"));
  assert.ok(tensors.has("visual.conv1.weight") && tensors.has("transformer.resblocks.0.attn.in_proj_weight"));
  const loaded = await loadClip(at("open"));
  assert.is(loaded.countParameters(), clipParameters);
  assert.equal(loaded.tokenizer?.encode("optic disc").ids, clip.tokenizer?.encode("optic disc").ids);
  loaded.dispose();
});

test("sizes of files are read as people write them", () => {
  assert.equal(["5GB", "1.5 mb", "100", "2GiB", "3kB"].map(byteSize), [5e9, 1.5e6, 100, 2 ** 31, 3000]);
  for (const text of ["", "GB", "-1", "0", "5 bananas", "1e9"]) {
    assert.throws(() => byteSize(text), /expected bytes such as 5GB/, text);
  }
});

test.run();

import {cpSync, existsSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {DataError, WeightError} from "@claps/core";
import {startTestEngine} from "@claps/layers/testing";
import {readSafetensors, writeSafetensors} from "@claps/weights";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {temporaryFolder} from "../tiny-dataset.twin.js";
import {checkPack} from "./check-pack.js";

await startTestEngine();
const fixtures = fileURLToPath(new URL("../../../clip/fixtures/", import.meta.url));

function copy(pack: string): string {
  const folder = temporaryFolder();
  cpSync(join(fixtures, pack), folder, {recursive: true});
  return folder;
}

/** Changes one number of a file by as much as the tolerances of parity cannot pass over. */
async function changeNumber(path: string, name: string): Promise<void> {
  const {tensors, metadata} = await readSafetensors(path);
  const tensor = tensors.get(name);
  if (!(tensor?.data instanceof Float32Array)) throw new Error("the fixture has another form");
  tensor.data[0] = (tensor.data[0] ?? 0) + 0.01;
  await writeSafetensors(path, tensors, metadata);
}

const PACKS = [
  ["clip-quickgelu", "clip", ["basic", "interpolated", "old-eos", "padded"]],
  ["clip-gelu", "clip", ["basic"]],
  ["openclip-native", "open_clip", ["basic"]],
  ["openclip-hf-text-cls", "open_clip", ["basic"]],
  ["openclip-hf-text-mean", "open_clip", ["basic"]],
  ["openclip-hf-text-cls-bert-pooler", "open_clip", ["basic"]],
] as const;

for (const [pack, kind, cases] of PACKS) {
  test(`${pack}: parameters, every output and every gradient within tolerance`, async () => {
    const report = await checkPack(join(fixtures, pack));
    assert.is(report.kind, kind);
    assert.is(report.parameters?.ours, report.parameters?.expected);
    assert.equal(
      report.cases.map(({name}) => name),
      [...cases],
    );
    assert.equal(
      report.cases.flatMap(({entries}) => entries.filter(({ok}) => !ok)),
      [],
    );
    const gradients = report.cases[0]?.entries.filter((entry) => entry.kind === "gradient") ?? [];
    assert.ok(gradients.length > 50, `${gradients.length} gradients`);
    assert.ok(gradients.some(({name}) => name.startsWith("input.")));
    assert.ok(report.ok);
  });
}

test("a pack with one wrong number in an output or a gradient is refused, and named", async () => {
  for (const [pack, file, name] of [
    ["clip-quickgelu", "case-basic", "output.vision_hidden.1"],
    ["clip-quickgelu", "case-basic", "grad.vision_model.encoder.layers.1.mlp.fc1.weight"],
    ["clip-quickgelu", "case-basic", "grad.input.pixel_values"],
    ["clip-quickgelu", "case-padded", "output.text_pooled"],
    ["openclip-native", "case-basic", "grad.transformer.resblocks.0.attn.in_proj_weight"],
  ] as const) {
    const folder = copy(pack);
    await changeNumber(join(folder, `${file}.safetensors`), name);
    const report = await checkPack(folder);
    assert.is(report.ok, false);
    assert.equal(
      report.cases.flatMap(({entries}) => entries.filter(({ok}) => !ok).map((entry) => entry.name)),
      [name.replace(/^(output|grad)\./, "")],
    );
  }
});

test("an output that we do not have, a wrong weight, a missing weight or input: never passed over", async () => {
  const unknown = copy("clip-gelu");
  const path = join(unknown, "case-basic.safetensors");
  const {tensors, metadata} = await readSafetensors(path);
  const loss = tensors.get("output.loss");
  assert.ok(loss);
  await writeSafetensors(path, new Map([...tensors, ["output.entropy", loss]]), metadata);
  assert.is((await checkPack(unknown)).ok, false);

  const wrong = copy("clip-gelu");
  await changeNumber(join(wrong, "model.safetensors"), "vision_model.pre_layrnorm.bias");
  assert.is((await checkPack(wrong)).ok, false);

  const missing = copy("clip-gelu");
  const weights = await readSafetensors(join(missing, "model.safetensors"));
  weights.tensors.delete("visual_projection.weight");
  await writeSafetensors(join(missing, "model.safetensors"), weights.tensors, weights.metadata);
  const error = await checkPack(missing).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof WeightError && /visual_projection\.weight/.test(error.message));

  const blind = copy("clip-gelu");
  const numbers = await readSafetensors(join(blind, "case-basic.safetensors"));
  numbers.tensors.delete("input.pixel_values");
  await writeSafetensors(join(blind, "case-basic.safetensors"), numbers.tensors, numbers.metadata);
  const refusal = await checkPack(blind).catch((thrown: unknown) => thrown);
  assert.ok(refusal instanceof DataError && /pixel_values or image/.test(refusal.message));
});

test("another architecture is refused by its name", async () => {
  const folder = copy("clip-gelu");
  rmSync(join(folder, "config.json"));
  writeFileSync(join(folder, "config.json"), JSON.stringify({architectures: ["SiglipModel"]}));
  const report = await checkPack(folder);
  assert.is(report.ok, false);
  assert.match(report.refused[0]?.reason ?? "", /"SiglipModel" is not part of this version/);
});

for (const [name] of PACKS) {
  const pack = fileURLToPath(new URL(`../../../../../shared/reference/models/${name}`, import.meta.url));
  if (!existsSync(pack)) {
    console.log(`skipped: the reference pack ${name} is not on this machine`);
    continue;
  }
  test(`every case of the whole pack ${name}`, async () => {
    const report = await checkPack(pack);
    assert.equal(
      report.cases.flatMap((checked) => checked.entries.filter(({ok}) => !ok)),
      [],
    );
    assert.ok(report.ok);
  });
}

test.run();

import {existsSync} from "node:fs";
import {mkdtemp, readFile, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {DataError} from "@claps/core";
import {gridSample} from "@claps/layers";
import {startTestEngine} from "@claps/layers/testing";
import {readSafetensors, writeSafetensors} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {checkPack} from "./check-pack.js";
import {checkOperatorPack} from "./operators.js";
import type {ParityReport} from "./report.js";

const test = suite("parity of operators");
const fixtures = fileURLToPath(new URL("../../../layers/fixtures/", import.meta.url));
/** The whole packs lie beside the checkout, where somebody has them. */
const packs = fileURLToPath(new URL("../../../../../shared/reference/models/", import.meta.url));
const PACKS = ["deformable-attention", "grid-sample", "interpolate", "primitives", "lora"];
let root = "";

test.before(async () => {
  await startTestEngine();
  root = await mkdtemp(join(tmpdir(), "claps-operators-"));
});

test.after(() => rm(root, {recursive: true, force: true}));

function bad(report: ParityReport): string[] {
  return report.cases.flatMap(({name, entries}) =>
    entries.filter(({ok}) => !ok).map((entry) => `${name} ${entry.kind} ${entry.name}`),
  );
}

interface Change {
  /** Tensor to change the first number of, and by how much. */
  tensor?: string;
  by?: number;
  /** Tensor to leave out. */
  drop?: string;
  /** Numbers put in place of others. */
  replace?: Record<string, {shape: number[]; data: Float32Array}>;
  /** Options put beside or in place of those of the case. */
  options?: Record<string, unknown>;
}

/** A pack of one case, with its options and numbers changed. */
async function changedPack(source: string, name: string, change: Change): Promise<string> {
  const folder = await mkdtemp(join(root, "pack-"));
  const from = join(fixtures, source, `case-${name}`);
  const to = join(folder, `case-${name}`);
  const description = JSON.parse(await readFile(`${from}.json`, "utf8")) as {options: object};
  const options = {...description.options, ...change.options};
  await writeFile(`${to}.json`, JSON.stringify({...description, options}));
  const {tensors} = await readSafetensors(`${from}.safetensors`);
  if (change.tensor !== undefined) (tensors.get(change.tensor)!.data as Float32Array)[0]! += change.by ?? 0;
  if (change.drop !== undefined) tensors.delete(change.drop);
  for (const [key, {shape, data}] of Object.entries(change.replace ?? {})) {
    tensors.set(key, {dtype: "F32", shape, data});
  }
  await writeSafetensors(`${to}.safetensors`, tensors);
  return folder;
}

test("every case of every pack agrees, values and gradients; the kind is read from the pack", async () => {
  const counts: Record<string, number> = {};
  for (const pack of PACKS) {
    const report = await checkPack(join(fixtures, pack));
    assert.is(report.kind, "operators");
    assert.equal(bad(report), [], pack);
    assert.equal(report.refused, []);
    assert.ok(report.ok);
    counts[pack] = report.cases.reduce((sum, {entries}) => sum + entries.length, 0);
  }
  assert.equal(counts, {
    "deformable-attention": 6,
    "grid-sample": 12,
    interpolate: 24,
    primitives: 32,
    lora: 12,
  });
});

test("one wrong number is found, in an output or a gradient of every kind", async () => {
  for (const [pack, name, tensor] of [
    ["deformable-attention", "one-level", "output.output"],
    ["deformable-attention", "one-level", "grad.input.sampling_locations"],
    ["grid-sample", "bilinear-zeros-ac0", "grad.input.grid"],
    ["interpolate", "bicubic-down-ac0-aa1", "grad.input.input"],
    ["primitives", "group-norm", "grad.input.weight"],
    ["primitives", "conv2d-stride2", "output.output"],
    ["lora", "fused-qkv", "output.merged_weight"],
    ["lora", "fused-qkv", "grad.input.B_v"],
  ] as const) {
    const report = await checkOperatorPack(await changedPack(pack, name, {tensor, by: 0.01}));
    const kind = tensor.startsWith("grad.") ? "gradient" : "output";
    assert.equal(bad(report), [`${name} ${kind} ${tensor.replace(/^(grad|output)\./, "")}`]);
    assert.not(report.ok);
  }
});

test("another option than the numbers were made with is found", async () => {
  for (const [pack, name, options] of [
    ["grid-sample", "bilinear-zeros-ac0", {align_corners: true}],
    ["grid-sample", "bilinear-zeros-ac0", {padding_mode: "border"}],
    ["grid-sample", "bilinear-zeros-ac0", {mode: "nearest"}],
    ["interpolate", "bicubic-down-ac0-aa1", {antialias: false}],
    ["interpolate", "nearest-down", {mode: "nearest-exact"}],
    ["primitives", "activation-gelu", {function: "gelu_tanh"}],
    ["primitives", "group-norm", {num_groups: 16}],
    ["lora", "fused-qkv", {alpha: 4}],
  ] as const) {
    const report = await checkOperatorPack(await changedPack(pack, name, {options}));
    assert.ok(bad(report).length > 0, `${name} ${JSON.stringify(options)}`);
  }
});

test("what is not part of this version is refused by name", async () => {
  for (const [pack, name, options, reason] of [
    ["grid-sample", "one-pixel", {op: "grid-scatter"}, /^unknown operation "grid-scatter"$/],
    ["grid-sample", "one-pixel", {mode: "bicubic"}, /^grid-sample: mode "bicubic" is not part/],
    ["grid-sample", "one-pixel", {padding_mode: "wrap"}, /^grid-sample: padding_mode "wrap" is not part/],
    ["interpolate", "nearest-up", {mode: "trilinear"}, /^interpolate: mode "trilinear" is not part/],
    ["interpolate", "nearest-up", {size: null}, /expected size or scale_factor/],
    ["primitives", "activation-gelu", {function: "mish"}, /^activation: function "mish" is not part/],
    ["primitives", "conv2d-stride2", {padding_mode: "reflect"}, /padding_mode "reflect" is not part/],
    ["primitives", "conv2d-stride2", {stride: "two"}, /expected a number or two as stride, got "two"/],
  ] as const) {
    const report = await checkOperatorPack(await changedPack(pack, name, {options}));
    assert.equal(report.cases, []);
    assert.not(report.ok);
    assert.is(report.refused[0]?.name, name);
    assert.match(report.refused[0]?.reason ?? "", reason);
  }
});

test("the kind is read from any case that is known, the others are refused", async () => {
  const folder = await changedPack("grid-sample", "one-pixel", {});
  const unknown = {options: {op: "affine-grid"}, tolerance: 1e-4};
  await writeFile(join(folder, "case-affine.json"), JSON.stringify(unknown));
  await writeSafetensors(join(folder, "case-affine.safetensors"), new Map());
  const report = await checkPack(folder);
  assert.equal(report.refused, [{name: "affine", reason: `unknown operation "affine-grid"`}]);
  assert.equal(
    report.cases.map(({name}) => name),
    ["one-pixel"],
  );
});

test("a pack without an input that the operator needs is an error that names it", async () => {
  for (const [pack, name, drop, words] of [
    ["grid-sample", "one-pixel", "input.grid", /expected an input "grid"/],
    ["deformable-attention", "edges", "input.spatial_shapes", /expected an input "spatial_shapes"/],
    ["lora", "fused-qkv", "input.B_q", /expected an input "B_q"/],
  ] as const) {
    const error = await checkOperatorPack(await changedPack(pack, name, {drop})).catch(
      (thrown: unknown) => thrown,
    );
    assert.instance(error, DataError);
    assert.match((error as Error).message, words);
  }
});

test("options beyond those of the packs reach the operators", async () => {
  // By hand: kernel of ones 1 x 3 with dilation 2 over 1 2 3 4 5, padded by 2: sums of every other number.
  const line = (data: number[]): {shape: number[]; data: Float32Array} => ({
    shape: [1, 1, 1, data.length],
    data: Float32Array.from(data),
  });
  const dilated = await changedPack("primitives", "conv2d-stride2", {
    options: {stride: [1, 1], padding: "same", dilation: [1, 2], gradients_of_inputs: []},
    replace: {
      "input.input": line([1, 2, 3, 4, 5]),
      "input.weight": line([1, 1, 1]),
      "input.bias": {shape: [1], data: Float32Array.of(0)},
      "input.cotangent": line([1, 1, 1, 1, 1]),
      "output.output": line([4, 6, 9, 6, 8]),
      "output.loss": {shape: [], data: Float32Array.of(33)},
    },
  });
  assert.equal(
    bad(await checkOperatorPack(dilated)).filter((entry) => entry.includes("output")),
    [],
  );
  // 1 2 4 by a factor of 1.5 nearest: places 0, 2/3, 4/3, 2.
  const scaled = await changedPack("interpolate", "nearest-up", {
    options: {size: null, scale_factor: [1, 1.5], gradients_of_inputs: []},
    replace: {
      "input.input": line([1, 2, 4]),
      "input.cotangent": line([1, 1, 1, 1]),
      "output.output": line([1, 1, 2, 4]),
      "output.loss": {shape: [], data: Float32Array.of(8)},
    },
  });
  assert.equal(
    bad(await checkOperatorPack(scaled)).filter((entry) => entry.includes("output")),
    [],
  );
});

test("the reference gradient of repeated cells, at a size where a lost update would show", async () => {
  // Every point at the centre of one pixel: its gradient is the sum of all cotangents.
  const count = 4096;
  const ones = new Float32Array(count).fill(1);
  const report = await checkOperatorPack(
    await changedPack("grid-sample", "one-pixel", {
      options: {gradients_of_inputs: ["input"]},
      drop: "grad.input.grid",
      replace: {
        "input.input": {shape: [1, 1, 1, 1], data: Float32Array.of(2)},
        "input.grid": {shape: [1, 64, 64, 2], data: new Float32Array(2 * count)},
        "input.cotangent": {shape: [1, 1, 64, 64], data: ones},
        "output.output": {shape: [1, 1, 64, 64], data: ones.map(() => 2)},
        "output.loss": {shape: [], data: Float32Array.of(2 * count)},
        "grad.input.input": {shape: [1, 1, 1, 1], data: Float32Array.of(count)},
      },
    }),
  );
  assert.equal(
    report.cases[0]?.entries.map(({name, difference}) => [name, difference]),
    [
      ["loss", 0],
      ["output", 0],
      ["input.input", 0],
    ],
  );
});

test("the numbers of a pack are those that users get from the public operation", async () => {
  const {tensors} = await readSafetensors(join(fixtures, "grid-sample", "case-one-pixel.safetensors"));
  const read = (name: string): tf.Tensor => {
    const {data, shape} = tensors.get(name)!;
    return tf.tensor(data as Float32Array, [...shape]);
  };
  const result = gridSample(tf.transpose(read("input.input"), [0, 2, 3, 1]), read("input.grid"));
  const wanted = tf.transpose(read("output.output"), [0, 2, 3, 1]);
  assert.ok(tf.max(tf.abs(tf.sub(result, wanted))).dataSync()[0]! < 1e-6);
});

if (existsSync(packs)) {
  test("the whole packs", async () => {
    for (const pack of PACKS) {
      const report = await checkPack(join(packs, pack));
      assert.equal(bad(report), [], pack);
      assert.equal(report.refused, []);
      assert.ok(report.ok);
    }
  });
}

test.run();

import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {WeightError, countTensors, startEngine} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import type {WeightHolder} from "./assign.js";
import {compareWeights} from "./compare-weights.js";
import {lazyWeights} from "./export.js";
import {convertTensors} from "./lazy-tensor.js";
import type {LazyTensor} from "./lazy-tensor.js";
import {loadWeights} from "./load-weights.js";
import {openWeights} from "./open-weights.js";
import {defineRules, ownRules} from "./rules.js";
import {readSafetensors, writeSafetensors} from "./safetensors-file.js";
import {storedFloat32} from "./stored-tensor.js";
import type {StoredTensor} from "./stored-tensor.js";
import {writeShardedSafetensors} from "./write-sharded.js";

await startEngine({engine: "cpu"});

const test = suite("tensor by tensor");
let folder = "";

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "claps-load-"));
});
test.after.each(() => rmSync(folder, {recursive: true, force: true}));

function model(): WeightHolder {
  const shapes: Record<string, number[]> = {"fc.weight": [3, 2], "fc.bias": [2], scale: []};
  const named = new Map(Object.entries(shapes).map(([path, shape]) => [path, tf.variable(tf.zeros(shape))]));
  return {namedWeights: () => named};
}

const rules = defineRules([
  {from: "head.weight", to: "fc.weight", layout: "linear"},
  {from: "head.bias", to: "fc.bias", layout: "asIs"},
  {from: "logit_scale", to: "scale", layout: "asIs"},
]);

function published(): Map<string, StoredTensor> {
  return new Map<string, StoredTensor>([
    ["head.weight", storedFloat32([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))],
    ["head.bias", {dtype: "F16", shape: [2], data: Uint16Array.of(0x3c00, 0xc000)}],
    ["logit_scale", storedFloat32([], Float32Array.of(2.5))],
  ]);
}

/** The same tensors, with a diary of what is read. */
function watched(tensors: ReadonlyMap<string, StoredTensor>): {
  lazy: Map<string, LazyTensor>;
  diary: string[];
} {
  const diary: string[] = [];
  const lazy = new Map(
    [...tensors].map(([name, tensor]): [string, LazyTensor] => [
      name,
      {
        dtype: tensor.dtype,
        shape: tensor.shape,
        read: () => {
          diary.push(name);
          return Promise.resolve(tensor);
        },
      },
    ]),
  );
  return {lazy, diary};
}

function values(target: WeightHolder, path: string): number[] {
  return [...(target.namedWeights().get(path)?.dataSync() ?? [])];
}

async function refusal(
  target: WeightHolder,
  ...rest: Parameters<typeof loadWeights> extends [unknown, ...infer Rest] ? Rest : never
): Promise<WeightError> {
  try {
    await loadWeights(target, ...rest);
  } catch (error) {
    assert.instance(error, WeightError);
    for (const path of target.namedWeights().keys()) {
      assert.ok(
        values(target, path).every((value) => value === 0),
        `${path} was changed by a refused load`,
      );
    }
    return error as WeightError;
  }
  throw new Error("expected a refusal");
}

test("a file, its shards and their folder fill a model as tensors in memory do", async () => {
  await writeSafetensors(join(folder, "one.safetensors"), published());
  await writeShardedSafetensors(join(folder, "many"), published(), {maxShardBytes: 8});
  for (const path of ["one.safetensors", "many", "many/model.safetensors.index.json"]) {
    const target = model();
    const {result: report, leaked} = await countTensors(() => loadWeights(target, join(folder, path), rules));
    assert.is(leaked, 0);
    assert.is(report.parameters, 9);
    assert.equal(report.assigned.map(({name}) => name).sort(), ["head.bias", "head.weight", "logit_scale"]);
    assert.equal(values(target, "fc.weight"), [1, 4, 2, 5, 3, 6]);
    assert.equal(values(target, "fc.bias"), [1, -2]);
    assert.equal(values(target, "scale"), [2.5]);
  }
});

test("rules may be chosen by the names in the file, and progress counts both passes", async () => {
  const path = join(folder, "w.safetensors");
  await writeSafetensors(path, published());
  const seen: string[] = [];
  const report = await loadWeights(
    model(),
    path,
    (names) => {
      assert.equal([...names].sort(), ["head.bias", "head.weight", "logit_scale"]);
      return rules;
    },
    {onTensor: (done, total) => seen.push(`${done}/${total}`)},
  );
  assert.is(report.parameters, 9);
  assert.equal(seen, ["1/6", "2/6", "3/6", "4/6", "5/6", "6/6"]);
});

test("names and shapes are settled before any number is read", async () => {
  const tensors = published();
  tensors.set("logit_scale", storedFloat32([1], Float32Array.of(2.5)));
  const {lazy, diary} = watched(tensors);
  const error = await refusal(model(), lazy, rules);
  assert.is(error.code, "weights-mismatch");
  assert.match(error.message, "0 missing, 0 unexpected, 1 of another shape");
  assert.equal(diary, []);
});

test("every tensor is read once to be looked at and once to be used, one at a time", async () => {
  const {lazy, diary} = watched(published());
  await loadWeights(model(), lazy, rules);
  const names = ["head.weight", "head.bias", "logit_scale"];
  assert.equal(diary, [...names, ...names]);
});

test("NaN in the last shard leaves the model as it was", async () => {
  const tensors = published();
  tensors.set("logit_scale", storedFloat32([], Float32Array.of(NaN)));
  await writeShardedSafetensors(folder, tensors, {maxShardBytes: 1});
  const error = await refusal(model(), folder, rules);
  assert.is(error.code, "weights-not-finite");
  assert.match(error.message, '"logit_scale": expected finite numbers, got NaN at position 0');
});

test("half floats are looked at as they lie in the file", async () => {
  const tensors = published();
  tensors.set("head.bias", {dtype: "F16", shape: [2], data: Uint16Array.of(0x7bff, 0xfc00)});
  assert.match(
    (await refusal(model(), tensors, rules)).message,
    '"head.bias": expected finite numbers, got -Infinity at position 1',
  );
});

test("a file that is not there or cut off is refused, and exceptions work as for tensors in memory", async () => {
  assert.is((await refusal(model(), join(folder, "none"), rules)).code, "file-ENOENT");
  writeFileSync(join(folder, "cut.safetensors"), new Uint8Array(9));
  assert.is((await refusal(model(), join(folder, "cut.safetensors"), rules)).code, "header-start");
  const tensors = published();
  tensors.delete("head.bias");
  tensors.set("extra", storedFloat32([1], Float32Array.of(NaN)));
  const report = await loadWeights(model(), tensors, rules, {allowMissing: /bias/, allowUnused: /extra/});
  assert.equal([report.missing, report.unused, report.parameters], [["fc.bias"], ["extra"], 7]);
});

test("a comparison lists everything that differs and looks at no number", () => {
  const {lazy, diary} = watched(published());
  lazy.delete("head.bias");
  const shapes = new Map<string, {shape: number[]}>([
    ["fc.weight", {shape: [2, 3]}],
    ["fc.bias", {shape: [2]}],
  ]);
  const {mismatches, routes} = compareWeights(shapes, lazy, rules);
  assert.equal(mismatches, [
    {kind: "shape", name: "head.weight", expected: [3, 2], got: [2, 3]},
    {kind: "unexpected", name: "logit_scale", got: []},
    {kind: "missing", name: "head.bias", expected: [2]},
  ]);
  assert.equal([routes, diary], [[], []]);
});

test("a model is written tensor by tensor, in another type if asked", async () => {
  const source = model();
  await loadWeights(source, published(), rules);
  const lazy = lazyWeights(source, rules);
  assert.equal(
    [...lazy].map(([name, {shape}]) => [name, shape]),
    [
      ["head.weight", [2, 3]],
      ["head.bias", [2]],
      ["logit_scale", []],
    ],
  );
  const path = join(folder, "half.safetensors");
  const told: string[] = [];
  await writeSafetensors(path, convertTensors(lazy, "BF16"), {}, {onTensor: (name) => told.push(name)});
  assert.equal(told, ["head.bias", "head.weight", "logit_scale"]);
  const {tensors} = await readSafetensors(path);
  // bfloat16 of 1 to 6: the upper halves of 0x3f800000, 0x40000000, 0x40400000, 0x40800000, ...
  assert.equal(
    [...(tensors.get("head.weight")?.data ?? [])],
    [0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0],
  );
  const target = model();
  await loadWeights(target, path, rules);
  for (const name of source.namedWeights().keys()) assert.equal(values(target, name), values(source, name));
});

test("a lazy weight is the weight as it is when it is read; a path without a name is refused", async () => {
  const source = model();
  const lazy = lazyWeights(source, ownRules);
  source.namedWeights().get("scale")?.assign(tf.scalar(7));
  assert.equal([...((await lazy.get("scale")?.read())?.data ?? [])], [7]);
  assert.throws(() => lazyWeights(source, defineRules([])), /"fc\.weight" has no published name/);
});

test("whole numbers stay whole and a refused conversion names the tensor", async () => {
  const ids: StoredTensor = {dtype: "I64", shape: [1], data: BigInt64Array.of(3n)};
  const large = storedFloat32([1], Float32Array.of(1e6));
  const path = join(folder, "w.safetensors");
  await writeSafetensors(
    path,
    new Map([
      ["ids", ids],
      ["large", large],
    ]),
  );
  const file = await openWeights(path);
  const half = convertTensors(file.tensors, "F16");
  assert.is(half.get("ids")?.dtype, "I64");
  assert.is(half.get("large")?.dtype, "F16");
  const written = writeSafetensors(join(folder, "half.safetensors"), half);
  const error = await written.then(
    () => undefined,
    (thrown: unknown) => thrown as WeightError,
  );
  assert.is(error?.code, "float-overflow");
  assert.match(error?.message ?? "", '"large"');
  await file.close();
});

test.run();

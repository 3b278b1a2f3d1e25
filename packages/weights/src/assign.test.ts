import {WeightError, countTensors, startEngine} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";

import {test} from "uvu";
import * as assert from "uvu/assert";
import {assignWeights} from "./assign.js";
import type {WeightHolder} from "./assign.js";
import type {AssignOptions} from "./compare-weights.js";
import {collectWeights, restoreWeights} from "./checkpoint-weights.js";
import {exportWeights} from "./export.js";
import {stripPrefix} from "./mismatch.js";
import {defineRules} from "./rules.js";
import {encodeSafetensors, parseSafetensors} from "./safetensors.js";
import {storedFloat32} from "./stored-tensor.js";
import type {StoredTensor} from "./stored-tensor.js";

await startEngine({engine: "cpu"});

function holder(shapes: Record<string, number[]>): WeightHolder {
  const named = new Map(Object.entries(shapes).map(([path, shape]) => [path, tf.variable(tf.zeros(shape))]));
  return {namedWeights: () => named};
}

function model(): WeightHolder {
  return holder({
    "fc.weight": [3, 2],
    "fc.bias": [2],
    "attn.q.bias": [1],
    "attn.k.bias": [1],
    "attn.v.bias": [1],
  });
}

const rules = defineRules(
  [
    {from: "head.weight", to: "fc.weight", layout: "linear"},
    {from: "head.bias", to: "fc.bias", layout: "asIs"},
    {from: "attn.in_proj_bias", to: "attn.{qkv}.bias", layout: "splitQkv"},
  ],
  {ignore: ["position_ids"]},
);

function published(): Map<string, StoredTensor> {
  return new Map<string, StoredTensor>([
    ["head.weight", storedFloat32([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))],
    ["head.bias", {dtype: "F16", shape: [2], data: Uint16Array.of(0x3c00, 0xc000)}],
    ["attn.in_proj_bias", storedFloat32([3], Float32Array.of(7, 8, 9))],
    ["position_ids", {dtype: "I64", shape: [1, 2], data: BigInt64Array.of(0n, 1n)}],
  ]);
}

function values(target: WeightHolder, path: string): number[] {
  return [...(target.namedWeights().get(path)?.dataSync() ?? [])];
}

function refusal(tensors: Map<string, StoredTensor>, options?: AssignOptions): WeightError {
  const target = model();
  try {
    assignWeights(target, tensors, rules, options);
  } catch (error) {
    assert.instance(error, WeightError);
    for (const path of target.namedWeights().keys()) {
      assert.ok(
        values(target, path).every((value) => value === 0),
        `${path} was changed by a refused assignment`,
      );
    }
    return error as WeightError;
  }
  throw new Error("expected a refusal");
}

test("fills a model and reports the count", async () => {
  const target = model();
  const {result: report, leaked} = await countTensors(() => assignWeights(target, published(), rules));
  assert.is(leaked, 0);
  assert.is(report.parameters, 11);
  assert.is(report.assigned.length, 5);
  assert.equal(report.unused, ["position_ids"]);
  assert.equal(values(target, "fc.weight"), [1, 4, 2, 5, 3, 6]);
  assert.equal(values(target, "fc.bias"), [1, -2]);
  assert.equal(
    ["q", "k", "v"].map((part) => values(target, `attn.${part}.bias`)),
    [[7], [8], [9]],
  );
});

test("exports what it was filled with", async () => {
  const target = model();
  assignWeights(target, published(), rules);
  const exported = await exportWeights(target, rules);
  assert.equal([...exported.keys()], ["head.weight", "head.bias", "attn.in_proj_bias"]);
  assert.equal(exported.get("head.weight"), published().get("head.weight"));
  assert.equal([...(exported.get("attn.in_proj_bias")?.data ?? [])], [7, 8, 9]);
});

test("a checkpoint restores bit by bit", async () => {
  const source = model();
  assignWeights(source, published(), rules);
  const bytes = encodeSafetensors(await collectWeights(source));
  const target = model();
  const report = restoreWeights(target, parseSafetensors(bytes).tensors);
  assert.is(report.parameters, 11);
  for (const path of source.namedWeights().keys()) assert.equal(values(target, path), values(source, path));
});

test("names what is missing, left over and of another shape, with the nearest name", () => {
  const tensors = published();
  tensors.delete("head.bias");
  tensors.set("head.biass", storedFloat32([2], new Float32Array(2)));
  tensors.set("head.weight", storedFloat32([3, 2], new Float32Array(6)));
  const error = refusal(tensors);
  assert.is(error.code, "weights-mismatch");
  assert.match(error.message, "1 missing, 1 unexpected, 1 of another shape");
  assert.match(error.message, /head\.bias +\[2\] +perhaps head\.biass/);
  assert.match(error.message, /head\.biass +\[2\]/);
  assert.match(error.message, /head\.weight +\[2, 3\] +\[3, 2\] +transposed\?/);
});

test("advises how to remove a prefix, and the advice works", () => {
  const prefixed = new Map([...published()].map(([name, tensor]) => [`module.${name}`, tensor]));
  prefixed.delete("module.position_ids");
  assert.match(refusal(prefixed).message, 'stripPrefix(tensors, "module.")');
  assert.is(assignWeights(model(), stripPrefix(prefixed, "module."), rules).parameters, 11);
});

test("shows twenty rows of a kind and counts the rest", () => {
  const tensors = published();
  for (let index = 0; index < 25; index++)
    tensors.set(`extra.${index}`, storedFloat32([1], new Float32Array(1)));
  assert.match(refusal(tensors).message, "and 5 more");
});

test("refuses numbers that are not finite", () => {
  const tensors = published();
  tensors.set("head.bias", storedFloat32([2], Float32Array.of(0, NaN)));
  const error = refusal(tensors);
  assert.is(error.code, "weights-not-finite");
  assert.match(error.message, '"head.bias": expected finite numbers, got NaN at position 1');
});

test("allows exactly the exceptions it is told", () => {
  const tensors = published();
  tensors.delete("head.bias");
  tensors.set("extra", storedFloat32([1], new Float32Array(1)));
  const report = assignWeights(model(), tensors, rules, {allowMissing: /^fc\.bias$/, allowUnused: /^extra$/});
  assert.equal(report.missing, ["fc.bias"]);
  assert.equal(report.unused, ["position_ids", "extra"]);
  assert.match(refusal(tensors, {allowUnused: /^extra$/}).message, "1 missing, 0 unexpected");
});

test("refuses two names for one path, and a rule of another rank", () => {
  const double = defineRules([
    {from: "a", to: "w", layout: "asIs"},
    {from: "b", to: "w", layout: "asIs"},
  ]);
  const one = storedFloat32([1], new Float32Array(1));
  const tensors = new Map([
    ["a", one],
    ["b", one],
  ]);
  assert.throws(() => assignWeights(holder({w: [1]}), tensors, double), /lead to "w", the second is "b"/);
  const wrong = defineRules([{from: "a", to: "w", layout: "conv2d"}]);
  assert.throws(
    () => assignWeights(holder({w: [1]}), new Map([["a", one]]), wrong),
    /for "a", leading to "w", does not fit/,
  );
});

test.run();

import {getKernelsForBackend} from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {Numbers, plain, runCompiled, runEager, sameAsPlain} from "./cpu-oracle.twin.js";
import {fused} from "./fused.js";
import {lowerings} from "./index.js";

test("running sums and products: exclusive, reversed, along any axis", async () => {
  const numbers = new Numbers(80);
  for (const kernel of ["Cumsum", "Cumprod"]) {
    for (const exclusive of [false, true]) {
      for (const reverse of [false, true]) {
        for (const dtype of ["float32", "int32"] as const) {
          const x = numbers.tensor([3, 5, 2], dtype, -2, 3);
          for (const axis of [0, 1, 2]) await sameAsPlain(kernel, {x}, {axis, exclusive, reverse});
        }
      }
    }
    await sameAsPlain(kernel, {x: plain([7])}, {axis: 0, exclusive: true, reverse: false});
    await sameAsPlain(kernel, {x: plain([1, 0, 1], "bool")}, {axis: 0, exclusive: false, reverse: false});
  }
});

test("softmax", async () => {
  const numbers = new Numbers(81);
  for (let rank = 1; rank <= 5; rank++) {
    await sameAsPlain(
      "Softmax",
      {logits: numbers.tensor(numbers.shape(rank), "float32", -9, 9)},
      {dim: rank - 1},
    );
  }
  const rows = [1, NaN, 2, -Infinity, 0, 1, -Infinity, -Infinity, -Infinity, 1e4, -1e4, 0];
  await sameAsPlain("Softmax", {logits: plain(rows, "float32", [4, 3])}, {dim: -1});
  const [logarithms] = await runEager("LogSoftmax", {logits: plain([0, 0])}, {axis: -1});
  logarithms?.values.forEach((value) => assert.ok(Math.abs(value + Math.LN2) < 1e-6));
});

test("batch normalisation with statistics of a row or of the full shape", async () => {
  const numbers = new Numbers(82);
  const shape = [2, 3, 4, 5];
  for (const statistics of [[5], shape]) {
    const variance = numbers.tensor(statistics, "float32", 0.1, 2);
    const inputs = {x: numbers.tensor(shape), mean: numbers.tensor(statistics), variance};
    await sameAsPlain("FusedBatchNorm", inputs, {varianceEpsilon: 0.01});
    await sameAsPlain(
      "FusedBatchNorm",
      {...inputs, offset: numbers.tensor(statistics), scale: numbers.tensor(statistics)},
      {varianceEpsilon: 0.001},
    );
  }
});

test("tensors made of attributes alone", async () => {
  for (const dtype of ["float32", "int32", "bool"]) {
    await sameAsPlain("Fill", {}, {shape: [2, 3], value: 1, dtype});
    await sameAsPlain("Fill", {}, {shape: [], value: 1, dtype});
  }
  await sameAsPlain("Range", {}, {start: 1, stop: 7, step: 2, dtype: "int32"});
  await sameAsPlain("Range", {}, {start: 5, stop: 0, step: 1, dtype: "float32"});
  await sameAsPlain("Range", {}, {start: 5, stop: 0, step: -2, dtype: "float32"});
  await sameAsPlain("LinSpace", {}, {start: 0, stop: 1, num: 7});
  const numbers = new Numbers(83);
  for (const dtype of ["float32", "int32", "bool"] as const) {
    for (const kernel of ["OnesLike", "ZerosLike"]) {
      await sameAsPlain(kernel, {x: numbers.tensor([2, 2], dtype)});
    }
  }
  const [ones] = await runCompiled("OnesLike", {x: plain([5, NaN])});
  assert.equal(ones?.values, [1, 1]);
});

test("every lowering has the name of a kernel that the plain backend or the op layer knows", () => {
  const known = new Set(getKernelsForBackend("cpu").map(({kernelName}) => kernelName));
  const strangers = [...lowerings.keys()].filter((name) => !known.has(name));
  const composed = ["BroadcastTo", "LogSoftmax", "LogicalXor"];
  // Those that callers ask for by name.
  assert.equal(strangers.sort(), [...composed, ...Object.keys(fused)].sort());
});

test.run();

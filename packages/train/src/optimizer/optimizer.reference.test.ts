import {readFile} from "node:fs/promises";
import {fileURLToPath} from "node:url";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import {readSafetensors, toFloat32} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {AdamW} from "./adamw.js";
import {clipByGlobalNorm} from "./clip-by-global-norm.js";
import {ExponentialMovingAverage} from "./exponential-moving-average.js";
import {warmupCosine} from "./schedules.js";

const test = suite("optimizer against PyTorch");
const folder = fileURLToPath(new URL("../../fixtures/optimizer/", import.meta.url));

test.before(async () => {
  await startTestEngine();
});

interface Options {
  lr: number;
  betas: [number, number];
  eps: number;
  weight_decay: number;
  decay: string[] & number;
  steps: number;
  max_norm: number;
  warmup_steps: number;
  total_steps: number;
}

async function readCase(name: string): Promise<{options: Options; tensor: (key: string) => tf.Tensor}> {
  const {tensors} = await readSafetensors(`${folder}case-${name}.safetensors`);
  const {options} = JSON.parse(await readFile(`${folder}case-${name}.json`, "utf8")) as {options: Options};
  const tensor = (key: string): tf.Tensor => {
    const stored = tensors.get(key);
    if (stored === undefined) throw new Error(`case ${name} has no ${key}`);
    return tf.tensor(toFloat32(stored), stored.shape);
  };
  return {options, tensor};
}

for (const name of ["adamw", "adamw-changing-lr"]) {
  test(name, async () => {
    const {options, tensor} = await readCase(name);
    const names = ["a", "b", "c"];
    const variables = new Map(names.map((key) => [key, tf.variable(tensor(`input.start.${key}`))]));
    const optimizer = new AdamW({
      betas: options.betas,
      epsilon: options.eps,
      weightDecay: options.weight_decay,
      decays: (key) => options.decay.includes(key),
    });
    optimizer.track(variables);
    const rates = name === "adamw" ? tf.fill([options.steps], options.lr) : tensor("input.lr");
    const steps = new Map(names.map((key) => [key, tf.unstack(tensor(`input.gradients.${key}`))]));
    const trajectories = new Map(names.map((key) => [key, tf.unstack(tensor(`output.trajectory.${key}`))]));
    for (let step = 0; step < options.steps; step++) {
      const gradients = new Map(names.map((key) => [key, steps.get(key)![step]!]));
      optimizer.apply(gradients, variables, tf.slice(rates, step, 1), tf.scalar(step + 1));
      for (const key of names) {
        expectClose(variables.get(key)!, trajectories.get(key)![step]!, 2e-6, `${key} after step ${step}`);
      }
    }
    for (const key of names) {
      expectClose(optimizer.state().get(`${key}.exp_avg`)!, tensor(`output.exp_avg.${key}`), 1e-6);
      expectClose(optimizer.state().get(`${key}.exp_avg_sq`)!, tensor(`output.exp_avg_sq.${key}`), 1e-6);
    }
  });
}

for (const name of ["clip-grad-norm-below", "clip-grad-norm-clipped"]) {
  test(name, async () => {
    const {options, tensor} = await readCase(name);
    const gradients = new Map(["a", "b", "c"].map((key) => [key, tensor(`input.${key}`)]));
    const clipped = clipByGlobalNorm(gradients, options.max_norm);
    expectClose(clipped.norm, tensor("output.total_norm"), 1e-6);
    for (const [key, gradient] of clipped.gradients)
      expectClose(gradient, tensor(`output.clipped.${key}`), 1e-6);
  });
}

test("cosine schedule, all 101 values", async () => {
  const {options, tensor} = await readCase("cosine-schedule");
  const {lr: rate, warmup_steps: warmupSteps, total_steps: totalSteps} = options;
  const schedule = warmupCosine({rate, warmupSteps, totalSteps});
  const expected = tensor("output.lr").dataSync();
  assert.is(expected.length, 101);
  expected.forEach((value, step) => assert.ok(Math.abs(schedule(step) - value) < 1e-9, `step ${step}`));
});

test("moving average", async () => {
  const {options, tensor} = await readCase("ema");
  const average = new ExponentialMovingAverage(options.decay);
  average.track(new Map([["w", tf.variable(tensor("input.start"))]]));
  const expected = tf.unstack(tensor("output.ema"));
  tf.unstack(tensor("input.weights")).forEach((weight, step) => {
    average.update(new Map([["w", weight]]));
    expectClose(average.state().get("w")!, expected[step]!, 1e-6);
  });
});

test.run();

import {ConfigError} from "@claps/core";
import type {Engine} from "@claps/core";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {AdamW} from "./adamw.js";
import {clipByGlobalNorm} from "./clip-by-global-norm.js";
import {decaysAsOpenClip, decaysByDefault} from "./decays-by-default.js";
import {ExponentialMovingAverage} from "./exponential-moving-average.js";
import {constantRate, warmupCosine} from "./schedules.js";

const test = suite("optimizer");
let engine: Engine;

test.before(async () => {
  engine = await startTestEngine();
});

function weights(values: Record<string, number[]>): Map<string, tf.Variable> {
  return new Map(Object.entries(values).map(([name, list]) => [name, tf.variable(tf.tensor1d(list))]));
}

function tensors(values: Record<string, number[]>): Map<string, tf.Tensor> {
  return new Map(Object.entries(values).map(([name, list]) => [name, tf.tensor1d(list)]));
}

function bytes(tensor: tf.Tensor): number[] {
  return [...new Uint8Array(tensor.dataSync<"float32">().slice().buffer)];
}

const always = (): boolean => true;

test("AdamW: the first step by hand", () => {
  const variables = weights({w: [1, -2]});
  const optimizer = new AdamW({weightDecay: 0.1, decays: always});
  optimizer.track(variables);
  optimizer.apply(tensors({w: [0.5, -4]}), variables, tf.scalar(0.1), tf.scalar(1));
  // Corrected moments are g and g², so each weight moves by the rate, after losing 1 % to decay.
  expectClose(variables.get("w")!, [1 * 0.99 - 0.1, -2 * 0.99 + 0.1], 1e-6);
  expectClose(optimizer.state().get("w.exp_avg")!, [0.05, -0.4], 1e-6);
  expectClose(optimizer.state().get("w.exp_avg_sq")!, [0.00025, 0.016], 1e-6);
});

test("AdamW: a constant gradient moves a weight by the rate in every step, compiled", () => {
  const variables = weights({w: [0]});
  const optimizer = new AdamW({weightDecay: 0});
  optimizer.track(variables);
  const step = engine.compile((rate: tf.Tensor, count: tf.Tensor, gradient: tf.Tensor) => {
    optimizer.apply(new Map([["w", gradient]]), variables, rate, count);
    return tf.add(rate, 0);
  });
  const gradient = tf.tensor1d([3]);
  for (let count = 1; count <= 40; count++) step(tf.scalar(0.01), tf.scalar(count), gradient);
  expectClose(variables.get("w")!, [-0.4], 1e-5);
});

test("AdamW: a refused update keeps every bit, whatever the gradient holds", () => {
  const variables = weights({w: [1, -0, 1e-30, 7]});
  const optimizer = new AdamW({weightDecay: 0.5, decays: always});
  optimizer.track(variables);
  const update = (gradient: number[], scale: number, accept: boolean): void => {
    const options = {scale: tf.scalar(scale), accept: tf.scalar(accept, "bool")};
    optimizer.apply(tensors({w: gradient}), variables, tf.scalar(0.1), tf.scalar(1), options);
  };
  update([1, 2, 3, 4], 1, true);
  const all = (): number[][] => [...variables.values(), ...optimizer.state().values()].map(bytes);
  const before = all();
  update([NaN, Infinity, -Infinity, 1e38], NaN, false);
  assert.equal(all(), before);
  update([1, 2, 3, 4], 1, true);
  assert.not.equal(all(), before);
});

test("AdamW: the factor scales the gradient before the moments", () => {
  const variables = weights({w: [0]});
  const optimizer = new AdamW({weightDecay: 0});
  optimizer.track(variables);
  optimizer.apply(tensors({w: [8]}), variables, tf.scalar(0.1), tf.scalar(1), {scale: tf.scalar(0.25)});
  expectClose(optimizer.state().get("w.exp_avg")!, [0.2], 1e-6);
  expectClose(optimizer.state().get("w.exp_avg_sq")!, [0.004], 1e-6);
});

test("AdamW: freezing and freeing weights does not mix their moments", () => {
  const names = ["a", "b"];
  const gradient = (name: string, step: number): number[] =>
    name === "a" ? [step, 1] : [-1, step * step, 2];
  const start = {a: [1, 2], b: [3, 4, 5]};
  const run = (name: "a" | "b", steps: number[]): number[] => {
    const variables = weights({[name]: start[name]});
    const optimizer = new AdamW();
    optimizer.track(variables);
    steps.forEach((step, index) =>
      optimizer.apply(
        tensors({[name]: gradient(name, step)}),
        variables,
        tf.scalar(0.1),
        tf.scalar(index + 1),
      ),
    );
    return [...variables.get(name)!.dataSync()];
  };

  const both = weights(start);
  const optimizer = new AdamW();
  for (let step = 1; step <= 9; step++) {
    // b joins at step 3; a rests in steps 5 to 7.
    const active = names.filter((name) => (name === "a" ? step < 5 || step > 7 : step >= 3));
    const variables = new Map([...both].filter(([name]) => active.includes(name)));
    optimizer.track(variables, step - 1);
    const gradients = Object.fromEntries(active.map((name) => [name, gradient(name, step)]));
    optimizer.apply(tensors(gradients), variables, tf.scalar(0.1), tf.scalar(step));
  }
  expectClose(both.get("a")!, run("a", [1, 2, 3, 4, 8, 9]), 1e-6, "a");
  expectClose(both.get("b")!, run("b", [3, 4, 5, 6, 7, 8, 9]), 1e-6, "b");
  assert.equal(
    [...optimizer.updateCounts(9)],
    [
      ["a", 6],
      ["b", 7],
    ],
  );
});

test("AdamW: a weight that is not tracked is named", () => {
  const variables = weights({w: [0]});
  const optimizer = new AdamW();
  assert.throws(
    () => optimizer.apply(tensors({w: [1]}), variables, tf.scalar(1), tf.scalar(1)),
    (error: unknown) => error instanceof ConfigError && /"w".*track/.test(error.message),
  );
  assert.throws(() => new AdamW({betas: [0.9, 1]}), /betas of AdamW/);
});

test("AdamW: updates leave no tensor behind", () => {
  const variables = weights({w: [1, 2]});
  const optimizer = new AdamW();
  optimizer.track(variables);
  const inputs = [tf.scalar(0.1), tf.scalar(1), tf.tensor1d([1, 1])] as const;
  const accept = tf.scalar(true, "bool");
  const before = tf.memory().numTensors;
  for (let count = 0; count < 10; count++) {
    optimizer.apply(new Map([["w", inputs[2]]]), variables, inputs[0], inputs[1], {accept});
  }
  assert.is(tf.memory().numTensors, before);
  optimizer.dispose();
  assert.is(tf.memory().numTensors, before - 2);
});

test("decay: matrices and kernels, not vectors, tables, tokens and scales", () => {
  const decays: [string, number[]][] = [
    ["sam.vision_encoder.layers.0.attn.qkv.weight", [96, 288]],
    ["sam.vision_encoder.patch_embed.projection.weight", [192, 96]],
    ["sam.prompt_encoder.mask_embed.conv1.weight", [2, 2, 1, 4]],
    ["text.text_model.encoder.layers.0.mlp.fc1.weight", [64, 256]],
    ["sam.mask_decoder.transformer.layers.0.cross_attn_image_to_token.q_proj.weight", [64, 32]],
    ["vision_model.embeddings.patch_embedding.weight", [768, 768]],
  ];
  const stays: [string, number[]][] = [
    ["sam.vision_encoder.layers.0.attn.qkv.bias", [288]],
    ["sam.vision_encoder.layers.0.layer_norm1.weight", [96]],
    ["sam.vision_encoder.pos_embed", [1, 16, 16, 96]],
    ["sam.vision_encoder.layers.0.attn.rel_pos_h", [31, 24]],
    ["sam.mask_decoder.mask_tokens.weight", [4, 64]],
    ["sam.mask_decoder.iou_token.weight", [1, 64]],
    ["sam.prompt_encoder.point_embed.2.weight", [1, 64]],
    ["sam.prompt_encoder.no_mask_embed.weight", [1, 64]],
    ["sam.prompt_encoder.not_a_point_embed.weight", [1, 64]],
    ["text.text_model.embeddings.token_embedding.weight", [600, 64]],
    ["text.text_model.embeddings.position_embedding.weight", [32, 64]],
    ["vision_model.embeddings.class_embedding", [768]],
    ["vision_model.embeddings.position_embedding.weight", [50, 768]],
    ["text.transformer.embeddings.word_embeddings.weight", [600, 64]],
    ["text.transformer.embeddings.token_type_embeddings.weight", [2, 64]],
    ["text.transformer.embeddings.LayerNorm.weight", [64]],
    ["logit_scale", []],
  ];
  for (const [name, shape] of decays) assert.is(decaysByDefault(name, shape), true, name);
  for (const [name, shape] of stays) assert.is(decaysByDefault(name, shape), false, name);
});

test("decay: whatever open_clip leaves out we leave out; its tables of tokens and positions are the difference", () => {
  // Names and shapes of open_clip 3.3's CLIP of width 64, and whether its training puts them among the decayed ones.
  const openClip: [string, number[], boolean][] = [
    ["positional_embedding", [5, 64], true],
    ["text_projection", [64, 8], true],
    ["logit_scale", [], false],
    ["visual.class_embedding", [64], false],
    ["visual.positional_embedding", [5, 64], true],
    ["visual.proj", [64, 8], true],
    ["visual.conv1.weight", [64, 3, 8, 8], true],
    ["visual.ln_pre.weight", [64], false],
    ["visual.transformer.resblocks.0.attn.in_proj_weight", [192, 64], true],
    ["visual.transformer.resblocks.0.attn.in_proj_bias", [192], false],
    ["transformer.resblocks.0.mlp.c_fc.weight", [256, 64], true],
    ["token_embedding.weight", [20, 64], true],
    ["ln_final.weight", [64], false],
  ];
  for (const [name, shape, decayed] of openClip) {
    assert.is(decaysAsOpenClip(name, shape), decayed, name);
    const isTable = /embedding/.test(name);
    assert.is(decaysByDefault(name, shape), decayed && !isTable, name);
  }
});

test("clipping: lengths 3 and 4 make 5", () => {
  const gradients = tensors({a: [3], b: [0, 4]});
  const clipped = clipByGlobalNorm(gradients, 1);
  expectClose(clipped.norm, [5], 1e-6);
  expectClose(clipped.gradients.get("a")!, [0.6], 1e-6);
  expectClose(clipped.gradients.get("b")!, [0, 0.8], 1e-6);
  expectClose(clipByGlobalNorm(gradients, 6).gradients.get("a")!, [3], 0);
  assert.throws(() => clipByGlobalNorm(gradients, 0), /clip norm/);
});

test("clipping: the norm of many small numbers keeps its digits", () => {
  const gradients = new Map([["w", tf.fill([1000, 1000], 0.1)]]);
  // sqrt(10^6 * 0.01) = 100.
  expectClose(clipByGlobalNorm(gradients, 1).norm, [100], 1e-5);
});

test("warm-up and cosine: corners and half-way points", () => {
  const schedule = warmupCosine({rate: 2, warmupSteps: 10, totalSteps: 110});
  assert.is(schedule(0), 0);
  assert.is(schedule(5), 1);
  assert.is(schedule(10), 2);
  assert.ok(Math.abs(schedule(60) - 1) < 1e-12);
  assert.ok(Math.abs(schedule(110)) < 1e-12);
  assert.ok(Math.abs(schedule(200)) < 1e-12);
  assert.is(warmupCosine({rate: 2, warmupSteps: 0, totalSteps: 0})(0), 2);
  assert.throws(() => warmupCosine({rate: 1, warmupSteps: 10, totalSteps: 5}), /totalSteps/);
  assert.is(constantRate(3)(1000), 3);
});

test("moving average: by hand, from a copy of the start", () => {
  const variables = weights({w: [1]});
  const average = new ExponentialMovingAverage(0.75);
  average.track(variables);
  variables.get("w")!.assign(tf.tensor1d([5]));
  average.update(variables);
  expectClose(average.state().get("w")!, [0.75 * 1 + 0.25 * 5], 1e-6);
  assert.throws(() => average.update(weights({x: [1]})), /"x"; call track first/);
});

test("moving average: low decay at first, and refused updates", () => {
  const average = new ExponentialMovingAverage(0.5);
  // 2 / 11, 5 / 14, 8 / 17 and no more.
  for (const [update, decay] of [
    [1, 2 / 11],
    [4, 5 / 14],
    [7, 8 / 17],
    [8, 0.5],
    [1000, 0.5],
  ] as const) {
    expectClose(average.warmUp(tf.scalar(update)), [decay], 1e-6);
  }
  const variables = weights({w: [1, -3]});
  average.track(variables);
  variables.get("w")!.assign(tf.tensor1d([12, 8]));
  average.update(variables, {accept: tf.scalar(false, "bool"), decay: tf.scalar(0.1)});
  assert.equal([...average.state().get("w")!.dataSync()], [1, -3]);
  average.update(variables, {accept: tf.scalar(true, "bool"), decay: average.warmUp(tf.scalar(1))});
  expectClose(average.state().get("w")!, [(2 + 9 * 12) / 11, (-6 + 9 * 8) / 11], 1e-5);
});

test("moving average: stands in for the weights while something runs, also if that fails", async () => {
  const average = new ExponentialMovingAverage(0.75);
  const variables = weights({w: [1]});
  average.track(variables);
  variables.get("w")!.assign(tf.tensor1d([5]));
  average.update(variables);
  const before = tf.memory().numTensors;
  const seen = await average.during(variables, async () => [...(await variables.get("w")!.data())]);
  assert.equal(seen, [2]);
  assert.equal([...variables.get("w")!.dataSync()], [5]);
  const failed = average.during(variables, () => Promise.reject(new Error("no")));
  assert.is(await failed.catch((error: Error) => error.message), "no");
  assert.equal([...variables.get("w")!.dataSync()], [5]);
  assert.equal([...average.state().get("w")!.dataSync()], [2]);
  assert.is(tf.memory().numTensors, before);
});

test.run();

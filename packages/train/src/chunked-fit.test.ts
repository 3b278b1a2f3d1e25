import {mkdtemp, readFile, readdir, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createRandom} from "@claps/core";
import type {Engine} from "@claps/core";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {batchGradients} from "./batch-gradients.js";
import {TwinClip, clipItems} from "./contrastive-model.twin.js";
import {contrastiveObjective} from "./contrastive-objective.js";
import type {ClipItem} from "./contrastive-objective.js";
import {fit} from "./fit.js";
import type {FitOptions, FitResult} from "./fit.js";
import {constantRate} from "./optimizer/schedules.js";

const test = suite("fit in chunks");
const random = createRandom("chunks");
let engine: Engine;
let root = "";

test.before(async () => {
  engine = await startTestEngine();
  root = await mkdtemp(join(tmpdir(), "claps-chunks-"));
});

test.after(() => rm(root, {recursive: true, force: true}));

const RUN = {schedule: constantRate(0.01), seed: 3, clipNorm: 1};

async function trained(
  options: Partial<FitOptions<ClipItem>>,
): Promise<{result: FitResult; weights: number[][]}> {
  const model = new TwinClip();
  const result = await fit({
    objective: contrastiveObjective(model),
    batchAt: (step) => Promise.resolve(clipItems(9, step)),
    steps: 6,
    ...RUN,
    ...options,
  });
  const weights = [...model.namedWeights().values()].map((variable) => [...variable.dataSync()]);
  model.dispose();
  return {result, weights};
}

test("fit in chunks goes where fit with whole batches goes; the same seed gives the same bytes", async () => {
  const whole = await trained({});
  const chunked = await trained({chunk: 4});
  whole.result.history.forEach(({loss, norm}, index) => {
    const record = chunked.result.history[index]!;
    expectClose([record.loss, record.norm], [loss, norm], 1e-4, `step ${index}`);
  });
  assert.not.equal(chunked.weights, (await trained({steps: 1})).weights);
  assert.equal((await trained({chunk: 4})).weights, chunked.weights);
  assert.is(chunked.result.traces, 1);
  // The objective's own chunk counts where fit says nothing.
  const model = new TwinClip();
  const objective = contrastiveObjective(model, {chunk: 4});
  await fit({objective, batchAt: (step) => Promise.resolve(clipItems(9, step)), steps: 6, ...RUN});
  assert.equal(
    [...model.namedWeights().values()].map((variable) => [...variable.dataSync()]),
    chunked.weights,
  );
  model.dispose();
});

/** A batch with one picture that is not a number. */
function spoilt(items: readonly ClipItem[]): ClipItem[] {
  return items.map((item, index) => {
    if (index !== 5) return item;
    const {image} = clipItems(6, "spoilt")[5]!;
    if (typeof image !== "function") image.pixels.data.fill(NaN);
    return {...item, image};
  });
}

test("a step that is not finite changes nothing and is counted, as if it had never been there", async () => {
  const bad = await trained({
    chunk: 4,
    ema: {decay: 0.5},
    batchAt: (step) => Promise.resolve(step === 2 ? spoilt(clipItems(9, step)) : clipItems(9, step)),
  });
  assert.is(bad.result.skipped, 1);
  assert.is(bad.result.history[2]!.skipped, true);
  assert.ok(Number.isNaN(bad.result.history[2]!.loss));
  const good = await trained({
    chunk: 4,
    ema: {decay: 0.5},
    steps: 5,
    batchAt: (step) => Promise.resolve(clipItems(9, step < 2 ? step : step + 1)),
  });
  assert.equal(bad.weights, good.weights);
});

test("12 steps are 6, a stop and 6 more, byte for byte, averages included", async () => {
  const settings: Partial<FitOptions<ClipItem>> = {
    chunk: 4,
    ema: {decay: 0.9, warmup: true},
    steps: 12,
    checkpointEvery: 100,
  };
  await trained({...settings, folder: join(root, "whole")});
  const controller = new AbortController();
  const half = await trained({
    ...settings,
    folder: join(root, "halves"),
    signal: controller.signal,
    onStep: ({step}) => step === 5 && controller.abort(),
  });
  assert.is(half.result.stopped, true);
  await trained({...settings, folder: join(root, "halves"), resume: true});
  const files = async (name: string): Promise<Record<string, string>> => {
    const path = join(root, name, "checkpoints", "step-000012");
    const names = (await readdir(path)).sort();
    const contents = await Promise.all(names.map((file) => readFile(join(path, file), "hex")));
    return Object.fromEntries(names.map((file, index) => [file, contents[index]!]));
  };
  const whole = await files("whole");
  assert.ok("average.safetensors" in whole);
  assert.equal(await files("halves"), whole);
});

test("no tensor is left behind, in steps and after the run", async () => {
  const model = new TwinClip();
  const before = tf.memory().numTensors;
  const counts = new Set<number>();
  const objective = contrastiveObjective(model);
  await fit({
    objective,
    batchAt: (step) => Promise.resolve(clipItems(6, step)),
    steps: 12,
    ...RUN,
    chunk: 4,
    ema: {decay: 0.9},
    onStep: ({step}) => step > 2 && counts.add(tf.memory().numTensors),
  });
  assert.is(counts.size, 1);
  assert.is(tf.memory().numTensors, before);
  await batchGradients({objective, items: clipItems(6), random, engine, chunk: 4});
  await batchGradients({objective, items: clipItems(6), random, engine});
  assert.is(tf.memory().numTensors, before);
  model.dispose();
});

test.run();

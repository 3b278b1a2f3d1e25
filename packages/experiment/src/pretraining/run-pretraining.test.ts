import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {clipTiny, loadClip} from "@claps/clip";
import type {ClipConfig} from "@claps/clip";
import {ConfigError, createRandom, DataError} from "@claps/core";
import {cfpFindings, octFindings, syntheticBscan, syntheticCase, syntheticFundus} from "@claps/data";
import {writeImage} from "@claps/image";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {silentProgress} from "../progress.js";
import type {Progress} from "../progress.js";
import type {RunOptions} from "../run-experiment.js";
import {temporaryFolder} from "../tiny-dataset.twin.js";
import {definePretraining} from "./define-pretraining.js";
import type {PretrainingDefinition, PretrainingPlan} from "./define-pretraining.js";
import {runPretraining} from "./run-pretraining.js";
import type {PretrainingResult} from "./run-pretraining.js";

/** The smallest model that has every part. */
const micro: ClipConfig = {
  ...clipTiny,
  vision: {...clipTiny.vision, imageSize: 32, patchSize: 16, width: 16, depth: 1, heads: 2, mlpWidth: 24},
  text: {
    ...clipTiny.text,
    width: 16,
    depth: 1,
    heads: 2,
    mlpWidth: 24,
    projectionWidth: 8,
  } as ClipConfig["text"],
  projectionWidth: 8,
  preprocess: {...clipTiny.preprocess, imageSize: 32},
};
const few = {train: 6, validation: 4, test: 4, size: 64};
const plan: PretrainingPlan = {steps: 4, batch: 6, rate: 1e-3, warmupSteps: 1, checkpointEvery: 2};
const definition = definePretraining({
  name: "micro-clip",
  seed: 3,
  sources: [
    {synthetic: syntheticFundus, ...few},
    {synthetic: syntheticBscan, ...few},
  ],
  model: micro,
  train: plan,
  evaluate: {every: 2},
  quick: {train: {steps: 2}, synthetic: {train: 4}},
});

const home = temporaryFolder();
let made = 0;

/** A fresh folder inside the one that goes when the tests end. */
function freshFolder(): string {
  const folder = join(home, String(made++));
  mkdirSync(folder);
  return folder;
}

function run(changes: Partial<RunOptions>, what = definition): Promise<PretrainingResult> {
  return runPretraining(what, {
    dataRoots: [],
    out: join(freshFolder(), "run"),
    progress: silentProgress,
    engine: "onnx",
    threads: 1,
    ...changes,
  });
}

function withPlan(changes: Partial<PretrainingPlan>): PretrainingDefinition {
  return {...definition, train: {...plan, ...changes}, evaluate: {}};
}

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => assert.unreachable() as never,
    (error: Error) => error,
  );
}

const bytesOf = ({folder}: PretrainingResult): Buffer[] =>
  ["summary.json", "weights/model.safetensors"].map((name) => readFileSync(join(folder, name)));

const whole = await run({});

test("a run leaves everything: record, sentences, model, figures with controls, page", async () => {
  assert.is(whole.stopped, false);
  for (const name of [
    "run.json",
    "captions.json",
    "train.jsonl",
    "validation.jsonl",
    "summary.json",
    "index.html",
    "neighbours.html",
  ]) {
    assert.ok(existsSync(join(whole.folder, name)), name);
  }
  const summary = JSON.parse(readFileSync(join(whole.folder, "summary.json"), "utf8")) as {
    sources: unknown;
    generatorVersion: number;
  };
  assert.equal(summary.sources, [
    {id: "synthetic-fundus", isSynthetic: true, training: 6, validation: 4, test: 4, scored: "test"},
    {id: "synthetic-bscan", isSynthetic: true, training: 6, validation: 4, test: 4, scored: "test"},
  ]);
  assert.is(summary.generatorVersion, 1);
  const {model, disguised, untrained} = whole.evaluations ?? (assert.unreachable() as never);
  assert.is(model.findings.length, cfpFindings.length + octFindings.length);
  assert.equal([model.modality.n, disguised.modality.n, untrained.modality.n], [8, 8, 8]);
  assert.is(model.modality.chance.accuracy, 0.5);
  assert.is(model.validationPictures, 8);
  assert.match(whole.table, /model, fundus grey, OCT tinted/);
  assert.match(whole.table, /before training/);
  const page = readFileSync(whole.page ?? "", "utf8");
  assert.match(page, /not a medical device/);
  assert.match(page, /npx claps train clip experiments\/micro-clip\.ts/);
  const validations = readFileSync(join(whole.folder, "validation.jsonl"), "utf8").trim().split("\n");
  assert.equal(
    validations.map((line) => (JSON.parse(line) as {step: number}).step),
    [2, 4],
  );

  const clip = await loadClip(whole.weights);
  const {image} = syntheticCase(syntheticBscan, {size: 64, index: 0, random: createRandom(1)});
  assert.is((await clip.encodeImage([image])).vectors.length, 8);
  clip.dispose();
});

test("the same seed gives the same bytes, and so does a run that was stopped and resumed", async () => {
  const controller = new AbortController();
  const progress: Progress = {
    ...silentProgress,
    step: (_, text) => {
      if (text?.startsWith("loss") === true) controller.abort();
    },
  };
  const out = join(freshFolder(), "run");
  const stopped = await run({out, progress, signal: controller.signal});
  assert.is(stopped.stopped, true);
  assert.not.ok(existsSync(join(out, "summary.json")));
  const resumed = await run({out, resume: true});
  assert.equal(bytesOf(resumed), bytesOf(whole));
  const error = await errorOf(run({out, resume: true}, withPlan({rate: 2e-3})));
  assert.match(error.message, /got one with another train, evaluate/);
});

test("quick, averages, chunks, low-rank changes, locks and decay by depth go together", async () => {
  const all = withPlan({
    chunk: 2,
    ema: 0.9,
    layerDecay: 0.8,
    lora: {pattern: "q_proj$", rank: 2},
    lock: ["^text_model", "^text_projection"],
    order: "random",
    targets: "pairs",
    augment: {grey: 0.5, geometry: 0.5},
    textLength: 16,
  });
  const quick = await run({quick: true}, all);
  assert.is(quick.stopped, false);
  const summary = JSON.parse(readFileSync(join(quick.folder, "summary.json"), "utf8")) as {
    training: {steps: number};
    model: {parameters: number; trainedParameters: number};
    sources: {training: number}[];
  };
  assert.is(summary.training.steps, 2);
  assert.equal(
    summary.sources.map(({training}) => training),
    [4, 4],
  );
  assert.ok(summary.model.trainedParameters < summary.model.parameters / 2);
  // Loaded under published names: the low-rank changes are part of the weights.
  const from = {...withPlan({steps: 1, augment: false}), model: {from: quick.weights}};
  const more = await run({}, from);
  assert.is(more.stopped, false);
});

test("one's own pictures: labels, own sentences, splits, one damaged file", async () => {
  const folder = freshFolder();
  mkdirSync(join(folder, "eyes"));
  const rows = ["image,modality,labels,split,caption"];
  for (let index = 0; index < 24; index++) {
    const kind = index % 2 === 0 ? syntheticFundus : syntheticBscan;
    const {image} = syntheticCase(kind, {size: 64, index, random: createRandom("eyes")});
    const name = `eyes/${index}.png`;
    await writeImage(join(folder, name), image);
    const split = index < 16 ? "train" : index < 20 ? "validation" : "test";
    const label = index % 4 < 2 ? "normal" : "-normal";
    const caption = index % 4 < 2 ? "" : `"${kind.modality.signature}, diseased"`;
    rows.push(`${name},${kind.modality.id},${label},${split},${caption}`);
  }
  writeFileSync(join(folder, "eyes/3.png"), "no picture");
  const pictures = join(folder, "pictures.csv");
  writeFileSync(pictures, rows.join("\r\n"));
  const lines: string[] = [];
  const progress = {...silentProgress, line: (text: string) => lines.push(text)};
  const mine = {...withPlan({steps: 2}), sources: [{pictures}]};
  const result = await run({progress}, mine);
  assert.is(result.stopped, false);
  assert.ok(
    lines.some((line) => /left out .*line 5: .*eyes\/3\.png/.test(line)),
    lines.join("\n"),
  );
  assert.ok(lines.includes("training on 15 pictures, choosing on 2, scoring 2"));

  rmSync(join(folder, "eyes/5.png"));
  const missing = await errorOf(run({}, mine));
  assert.instance(missing, DataError);
  assert.match(missing.message, /1 file of 24 missing/);
});

test("what cannot work is refused before anything is written", async () => {
  const out = join(freshFolder(), "run");
  assert.match(
    (await errorOf(run({out}, withPlan({lock: ["^visionmodel"]})))).message,
    /expected .* to match a weight/,
  );
  assert.match(
    (await errorOf(run({out}, withPlan({lock: ["."]})))).message,
    /expected some weights to be left/,
  );
  const captions = {...definition, captions: join(out, "none.json")};
  assert.instance(await errorOf(run({out}, captions)), DataError);
  const wrong = {...definition, captions: {cfp: {normal: ["healthy"]}}};
  assert.match(
    (await errorOf(run({out}, wrong))).message,
    /captions, "cfp", "normal", sentence 1: expected the signature/,
  );
  assert.not.ok(existsSync(join(out, "run.json")));
  const taken = await errorOf(run({out: whole.folder}));
  assert.instance(taken, ConfigError);
  assert.match(taken.message, /expected a folder without a run/);
});

test.run();

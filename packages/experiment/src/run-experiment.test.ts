import {readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {ConfigError, DataError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {clapsMicro} from "./claps-micro.twin.js";
import {fullBox} from "./controls/shape-only.js";
import {defineExperiment} from "./define-experiment.js";
import type {ExperimentDefinition} from "./define-experiment.js";
import type {Progress} from "./progress.js";
import {silentProgress} from "./progress.js";
import {runExperiment} from "./run-experiment.js";
import type {RunOptions, RunResult} from "./run-experiment.js";
import {temporaryFolder, tiny, writeTiny} from "./tiny-dataset.twin.js";

const data = temporaryFolder();
await writeTiny(data, {train: 20, test: 2});

const experiment: ExperimentDefinition = defineExperiment({
  name: "tiny-run",
  seed: 5,
  data: [{dataset: tiny, holdOut: 2}],
  model: clapsMicro,
  train: {steps: 4, batch: 1, promptsPerImage: 2, rate: 1e-3, warmupSteps: 0, checkpointEvery: 2},
  evaluate: {controls: [fullBox], overlays: 1},
  quick: {},
});

function run(changes: Partial<RunOptions>, definition = experiment): Promise<RunResult> {
  const options: RunOptions = {
    dataRoots: [data],
    out: join(temporaryFolder(), "run"),
    progress: silentProgress,
    engine: "onnx",
    threads: 1,
    ...changes,
  };
  return runExperiment(definition, options);
}

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => assert.unreachable() as never,
    (error: Error) => error,
  );
}

/** Aborts once so many steps are done. */
function stopAfter(steps: number): {signal: AbortSignal; progress: Progress} {
  const controller = new AbortController();
  const progress: Progress = {
    ...silentProgress,
    step: (done) => {
      if (done >= steps) controller.abort();
    },
  };
  return {signal: controller.signal, progress};
}

function filesOf(folder: string): Buffer[] {
  const names = ["summary.json", "weights/sam.safetensors", "weights/text.safetensors"];
  return names.map((name) => readFileSync(join(folder, name)));
}

test("the same seed gives the same bytes, and a run stopped and resumed gives them too", async () => {
  const whole = await run({});
  assert.is(whole.stopped, false);
  const again = await run({});
  assert.equal(filesOf(again.folder), filesOf(whole.folder));

  const out = join(temporaryFolder(), "run");
  const stopped = await run({out, ...stopAfter(2)});
  assert.is(stopped.stopped, true);
  const resumed = await run({out, resume: true});
  assert.equal(filesOf(resumed.folder), filesOf(whole.folder));

  const other = await run({seed: 6});
  assert.not.equal(filesOf(other.folder), filesOf(whole.folder));
});

test("a folder with a run is not written over, and another experiment does not resume it", async () => {
  const {folder} = await run({});
  assert.match((await errorOf(run({out: folder}))).message, /expected a folder without a run/);
  const longer = {...experiment, train: {...experiment.train, steps: 6}};
  const error = await errorOf(run({out: folder, resume: true}, longer));
  assert.instance(error, ConfigError);
  assert.match(error.message, /got one with another train/);
  assert.match((await errorOf(run({resume: true}))).message, /expected an interrupted run .* got none/);
});

test("a folder that cannot be made is a usage error, and missing data leave the folder free", async () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  const blocked = await errorOf(run({out: join(file, "run")}));
  assert.instance(blocked, ConfigError);
  assert.match(blocked.message, /expected a folder that can be written/);

  const out = join(temporaryFolder(), "run");
  const missing = await errorOf(run({out, dataRoots: [temporaryFolder()]}));
  assert.instance(missing, DataError);
  assert.is((await run({out})).stopped, false);
});

test("one damaged picture in the middle is named and passed over, two stop the run", async () => {
  const folder = temporaryFolder();
  await writeTiny(folder, {train: 20, test: 2});
  writeFileSync(join(folder, "images/train-7.png"), "no picture");
  const lines: string[] = [];
  const progress = {...silentProgress, line: (text: string) => lines.push(text)};
  const result = await run({dataRoots: [folder], progress});
  assert.is(result.stopped, false);
  assert.is(lines.filter((line) => /^skipped tiny train-7: /.test(line)).length, 1);
  assert.ok(lines.includes("training on 17 pictures"));

  writeFileSync(join(folder, "images/train-5.png"), "no picture");
  const error = await errorOf(run({dataRoots: [folder]}));
  assert.instance(error, DataError);
  assert.match(error.message, /expected at most 5 % unreadable cases/);
});

test("what could not be chosen or scored afterwards is refused before training", async () => {
  const none = {...experiment, data: [{dataset: tiny, holdOut: 0}]};
  assert.match((await errorOf(run({}, none))).message, /expected labelled cases to score, got none/);
  const choosing = {...none, train: {...none.train, chooseThreshold: true}};
  assert.match(
    (await errorOf(run({final: true}, choosing))).message,
    /chooseThreshold: expected held-out cases/,
  );
});

test("a misspelt part to freeze and an object that is no experiment are refused, with the known names", async () => {
  const misspelt = {...experiment, train: {...experiment.train, freeze: ["sam.mask_decode"]}};
  const error = await errorOf(run({}, misspelt));
  assert.instance(error, ConfigError);
  assert.match(error.message, /"sam\.mask_decode".*sam\.mask_decoder/);
  const unknown = {...experiment, train: {stepz: 4}} as unknown as ExperimentDefinition;
  const other = await errorOf(run({}, unknown));
  assert.match(other.message, /unknown key "stepz", did you mean "steps"/);
});

test.run();

import {mkdtemp, readFile, readdir, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {ClapsError} from "@claps/core";
import {startTestEngine} from "@claps/layers/testing";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {listCheckpoints, readCheckpoint} from "./checkpoint.node.js";
import {fit} from "./fit.js";
import type {FitOptions, FitResult, StepRecord} from "./fit.js";
import {linearObjective, pointsAt} from "./linear-objective.twin.js";
import type {Point} from "./linear-objective.twin.js";
import {warmupCosine} from "./optimizer/schedules.js";

const test = suite("resume");
let root = "";

test.before(async () => {
  await startTestEngine();
  root = await mkdtemp(join(tmpdir(), "claps-resume-"));
});

test.after(() => rm(root, {recursive: true, force: true}));

const STEPS = 20;

/** A run of 20 steps with noise from the objective, a bad batch and validation, from fresh weights. */
function run(name: string, options: Partial<FitOptions<Point>> = {}): Promise<FitResult> {
  return fit({
    objective: linearObjective({noise: 0.1}),
    batchAt: async (step) =>
      (await pointsAt(step)).map((point) => (step === 5 ? {...point, y: Infinity} : point)),
    schedule: warmupCosine({rate: 0.05, warmupSteps: 3, totalSteps: STEPS}),
    steps: STEPS,
    clipNorm: 1,
    seed: 4,
    folder: join(root, name),
    checkpointEvery: 100,
    validate: {every: 5, best: "figure", run: (done) => Promise.resolve({figure: -Math.abs(done - 10)})},
    ...options,
  });
}

function stopAt(steps: number): Pick<FitOptions<Point>, "signal" | "onStep"> {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    onStep: ({step}) => {
      if (step === steps - 1) controller.abort();
    },
  };
}

async function messageOf(promise: Promise<unknown>): Promise<ClapsError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, ClapsError);
  return error as ClapsError;
}

/** Bytes of every file of a checkpoint. */
async function files(name: string, step: number): Promise<Record<string, string>> {
  const path = join(root, name, "checkpoints", `step-${String(step).padStart(6, "0")}`);
  const entries = (await readdir(path)).sort();
  const contents = await Promise.all(entries.map((file) => readFile(join(path, file), "hex")));
  return Object.fromEntries(entries.map((file, index) => [file, contents[index]!]));
}

async function loggedSteps(name: string): Promise<number[]> {
  const text = await readFile(join(root, name, "train.jsonl"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as StepRecord).step);
}

const range = (count: number): number[] => Array.from({length: count}, (_, step) => step);

test("20 steps are 10, a stop and 10 more, byte for byte", async () => {
  const whole = await run("whole");
  const half = await run("halves", stopAt(10));
  assert.is(half.stopped, true);
  assert.is(half.steps, 10);
  const rest = await run("halves", {resume: true});
  assert.is(rest.stopped, false);
  assert.equal(await files("halves", 20), await files("whole", 20));
  assert.equal(Object.keys(await files("whole", 20)), [
    "manifest.json",
    "optimizer.safetensors",
    "state.json",
    "weights.safetensors",
  ]);
  const figures = (result: FitResult): unknown[] =>
    result.history.map(({loss, norm, rate}) => [loss, norm, rate]);
  assert.equal(figures(rest).slice(6), figures(whole).slice(6));
  assert.is(rest.history.length, 20);
  assert.is(rest.skipped, 1);
  assert.equal(await loggedSteps("halves"), range(20));
  assert.equal(rest.validations, whole.validations);
  assert.equal(rest.best?.step, 10);
  assert.equal(whole.best?.checkpoint, join(root, "whole", "checkpoints", "step-000010"));
});

test("the newest two checkpoints and the best stay", async () => {
  await run("kept", {checkpointEvery: 4, keep: 2});
  const steps = (await listCheckpoints(join(root, "kept", "checkpoints"))).map(({step}) => step);
  // Saved at 4, 5 (better), 8, 10 (better), 12, 16, 20.
  assert.equal(steps, [10, 16, 20]);
});

test("a killed run goes on from its last checkpoint; its log has every step once", async () => {
  const batchAt = (step: number): Promise<Point[]> => {
    if (step === 7) throw new Error("killed");
    return pointsAt(step);
  };
  const settings: Partial<FitOptions<Point>> = {batchAt, checkpointEvery: 4};
  const outcome = await run("killed", settings).catch((error: Error) => error.message);
  assert.is(outcome, "killed");
  await writeFile(join(root, "killed", "train.jsonl"), `{"step": 7, "lo`, {flag: "a"});
  const lines: string[] = [];
  await run("killed", {...settings, batchAt: pointsAt, resume: true, report: (line) => lines.push(line)});
  assert.match(lines[0]!, /Resuming after 5 of 20 steps/);
  assert.equal(await loggedSteps("killed"), range(20));
  await run("straight", {batchAt: pointsAt, checkpointEvery: 4});
  assert.equal(await files("killed", 20), await files("straight", 20));
});

test("a damaged newest checkpoint: the one before it is taken, and that is said", async () => {
  await run("damaged", {...stopAt(12), checkpointEvery: 4});
  const newest = join(root, "damaged", "checkpoints", "step-000012", "weights.safetensors");
  const bytes = await readFile(newest);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(newest, bytes);
  const lines: string[] = [];
  await run("damaged", {checkpointEvery: 4, resume: true, report: (line) => lines.push(line)});
  assert.match(lines[0]!, /Checkpoint of step 12 is damaged.*SHA-256/);
  assert.match(lines[1]!, /Resuming after 10 of 20/);
  assert.equal(await files("damaged", 20), await files("whole", 20));
});

test("resuming a finished run changes nothing", async () => {
  const before = await files("whole", 20);
  const again = await run("whole", {resume: true});
  assert.is(again.steps, 20);
  assert.equal(await files("whole", 20), before);
});

test("a folder with another run, another seed or fewer steps is refused", async () => {
  assert.match((await messageOf(run("whole"))).message, /checkpoints.*resume it or choose another folder/);
  assert.match(
    (await messageOf(run("whole", {resume: true, seed: 5}))).message,
    /seed of the run, "4", got "5"/,
  );
  assert.match((await messageOf(run("whole", {resume: true, steps: 3}))).message, /checkpoint after 20/);
});

test("two runs cannot share a folder", async () => {
  const first = run("shared");
  const second = run("shared", {resume: true});
  const outcomes = await Promise.allSettled([first, second]);
  assert.equal(outcomes.map(({status}) => status).sort(), ["fulfilled", "rejected"]);
  const rejected = outcomes.find((outcome) => outcome.status === "rejected");
  assert.is((rejected?.reason as ClapsError).code, "folder-in-use");
  await run("shared", {resume: true});
});

test("nothing to resume: starts at step 0 and says so", async () => {
  const lines: string[] = [];
  const result = await run("fresh", {
    resume: true,
    steps: 2,
    validate: undefined,
    report: (line) => lines.push(line),
  });
  assert.is(result.steps, 2);
  assert.match(lines[0]!, /Nothing to resume/);
});

test("the checkpoint holds weights, moments and counts by dotted path", async () => {
  const {weights, optimizer, state} = await readCheckpoint(join(root, "whole", "checkpoints", "step-000020"));
  assert.equal([...weights.keys()].sort(), ["line.offset", "line.slope"]);
  assert.equal([...optimizer.keys()].sort(), [
    "line.offset.exp_avg",
    "line.offset.exp_avg_sq",
    "line.offset.step",
    "line.slope.exp_avg",
    "line.slope.exp_avg_sq",
    "line.slope.step",
  ]);
  assert.equal([...optimizer.get("line.slope.step")!.data], [19]);
  assert.is(state.updates, 19);
  assert.is(state.skipped, 1);
});

test.run();

import {mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {ClapsError} from "@claps/core";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import {toFloat32} from "@claps/weights";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {readCheckpoint} from "./checkpoint.node.js";
import {fit} from "./fit.js";
import type {FitOptions, FitResult} from "./fit.js";
import {linearObjective, pointsAt} from "./linear-objective.twin.js";
import type {LinearObjective, Point} from "./linear-objective.twin.js";
import {constantRate} from "./optimizer/schedules.js";

const test = suite("fit with averaged weights");
let root = "";

test.before(async () => {
  await startTestEngine();
  root = await mkdtemp(join(tmpdir(), "claps-average-"));
});

test.after(() => rm(root, {recursive: true, force: true}));

const BASE = {batchAt: pointsAt, schedule: constantRate(0.05), seed: 1, steps: 10, clipNorm: 1};

function numbers(objective: LinearObjective): number[] {
  return [...objective.variables.values()].flatMap((variable) => [...variable.dataSync()]);
}

/** A run, the weights after every step, and those at the end. */
async function run(
  options: Partial<FitOptions<Point>> = {},
): Promise<{result: FitResult; seen: number[][]; last: number[]; validated: number[][]}> {
  const objective = linearObjective();
  const seen: number[][] = [];
  const validated: number[][] = [];
  const {validate, onStep} = options;
  const result = await fit({
    ...BASE,
    ...options,
    objective,
    onStep: (record) => {
      seen.push(numbers(objective));
      onStep?.(record);
    },
    ...(validate && {
      validate: {
        ...validate,
        run: (done: number) => {
          validated.push(numbers(objective));
          return validate.run(done);
        },
      },
    }),
  });
  const last = numbers(objective);
  objective.dispose();
  return {result, seen, last, validated};
}

/** The averages after each step, worked out beside the run. */
function averagesOf(seen: readonly number[][], decayAt: (update: number) => number): number[][] {
  let average = [0.5, -1];
  return seen.map((weights, index) => {
    const decay = decayAt(index + 1);
    average = average.map((value, place) => decay * value + (1 - decay) * weights[place]!);
    return average;
  });
}

const validate = (best: number, restoreBest?: boolean): NonNullable<FitOptions<Point>["validate"]> => ({
  every: 3,
  best: "figure",
  run: (done) => Promise.resolve({figure: -Math.abs(done - best)}),
  ...(restoreBest !== undefined && {restoreBest}),
});

test("training itself is untouched; validation, best and last weights are the averages", async () => {
  const plain = await run({validate: validate(6)});
  for (const [warmup, decayAt] of [
    [false, () => 0.8],
    [true, (update: number) => Math.min(0.8, (1 + update) / (10 + update))],
  ] as const) {
    const {result, seen, last, validated} = await run({ema: {decay: 0.8, warmup}, validate: validate(6)});
    assert.equal(seen, plain.seen);
    const averages = averagesOf(seen, decayAt);
    [3, 6, 9, 10].forEach((done, index) => expectClose(validated[index]!, averages[done - 1]!, 1e-5));
    assert.is(result.best?.step, 6);
    assert.equal(last, validated[1]);
    const unrestored = await run({ema: {decay: 0.8, warmup}, validate: validate(6, false)});
    expectClose(unrestored.last, averages[9]!, 1e-5);
    expectClose((await run({ema: {decay: 0.8, warmup}})).last, averages[9]!, 1e-5);
  }
});

test("checkpoints hold both; best comes back from the averages; 10 steps are 5 and 5", async () => {
  const options = {ema: {decay: 0.8}, validate: validate(6)};
  const whole = await run({...options, folder: join(root, "whole")});
  const best = await readCheckpoint(whole.result.best!.checkpoint!);
  const stored = (tensors: typeof best.weights): number[] =>
    ["line.slope", "line.offset"].flatMap((path) => [...toFloat32(tensors.get(path)!)]);
  assert.equal(stored(best.weights), whole.seen[5]);
  assert.equal(stored(best.average!), whole.validated[1]);
  assert.equal(whole.last, whole.validated[1]);

  const controller = new AbortController();
  const folder = join(root, "halves");
  const half = await run({
    ...options,
    folder,
    signal: controller.signal,
    onStep: ({step}) => step === 4 && controller.abort(),
  });
  expectClose(half.last, averagesOf(half.seen, () => 0.8)[4]!, 1e-5);
  const rest = await run({...options, folder, resume: true});
  assert.equal([...half.seen, ...rest.seen], whole.seen);
  assert.equal(rest.last, whole.last);
  const ends = await Promise.all(
    ["whole", "halves"].map((name) => readCheckpoint(join(root, name, "checkpoints", "step-000010"))),
  );
  assert.equal(stored(ends[1]!.average!), stored(ends[0]!.average!));
  assert.equal(stored(ends[1]!.weights), stored(ends[0]!.weights));
});

test("what cannot be: resuming with averages what had none, and the reverse; a decay out of range", async () => {
  const messageOf = async (running: Promise<unknown>): Promise<string> => {
    const error: unknown = await running.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.instance(error, ClapsError);
    return (error as Error).message;
  };
  await run({steps: 2, folder: join(root, "without")});
  const late = run({folder: join(root, "without"), resume: true, ema: {decay: 0.8}});
  assert.match(await messageOf(late), /no averages for a run with some/);
  await run({steps: 2, folder: join(root, "with"), ema: {decay: 0.8}});
  assert.match(
    await messageOf(run({folder: join(root, "with"), resume: true})),
    /averages for a run with none/,
  );
  assert.match(await messageOf(run({ema: {decay: 1.5}})), /decay of the moving average/);
});

test.run();

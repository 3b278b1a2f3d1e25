import {ClapsError, ConfigError} from "@claps/core";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {fit} from "./fit.js";
import type {StepRecord} from "./fit.js";
import {linearObjective, pointsAt} from "./linear-objective.twin.js";
import type {LinearObjective, Point} from "./linear-objective.twin.js";
import {constantRate, warmupCosine} from "./optimizer/schedules.js";

const test = suite("fit");

test.before(async () => {
  await startTestEngine();
});

const BASE = {batchAt: pointsAt, schedule: constantRate(0.05), optimizer: {weightDecay: 0}, seed: 1};

function numbers(objective: LinearObjective): number[] {
  return [...objective.variables.values()].flatMap((variable) => [...variable.dataSync()]);
}

async function messageOf(run: Promise<unknown>): Promise<ClapsError> {
  const error: unknown = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, ClapsError);
  return error as ClapsError;
}

test("finds the line and records every step", async () => {
  const objective = linearObjective();
  const lines: string[] = [];
  const schedule = warmupCosine({rate: 0.1, warmupSteps: 5, totalSteps: 200});
  const result = await fit({...BASE, objective, steps: 200, schedule, report: (line) => lines.push(line)});
  expectClose(numbers(objective), [2, 1], 2e-3);
  assert.is(result.steps, 200);
  assert.is(result.history.length, 200);
  assert.is(result.skipped, 0);
  assert.is(result.stopped, false);
  assert.is(result.traces, 1);
  assert.equal(lines, ["Step 0: the training step was compiled for 1 input shape."]);
  const [first] = result.history as [StepRecord];
  assert.is(first.step, 0);
  assert.is(first.rate, 0);
  assert.equal(Object.keys(first.parts), ["bias"]);
  assert.is(result.history[20]?.rate, schedule(20));
});

test("the first step by hand: loss, part, norm, clipping and update", async () => {
  const objective = linearObjective();
  // 0.5 * 2 - 1 = 0 against 3: error -3, loss 9, gradients 2 * -3 * 2 and 2 * -3, norm sqrt(144 + 36).
  const batchAt = (): Promise<Point[]> => Promise.resolve([{id: "only", x: 2, y: 3}]);
  const {history} = await fit({...BASE, objective, batchAt, steps: 1, clipNorm: 0.5});
  const [record] = history as [StepRecord];
  expectClose([record.loss, record.parts["bias"]!, record.norm], [9, -3, Math.sqrt(180)], 1e-5);
  // Adam's first step is the rate, whatever the length of the gradient.
  expectClose(numbers(objective), [0.55, -0.95], 1e-5);
});

test("a step that is not finite changes nothing and is counted", async () => {
  const bad = linearObjective();
  const good = linearObjective();
  const batchAt = async (step: number): Promise<Point[]> =>
    (await pointsAt(step)).map((point) => (step === 3 ? {...point, y: NaN} : point));
  const seen: number[][] = [];
  const result = await fit({
    ...BASE,
    objective: bad,
    batchAt,
    steps: 6,
    clipNorm: 1,
    onStep: () => seen.push(numbers(bad)),
  });
  assert.is(result.skipped, 1);
  assert.is(result.history[3]?.skipped, true);
  assert.equal(seen[3], seen[2]);
  assert.not.equal(seen[4], seen[3]);
  // As if the bad batch had never been there.
  const without = (step: number): Promise<Point[]> => pointsAt(step < 3 ? step : step + 1);
  await fit({...BASE, objective: good, batchAt: without, steps: 5, clipNorm: 1});
  assert.equal(numbers(bad), numbers(good));
});

test("infinite gradients are refused as well as NaN", async () => {
  const objective = linearObjective();
  const before = numbers(objective);
  const batchAt = (): Promise<Point[]> => Promise.resolve([{id: "far", x: 1e30, y: 0}]);
  const result = await fit({...BASE, objective, batchAt, steps: 2, clipNorm: 1});
  assert.is(result.skipped, 2);
  assert.equal(numbers(objective), before);
});

test("five refused steps in a row end the run and name the batches", async () => {
  const objective = linearObjective();
  const batchAt = async (step: number): Promise<Point[]> =>
    (await pointsAt(step)).map((point) => (step >= 2 ? {...point, x: NaN} : point));
  const error = await messageOf(fit({...BASE, objective, batchAt, steps: 20}));
  assert.is(error.code, "non-finite");
  assert.match(error.message, /step 2 .*point 2\.0, point 2\.1/);
  assert.match(error.message, /step 6 .*point 6\.3/);
  assert.ok(numbers(objective).every(Number.isFinite));
});

test("a weight that the loss does not reach is named, unless that is allowed", async () => {
  const objective = linearObjective();
  const variables = new Map([...objective.variables, ["idle.weight", tf.variable(tf.tensor1d([7]))]]);
  const error = await messageOf(fit({...BASE, objective: {...objective, variables}, steps: 1}));
  assert.instance(error, ConfigError);
  assert.match(error.message, /got none for idle\.weight/);
  const allowed = {...objective, variables, allowWithoutGradient: /^idle\./};
  assert.is((await fit({...BASE, objective: allowed, steps: 1})).steps, 1);
  expectClose(variables.get("idle.weight")!, [7], 0);
});

test("a frozen weight is refused by name", async () => {
  const objective = linearObjective();
  objective.variables.get("line.offset")!.trainable = false;
  assert.match((await messageOf(fit({...BASE, objective, steps: 1}))).message, /frozen ones: line\.offset/);
});

test("validation: on its cadence and after the last step; the best weights come back", async () => {
  const objective = linearObjective();
  const values: Record<number, number> = {4: 0.2, 8: 0.9, 10: 0.5};
  const atBest: number[][] = [];
  const run = (done: number): Promise<Record<string, number>> => {
    if (done === 8) atBest.push(numbers(objective));
    return Promise.resolve({dice: values[done] ?? NaN});
  };
  const result = await fit({...BASE, objective, steps: 10, validate: {every: 4, run, best: "dice"}});
  assert.equal(
    result.validations.map(({step, figures}) => [step, figures["dice"]]),
    [
      [4, 0.2],
      [8, 0.9],
      [10, 0.5],
    ],
  );
  assert.equal(result.best, {name: "dice", step: 8, value: 0.9});
  assert.equal([numbers(objective)], atBest);
  const misspelt = fit({...BASE, objective, steps: 4, validate: {every: 4, run, best: "dise"}});
  assert.match((await messageOf(misspelt)).message, /did you mean "dice"/);
});

test("every new input shape is counted and told", async () => {
  const objective = linearObjective();
  const lines: string[] = [];
  const batchAt = async (step: number): Promise<Point[]> => (await pointsAt(step)).slice(0, 1 + (step % 2));
  const result = await fit({...BASE, objective, batchAt, steps: 4, report: (line) => lines.push(line)});
  assert.is(result.traces, 2);
  assert.equal(lines, [
    "Step 0: the training step was compiled for 1 input shape.",
    "Step 1: the training step was compiled for 2 input shapes.",
  ]);
});

test("no tensor is left behind in 100 steps, nor after the run", async () => {
  const objective = linearObjective();
  const before = tf.memory().numTensors;
  const counts = new Set<number>();
  await fit({
    ...BASE,
    objective,
    steps: 100,
    onStep: ({step}) => step > 2 && counts.add(tf.memory().numTensors),
  });
  assert.is(counts.size, 1);
  assert.is(tf.memory().numTensors, before);
});

test.run();

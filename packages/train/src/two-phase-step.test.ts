import {ClapsError, ConfigError, ShapeError, createRandom} from "@claps/core";
import type {Engine} from "@claps/core";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {AdamW} from "./optimizer/adamw.js";
import type {TwoPhaseObjective} from "./two-phase-objective.js";
import {compileTwoPhaseStep} from "./two-phase-step.js";
import type {TwoPhaseResult, TwoPhaseStep} from "./two-phase-step.js";

const test = suite("two-phase step by hand");
const RATE = 0.02;
let engine: Engine;

test.before(async () => {
  engine = await startTestEngine();
});

function runStep(
  step: TwoPhaseStep<number>,
  objective: TwoPhaseObjective<number>,
  {items, update}: {items: readonly number[]; update: number},
): Promise<TwoPhaseResult> {
  const inputs = objective.prepare(items, createRandom(update));
  return step.run({items, inputs, rate: RATE, update}).finally(() => tf.dispose(inputs));
}

/** One weight, one number: what happens in a step can be worked out by hand. */
function scalarObjective(): TwoPhaseObjective<number> & {
  readonly gain: tf.Variable;
  readonly seen: number[];
} {
  const weight = tf.variable(tf.tensor1d([3]));
  const gain = tf.variable(tf.tensor1d([1]), false);
  const seen: number[] = [];
  return {
    gain,
    seen,
    variables: new Map([["weight", weight]]),
    prepare: (items) => [tf.tensor1d([...items])],
    predict: ([x]) => ({y: tf.mul(tf.mul(x!, weight), gain), unread: tf.neg(x!)}),
    decidesOn: ["y"],
    decide: ({y, unread}) => {
      assert.is(unread, undefined);
      seen.push(...y!.data);
      return [tf.tensor1d([y!.data[0]! > 5 ? 0 : 10])];
    },
    loss: ({y}, [goal]) => {
      const error = tf.sub(y!, goal!);
      return {loss: tf.sum<tf.Scalar>(tf.square(error)), parts: {error: tf.sum(error)}};
    },
  };
}

function scalarStep(objective: TwoPhaseObjective<number>): TwoPhaseStep<number> {
  const optimizer = new AdamW({weightDecay: 0});
  optimizer.track(objective.variables);
  return compileTwoPhaseStep({objective, optimizer, engine});
}

test("by hand: the decision turns on the prediction, and the weight moves accordingly", async () => {
  const objective = scalarObjective();
  const step = scalarStep(objective);
  // 2 * 3 = 6 is above 5, the goal 0: loss 36, d/dw = 2 * 6 * 2 = 24; the first step of Adam is the rate.
  const first = await runStep(step, objective, {items: [2], update: 1});
  expectClose([first.loss, first.norm, first.parts["error"]!], [36, 24, 6], 1e-6);
  assert.is(first.drift, 0);
  expectClose(objective.variables.get("weight")!, [3 - RATE], 1e-6);
  // 1 * 2.98 is below 5, the goal 10.
  const second = await runStep(step, objective, {items: [1], update: 2});
  expectClose([second.loss], [(10 - 3 + RATE) ** 2], 1e-5);
  expectClose(objective.seen, [6, 3 - RATE], 1e-6);
  assert.equal(step.traces, {predict: 1, learn: 1});
});

test("a forward pass that does not repeat itself shows in the drift", async () => {
  const objective = scalarObjective();
  const step = scalarStep({
    ...objective,
    decide: (predictions, items) => {
      objective.gain.assign(tf.tensor1d([1.5]));
      return objective.decide(predictions, items);
    },
  });
  // 6 was decided on, 9 was learnt from.
  assert.is((await runStep(step, objective, {items: [2], update: 1})).drift, 0.5);
});

test("predictions that are not finite refuse the step, in the decision or in the loss", async () => {
  const objective = scalarObjective();
  const fails = scalarStep({
    ...objective,
    decide: () => {
      throw new ClapsError("not finite", {code: "non-finite"});
    },
  });
  for (const step of [fails, scalarStep(objective)]) {
    const {accepted, loss} = await runStep(step, objective, {items: [NaN], update: 1});
    assert.not(accepted);
    assert.ok(Number.isNaN(loss));
    assert.equal([...objective.variables.get("weight")!.dataSync()], [3]);
  }
});

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error("no error"),
    (error: Error) => error,
  );
}

test("misuse is named, and nothing changes", async () => {
  const objective = scalarObjective();
  const before = tf.memory().numTensors;

  const twice = scalarStep(objective);
  const running = runStep(twice, objective, {items: [2], update: 1});
  const busy = await errorOf(runStep(twice, objective, {items: [2], update: 1}));
  assert.ok(busy instanceof ConfigError && /await/.test(busy.message));
  await running;
  const more = {...objective, decide: () => [tf.tensor1d([0]), tf.tensor1d([1])]};
  let decided = 0;
  const changing = scalarStep({
    ...objective,
    decide: (...given) => (decided++ === 0 ? objective.decide(...given) : more.decide()),
  });
  await runStep(changing, objective, {items: [2], update: 1});
  assert.match(
    (await errorOf(runStep(changing, objective, {items: [2], update: 1}))).message,
    /1 inputs and 1 tensors of the decision .* got 1 and 2/,
  );

  const empty = scalarStep({...objective, decide: () => [tf.zeros([0, 4])]});
  const unpadded = await errorOf(runStep(empty, objective, {items: [2], update: 1}));
  assert.ok(unpadded instanceof ShapeError && /\[0, 4\].*pad the truths/.test(unpadded.message));

  const misspelt = scalarStep({...objective, decidesOn: ["yy"]});
  const unknown = await errorOf(runStep(misspelt, objective, {items: [2], update: 1}));
  assert.match(unknown.message, /decidesOn.*yy/);

  const throws = scalarStep({
    ...objective,
    decide: () => Promise.reject(new RangeError("my own")),
  });
  assert.is((await errorOf(runStep(throws, objective, {items: [2], update: 1}))).message, "my own");
  // Five optimizers with two moments of the one weight, and nothing else.
  assert.is(tf.memory().numTensors - before, 10);
});

test.run();

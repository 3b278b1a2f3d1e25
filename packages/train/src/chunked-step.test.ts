import {ConfigError, DataError, ShapeError, createRandom} from "@claps/core";
import type {Engine} from "@claps/core";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {batchGradients} from "./batch-gradients.js";
import type {BatchGradients} from "./batch-gradients.js";
import {compileChunkedStep} from "./chunked-step.js";
import {TwinClip, clipItems} from "./contrastive-model.twin.js";
import {contrastiveObjective} from "./contrastive-objective.js";
import {fit} from "./fit.js";
import {linearObjective, pointsAt} from "./linear-objective.twin.js";
import type {Objective} from "./objective.js";
import {AdamW} from "./optimizer/adamw.js";
import {constantRate} from "./optimizer/schedules.js";

const test = suite("gradients and steps in chunks");
const random = createRandom("chunks");
let engine: Engine;

test.before(async () => {
  engine = await startTestEngine();
});

/** Largest difference of each gradient, beside its own largest number or a hundredth of the largest of all. */
function differenceOf(ours: BatchGradients, theirs: BatchGradients): number {
  assert.equal([...ours.gradients.keys()].sort(), [...theirs.gradients.keys()].sort());
  const largest = (data: Float32Array): number =>
    data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const overall = Math.max(...[...theirs.gradients.values()].map(({data}) => largest(data)));
  const differences = [...theirs.gradients].map(([path, {shape, data}]) => {
    const own = ours.gradients.get(path)!;
    assert.equal(own.shape, shape);
    const apart = largest(data.map((value, index) => value - own.data[index]!));
    return apart / Math.max(largest(data), overall / 100);
  });
  return Math.max(...differences);
}

for (const targets of ["labels", "pairs"] as const) {
  test(`64 ${targets} in chunks of 8 have the gradients of 64 at once`, async () => {
    const model = new TwinClip();
    const call = {objective: contrastiveObjective(model, {targets}), items: clipItems(64), random, engine};
    const whole = await batchGradients(call);
    const chunked = await batchGradients({...call, chunk: 8});
    assert.is(whole.gradients.size, 18);
    assert.ok(differenceOf(chunked, whole) < 1e-5, `${differenceOf(chunked, whole)}`);
    expectClose([chunked.loss], [whole.loss], 1e-6);
    for (const name of Object.keys(whole.parts)) {
      expectClose([chunked.parts[name]!], [whole.parts[name]!], 1e-6, name);
    }
    // A chunk on its own has another gradient: the comparison can fail.
    const alone = await batchGradients({...call, items: call.items.slice(0, 8)});
    assert.ok(differenceOf(alone, whole) > 0.1);
    model.dispose();
  });
}

test("a smaller last chunk, and a batch smaller than a chunk, are computed exactly in the same shapes", async () => {
  const model = new TwinClip();
  const objective = contrastiveObjective(model);
  for (const count of [10, 3]) {
    const call = {objective, items: clipItems(count), random, engine};
    const difference = differenceOf(await batchGradients({...call, chunk: 4}), await batchGradients(call));
    assert.ok(difference < 1e-5, `${count}: ${difference}`);
  }
  const optimizer = new AdamW();
  optimizer.track(objective.variables);
  const step = compileChunkedStep({objective, optimizer, engine, chunk: 4});
  for (const [update, count] of [10, 10, 10].entries()) {
    await step.run({items: clipItems(count, update), random, rate: 1e-3, update: update + 1});
  }
  assert.is(step.traces, 1);
  // 4, 4 and 2 filled up to 4, for the embeddings and for the gradients.
  assert.equal(model.prepared.slice(-6), [4, 4, 4, 4, 4, 4]);
  step.dispose();
  optimizer.dispose();
  model.dispose();
});

test("a tower without trained weights is computed once, and its weights stay", async () => {
  const model = new TwinClip();
  model.setTrainable(/^vision_model/, false);
  const before = model.vision.namedWeights().get("projection.weight")!.dataSync().slice();
  const objective = contrastiveObjective(model);
  const call = {objective, items: clipItems(8), random, engine};
  const whole = await batchGradients(call);
  model.prepared.length = 0;
  const chunked = await batchGradients({...call, chunk: 4});
  assert.equal(model.prepared, [4, 4]);
  assert.is(chunked.gradients.size, 9);
  assert.ok(differenceOf(chunked, whole) < 1e-5);
  const run = {schedule: constantRate(0.01), seed: 1, steps: 2, chunk: 4};
  await fit({...run, objective, batchAt: () => Promise.resolve(call.items)});
  assert.equal(model.vision.namedWeights().get("projection.weight")!.dataSync(), before);
  model.dispose();
});

/** One number per item, whose gradient overflows while the loss does not. */
function steep(): Objective<number> & {readonly weight: tf.Variable} {
  const weight = tf.variable(tf.tensor1d([1]));
  const variables = new Map([["weight", weight]]);
  const embed = ([x]: readonly tf.Tensor[]): tf.Tensor => tf.mul(x!, weight);
  const loss = ([y]: readonly tf.Tensor[]): {loss: tf.Scalar; parts: Record<string, never>} => ({
    loss: tf.mul<tf.Scalar>(tf.sum(y!), 1e3),
    parts: {},
  });
  const prepare = (items: readonly number[]): tf.Tensor[] => [tf.tensor1d([...items])];
  return {
    weight,
    variables,
    prepare,
    loss: (inputs) => loss([embed(inputs)]),
    chunked: {
      towers: [{name: "only", variables, prepare, embed}],
      prepare: () => [],
      loss,
    },
  };
}

test("a chunked step that fails leaves no tensor behind", async () => {
  const model = new TwinClip();
  const objective = contrastiveObjective(model);
  const [first, ...others] = clipItems(4);
  const both = {...first!, labels: {positive: ["fluid"], negative: ["fluid"]}};
  const before = tf.memory().numTensors;
  const failed = batchGradients({objective, items: [both, ...others], random, engine, chunk: 2});
  assert.instance(await failed.catch((error: unknown) => error), DataError);
  assert.is(tf.memory().numTensors, before);
  model.dispose();
});

test("a gradient that overflows is refused, and the next step starts from zeros again", async () => {
  const objective = steep();
  const optimizer = new AdamW({weightDecay: 0});
  optimizer.track(objective.variables);
  const step = compileChunkedStep({objective, optimizer, engine, chunk: 2});
  const run = (items: number[]): ReturnType<typeof step.run> =>
    step.run({items, random, rate: 0.1, update: 1});
  // The gradient is 3e23, and its square is beyond float32.
  const infinite = await run([1e20, 1e20, 1e20]);
  assert.is(infinite.accepted, false);
  assert.is(Number.isFinite(infinite.loss), true);
  const before = objective.weight.dataSync()[0]!;
  const fine = await run([1, 2, 3]);
  assert.is(fine.accepted, true);
  expectClose([fine.norm], [6000], 1e-6);
  expectClose(objective.weight, [before - 0.1], 1e-5);
  step.dispose();
  optimizer.dispose();
});

test("what cannot be: no chunked form, chunk 0, no item, foreign weights, no gradient, wrong rows", async () => {
  const messageOf = async (run: Promise<unknown>, kind: new (message: string) => Error): Promise<string> => {
    const error: unknown = await run.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.instance(error, kind);
    return (error as Error).message;
  };
  const line = linearObjective();
  const run = {objective: line, batchAt: pointsAt, schedule: constantRate(0.01), seed: 1, steps: 1};
  assert.match(await messageOf(fit({...run, chunk: 2}), ConfigError), /computed in chunks/);
  const objective = steep();
  const call = {objective, items: [1, 2], random, engine};
  assert.match(await messageOf(batchGradients({...call, chunk: 0}), ConfigError), /chunk: .*at least 1/);
  assert.match(await messageOf(batchGradients({...call, items: [], chunk: 2}), ConfigError), /one item/);
  const tower = objective.chunked!.towers[0]!;
  const withTower = (changed: Partial<typeof tower>): typeof call & {chunk: number} => ({
    ...call,
    objective: {...objective, chunked: {...objective.chunked!, towers: [{...tower, ...changed}]}},
    chunk: 2,
  });
  const foreign = new Map([["other", tf.variable(tf.scalar(1))]]);
  assert.match(
    await messageOf(batchGradients(withTower({variables: foreign})), ConfigError),
    /"only".*trained ones.*other/,
  );
  const unreached = withTower({embed: ([x]) => tf.mul(x!, 2)});
  assert.match(
    await messageOf(batchGradients(unreached), ConfigError),
    /a gradient for every.*got none for weight/,
  );
  const tooFew = withTower({embed: ([x]) => tf.sum(tf.mul(x!, objective.weight), 0, true)});
  assert.match(await messageOf(batchGradients(tooFew), ShapeError), /"only".*2 items.*\[1\]/);
});

test.run();

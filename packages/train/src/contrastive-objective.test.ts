import {ConfigError, DataError, createRandom} from "@claps/core";
import type {Engine} from "@claps/core";
import {checkGradients, expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {batchGradients} from "./batch-gradients.js";
import {TwinClip, clipItems} from "./contrastive-model.twin.js";
import {contrastiveObjective} from "./contrastive-objective.js";
import type {ClipItem, ContrastiveObjectiveOptions} from "./contrastive-objective.js";
import {fit} from "./fit.js";
import {labelRelation} from "./label-relation.js";
import type {LabelledPair} from "./label-relation.js";
import {contrastiveLoss} from "./losses/contrastive-loss.js";
import {constantRate} from "./optimizer/schedules.js";

const test = suite("contrastive objective");
let engine: Engine;

test.before(async () => {
  engine = await startTestEngine();
});

const random = createRandom("contrastive objective");

/** Loss and parts of embeddings that are given, with one text per picture. */
function lossOf(
  embeddings: {image: number[][]; text: number[][]},
  relation: number[],
  options: ContrastiveObjectiveOptions & {logScale?: number} = {},
): Record<string, number> {
  const {logScale = Math.log(10), ...settings} = options;
  const model = new TwinClip();
  model.logitScale.assign(tf.scalar(logScale));
  const {chunked} = contrastiveObjective(model, settings);
  const count = embeddings.image.length;
  const {loss, parts} = chunked!.loss(
    [tf.tensor2d(embeddings.image), tf.tensor2d(embeddings.text)],
    [tf.tensor2d(relation, [count, count])],
  );
  const numbers = Object.entries({loss, ...parts}).map(([name, part]) => [name, part.dataSync()[0]!]);
  model.dispose();
  return Object.fromEntries(numbers) as Record<string, number>;
}

/** Cosines 1, 0.6 and 0.8, 0 with the four pairs, times ten. */
const TWO = {
  image: [
    [2, 0],
    [0, 3],
  ],
  text: [
    [1, 0],
    [6, 8],
  ],
};

test("the relation by hand: together, apart, unknown, and the own caption always", () => {
  const pair = (captionLabel: string, positive: string[], negative?: string[]): LabelledPair => ({
    id: captionLabel,
    captionLabel,
    labels: {positive, ...(negative && {negative})},
  });
  const pairs = [
    pair("a", ["a", "b"], ["c"]),
    pair("b", ["b"], ["a"]),
    pair("c", []),
    pair("a", ["a", "elsewhere"]),
  ];
  assert.equal([...labelRelation(pairs)], [1, 1, 0, 1, 0, 1, -1, 0, -1, -1, 1, -1, 1, -1, -1, 1]);
  assert.throws(
    () => labelRelation([pair("a", ["a", "x"], ["x"])]),
    (error: unknown) => error instanceof DataError && /"a".*"x" among both/.test(error.message),
  );
});

test("loss by hand: pairs, one label, and an unknown pair that is left out of both softmaxes", () => {
  // Logits 10, 6 and 0, 8.
  const row1 = Math.log(1 + Math.exp(-4));
  const row2 = Math.log(1 + Math.exp(-8));
  const column1 = Math.log(1 + Math.exp(-10));
  const column2 = Math.log(1 + Math.exp(-2));
  const pairs = lossOf(TWO, [1, 0, 0, 1]);
  expectClose([pairs["imageLoss"]!], [(row1 + row2) / 2], 1e-5);
  expectClose([pairs["textLoss"]!], [(column1 + column2) / 2], 1e-5);
  expectClose([pairs["loss"]!], [(row1 + row2 + column1 + column2) / 4], 1e-5);
  expectClose([pairs["scale"]!, pairs["accuracy"]!], [10, 1], 1e-5);
  // All belong to all: each half of a softmax counts half.
  const same = lossOf(TWO, [1, 1, 1, 1]);
  expectClose([same["imageLoss"]!], [(row1 + 2 + row2 + 4) / 2], 1e-5);
  expectClose([same["textLoss"]!], [(column1 + 5 + column2 + 1) / 2], 1e-5);
  // Picture 0 and text 1 unknown: row 0 and column 1 have one entry left.
  const unknown = lossOf(TWO, [1, -1, 0, 1]);
  expectClose([unknown["imageLoss"]!, unknown["textLoss"]!], [row2 / 2, column1 / 2], 1e-6);
});

test("accuracy: the best known caption counts, a tie with a wrong one does not", () => {
  const image = [
    [1, 0],
    [1, 0],
  ];
  const text = [
    [0, 1],
    [1, 0],
  ];
  // Picture 0 likes text 1 more.
  assert.is(lossOf({image, text}, [1, 0, 0, 1])["accuracy"], 0.5);
  assert.is(lossOf({image, text}, [1, -1, 0, 1])["accuracy"], 1);
  assert.is(lossOf({image, text: image}, [1, 0, 0, 1])["accuracy"], 0);
});

test("what is left out gets no gradient at all", () => {
  const known = tf.tensor2d([
    [1, 0, 1],
    [1, 1, 0],
    [0, 1, 1],
  ]);
  const belongs = tf.tensor2d([
    [1, 0, 0],
    [1, 1, 0],
    [0, 0, 1],
  ]);
  const logits = tf.tensor2d(random.fork("logits").normalArray(9), [3, 3]);
  const gradient = tf.grad((x) => contrastiveLoss(x as tf.Tensor2D, belongs, known).loss)(logits);
  const [values, mask] = [gradient.dataSync(), known.dataSync()];
  values.forEach((value, index) => assert.is(value !== 0, mask[index] === 1, `entry ${index}`));
  checkGradients((x) => contrastiveLoss(x as tf.Tensor2D, belongs, known).loss, [logits]);
  assert.throws(() => contrastiveLoss(logits, belongs, tf.ones([3, 2])), /known.*\[3, 3\].*\[3, 2\]/);
});

test("a batch of one: loss 0 and gradients 0, with labels and without", async () => {
  for (const targets of ["pairs", "labels"] as const) {
    const model = new TwinClip();
    const objective = contrastiveObjective(model, {targets});
    const {loss, parts, gradients} = await batchGradients({objective, items: clipItems(1), random, engine});
    assert.is(loss, 0);
    assert.is(parts["accuracy"], 1);
    assert.is(gradients.size, model.namedWeights().size);
    for (const [path, {data}] of gradients)
      assert.ok(
        data.every((value) => value === 0),
        path,
      );
    model.dispose();
  }
});

test("one label in the whole batch: a finite loss of at least ln N, and training goes on", async () => {
  const model = new TwinClip();
  const items = clipItems(4).map((item): ClipItem => ({
    ...item,
    captionLabel: "fluid",
    labels: {positive: ["fluid"]},
  }));
  const {history} = await fit({
    objective: contrastiveObjective(model),
    batchAt: () => Promise.resolve(items),
    steps: 30,
    schedule: constantRate(0.01),
    seed: 1,
  });
  const [first, last] = [history[0]!.loss, history.at(-1)!.loss];
  assert.ok(last < first && last >= Math.log(4) - 1e-5, `${first} to ${last}`);
  model.dispose();
});

test("learns to tell colours: labels and pairs, accuracy from chance to all", async () => {
  for (const targets of ["labels", "pairs"] as const) {
    const model = new TwinClip();
    const items = clipItems(3);
    const {history} = await fit({
      objective: contrastiveObjective(model, {targets}),
      batchAt: () => Promise.resolve(items),
      steps: 60,
      schedule: constantRate(0.02),
      seed: 1,
    });
    assert.ok(history[0]!.loss > 0.5, `starts at ${history[0]!.loss}`);
    assert.ok(history.at(-1)!.loss < 0.05, `ends at ${history.at(-1)!.loss}`);
    assert.is(history.at(-1)!.parts["accuracy"], 1);
    model.dispose();
  }
});

test("the scale stays within its limits, after each step and in the loss", async () => {
  const model = new TwinClip();
  const scaleAfter = async (start: number, rate: number): Promise<number[]> => {
    model.logitScale.assign(tf.scalar(start));
    const seen: number[] = [];
    await fit({
      objective: contrastiveObjective(model, {trainable: /logit_scale/}),
      batchAt: () => Promise.resolve(clipItems(3)),
      steps: 3,
      schedule: constantRate(rate),
      seed: 1,
      onStep: () => seen.push(model.logitScale.dataSync()[0]!),
    });
    return seen;
  };
  // An untrained model wants a smaller scale; steps of a hundred leave every range.
  assert.equal(await scaleAfter(2, 100), [0, 0, 0]);
  const limit = Math.fround(Math.log(100));
  assert.equal((await scaleAfter(7, 1e-9))[0], limit);
  assert.is(Math.fround(lossOf(TWO, [1, 0, 0, 1], {logScale: 9})["scale"]!), Math.fround(Math.exp(limit)));
  assert.is(lossOf(TWO, [1, 0, 0, 1], {logScale: -3})["scale"], 1);
  assert.ok(
    Math.abs(lossOf(TWO, [1, 0, 0, 1], {logScale: 9, maxLogitScale: 2})["scale"]! - Math.exp(2)) < 1e-5,
  );
  // Outside its gradient is 0, at the end and inside it is not.
  for (const [start, zero] of [
    [7, true],
    [-1, true],
    [1, false],
    [limit, false],
  ] as const) {
    model.logitScale.assign(tf.scalar(start));
    const objective = contrastiveObjective(model, {trainable: /logit_scale/});
    const {gradients} = await batchGradients({objective, items: clipItems(3), random, engine});
    assert.is(gradients.get("logit_scale")!.data[0] === 0, zero, `at ${start}`);
  }
  model.dispose();
});

test("the limit turns a scale back from far outside also when its gradient is 0", async () => {
  const model = new TwinClip();
  model.logitScale.assign(tf.scalar(-2));
  await fit({
    objective: contrastiveObjective(model),
    batchAt: () => Promise.resolve(clipItems(3)),
    steps: 1,
    schedule: constantRate(1e-6),
    seed: 1,
  });
  assert.is(model.logitScale.dataSync()[0], 0);
  model.dispose();
});

test("pictures may come when they are wanted; shorter texts", async () => {
  const model = new TwinClip();
  const items = clipItems(3);
  const lazy = items.map((item): ClipItem => ({...item, image: () => Promise.resolve(item.image as never)}));
  const objective = contrastiveObjective(model, {textLength: 2});
  const now = await objective.prepare(items, random);
  const later = await objective.prepare(lazy, random);
  assert.equal(
    now.map(({shape}) => shape),
    [
      [3, 4, 4, 3],
      [3, 2],
      [3, 3],
    ],
  );
  now.forEach((tensor, index) => assert.equal(tensor.dataSync(), later[index]!.dataSync()));
  tf.dispose([now, later]);
  model.dispose();
});

test("what cannot be: nothing to train, no item, settings out of range", async () => {
  const model = new TwinClip();
  assert.throws(
    () => contrastiveObjective(model, {trainable: /no such/}),
    (error: unknown) => error instanceof ConfigError && /none of 18 .*no such/.test(error.message),
  );
  assert.throws(() => contrastiveObjective(model, {maxLogitScale: -1}), /maxLogitScale/);
  assert.throws(() => contrastiveObjective(model, {chunk: 0}), /chunk/);
  assert.throws(() => contrastiveObjective(model, {textLength: 1}), /textLength/);
  const outcome = await Promise.resolve(contrastiveObjective(model).prepare([], random)).catch(
    (error: unknown) => error,
  );
  assert.instance(outcome, DataError);
  model.dispose();
});

test.run();

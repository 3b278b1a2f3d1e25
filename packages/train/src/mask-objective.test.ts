import {ClapsError, createRandom} from "@claps/core";
import {createImage} from "@claps/image";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {fit} from "./fit.js";
import {maskLoss} from "./losses/mask-loss.js";
import {maskObjective} from "./mask-objective.js";
import type {MaskExample, MaskModel, MaskPrompt} from "./mask-objective.js";
import {constantRate} from "./optimizer/schedules.js";

const test = suite("mask objective");
const random = createRandom("mask objective");

test.before(async () => {
  await startTestEngine();
});

/** Side of the picture; with patches of 8 the logits are 4 x 4, each 2 x 2 px. */
const SIDE = 8;
const PHRASES = ["bright", "dark"];

interface FakeModel extends MaskModel {
  readonly variables: Map<string, tf.Variable>;
}

/** The least that reads a picture, a phrase and a box: brightness times a number that the phrase looks up. */
function fakeModel(): FakeModel {
  const variables = new Map<string, tf.Variable>([
    ["text_prompt.table", tf.variable(tf.tensor2d([[0.1], [0.2]]))],
    ["sam.offset", tf.variable(tf.scalar(0))],
    ["sam.iou", tf.variable(tf.scalar(0.5))],
    ["sam.buffer", tf.variable(tf.scalar(3), false)],
  ]);
  const sam = {
    imageSize: SIDE,
    encoder: {patchSize: 8},
    pixelMean: [127.5, 127.5, 127.5],
    pixelDeviation: [127.5, 127.5, 127.5],
  };
  return {
    variables,
    config: {sam: sam as unknown as MaskModel["config"]["sam"]},
    namedWeights: () => new Map(variables),
    encodePhrases: (phrases) => Int32Array.from(phrases, (phrase) => PHRASES.indexOf(phrase)),
    forward: ({pixels, ids, boxes}) => {
      const [images, prompts] = ids.shape;
      const cells = tf.mean(tf.reshape(pixels, [images, 4, 2, 4, 6]), [2, 4]);
      const brightness = tf.reshape(tf.slice(cells, [0, 0, 0], [images, 4, 4]), [images, 1, 4, 4]);
      const chosen = tf.oneHot(tf.reshape(ids, [images * prompts]), 2);
      const looked = tf.matMul(
        tf.cast(chosen, "float32"),
        variables.get("text_prompt.table") as tf.Variable<tf.Rank.R2>,
      );
      const gain = tf.reshape(looked, [images, prompts, 1, 1]);
      // Only here so that a wrong order of boxes would show.
      const left = tf.reshape(tf.slice(boxes, [0, 0, 0], [images, prompts, 1]), [images, prompts, 1, 1]);
      const logits = tf.add(tf.add(tf.mul(gain, brightness), variables.get("sam.offset")!), left);
      const iou = tf.mul(tf.ones([images, prompts]), variables.get("sam.iou")!);
      return {logits: logits as tf.Tensor4D, iou: iou as tf.Tensor2D};
    },
  };
}

/** A picture whose left or right half is bright, asked for the bright and the dark half. */
function example(id: string, brightLeft: boolean): MaskExample {
  const data = new Float32Array(SIDE * SIDE * 3);
  for (let index = 0; index < data.length; index++) {
    const x = Math.floor(index / 3) % SIDE;
    data[index] = x < SIDE / 2 === brightLeft ? 1 : 0;
  }
  const half = (left: boolean): Float32Array =>
    Float32Array.from({length: 16}, (_, cell) => (cell % 4 < 2 === left ? 1 : 0));
  const prompt = (phrase: string, left: boolean): MaskPrompt => ({
    phrase,
    box: [0, 0, SIDE, SIDE],
    truth: half(left),
    weight: new Float32Array(16).fill(1),
    counts: 1,
  });
  return {
    id,
    image: createImage({data, height: SIDE, width: SIDE, id}),
    prompts: [prompt("bright", brightLeft), prompt("dark", !brightLeft)],
  };
}

test("prepare: shapes, order, and prompts that fill up without counting", () => {
  const objective = maskObjective(fakeModel(), {promptsPerImage: 3});
  const inputs = objective.prepare([example("a", true), example("b", false)], random);
  assert.equal(
    inputs.map(({shape}) => shape),
    [
      [2, 8, 8, 3],
      [2, 3, 1],
      [2, 3, 4],
      [2, 3, 4, 4],
      [2, 3, 4, 4],
      [2, 3],
    ],
  );
  const [pixels, ids, boxes, truth, weight, counts] = inputs as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  assert.is(ids.dtype, "int32");
  assert.equal([...ids.dataSync()], [0, 1, 0, 0, 1, 0]);
  assert.equal([...counts.dataSync()], [1, 1, 0, 1, 1, 0]);
  // First rows: normalized to ±1; truth left, then right.
  assert.equal([...pixels.dataSync()].slice(0, 24), [
    ...new Array<number>(12).fill(1),
    ...new Array<number>(12).fill(-1),
  ]);
  assert.equal([...truth.dataSync()].slice(0, 4), [1, 1, 0, 0]);
  assert.equal([...truth.dataSync()].slice(16, 20), [0, 0, 1, 1]);
  assert.equal([...boxes.dataSync()].slice(0, 4), [0, 0, 8, 8]);
  assert.is(tf.sum(weight).dataSync()[0], 96);
});

test("prepare: of too many prompts some are drawn, the same for the same seed", () => {
  const objective = maskObjective(fakeModel(), {promptsPerImage: 1});
  const items = Array.from({length: 16}, (_, index) => example(String(index), true));
  const drawn = (seed: string): number[] => [...objective.prepare(items, createRandom(seed))[1]!.dataSync()];
  assert.equal(drawn("one"), drawn("one"));
  assert.not.equal(drawn("one"), drawn("two"));
  assert.ok(drawn("one").includes(0) && drawn("one").includes(1));
});

test("the loss is the mask loss of the model's outputs", () => {
  const model = fakeModel();
  const objective = maskObjective(model, {promptsPerImage: 2});
  const inputs = objective.prepare([example("a", true)], random);
  const {loss, parts} = objective.loss(inputs);
  const [pixels, ids, boxes, truth, weight, counts] = inputs as [
    tf.Tensor4D,
    tf.Tensor3D,
    tf.Tensor3D,
    tf.Tensor4D,
    tf.Tensor4D,
    tf.Tensor2D,
  ];
  const expected = maskLoss({...model.forward({pixels, ids, boxes}), truth, weight, counts});
  expectClose(loss, expected.loss, 1e-6);
  expectClose(parts["iouError"]!, expected.iouError, 1e-6);
  assert.equal(Object.keys(parts), ["focal", "dice", "iouError"]);
});

test("training: each phrase learns its half", async () => {
  const model = fakeModel();
  const objective = maskObjective(model, {promptsPerImage: 2});
  const items = [example("a", true), example("b", false)];
  const {history} = await fit({
    objective,
    batchAt: () => Promise.resolve(items),
    steps: 60,
    schedule: constantRate(0.1),
    optimizer: {weightDecay: 0},
    clipNorm: 10,
    seed: 1,
  });
  const [bright, dark] = model.variables.get("text_prompt.table")!.dataSync() as unknown as [number, number];
  assert.ok(bright > 2 && dark < -2, `${bright}, ${dark}`);
  assert.ok(history.at(-1)!.loss < history[0]!.loss / 5);
});

test("what is trained: all that may change, or what the pattern names", () => {
  const all = maskObjective(fakeModel(), {promptsPerImage: 1});
  assert.equal([...all.variables.keys()], ["text_prompt.table", "sam.offset", "sam.iou"]);
  const some = maskObjective(fakeModel(), {promptsPerImage: 1, trainable: /^text/});
  assert.equal([...some.variables.keys()], ["text_prompt.table"]);
  assert.throws(
    () => maskObjective(fakeModel(), {promptsPerImage: 1, trainable: /^detector/}),
    /got none of 4 that may change and match \/\^detector\//,
  );
});

test("only parts that boxes never reach may go without a gradient", () => {
  const {allowWithoutGradient} = maskObjective(fakeModel(), {promptsPerImage: 1});
  const allows = (path: string): boolean => path.search(allowWithoutGradient!) >= 0;
  assert.ok(allows("sam.prompt_encoder.mask_embed.conv1.weight"));
  assert.ok(allows("sam.prompt_encoder.point_embed.1.weight"));
  assert.ok(allows("sam.mask_decoder.output_hypernetworks_mlps.3.proj_in.weight"));
  assert.not(allows("sam.prompt_encoder.point_embed.2.weight"));
  assert.not(allows("sam.mask_decoder.output_hypernetworks_mlps.0.proj_in.weight"));
  assert.not(allows("sam.vision_encoder.pos_embed"));
  assert.not(allows("text.text_model.final_layer_norm.weight"));
});

test("examples that do not fit are named", () => {
  const objective = maskObjective(fakeModel(), {promptsPerImage: 1});
  const good = example("good", true);
  const messageOf = (item: MaskExample): string => {
    try {
      objective.prepare([item], random);
    } catch (error) {
      assert.instance(error, ClapsError);
      return (error as Error).message;
    }
    return "";
  };
  assert.match(messageOf({...good, id: "empty", prompts: []}), /"empty".*at least one prompt/);
  const short = {...good.prompts[0]!, truth: new Float32Array(15)};
  assert.match(
    messageOf({...good, id: "short", prompts: [short]}),
    /"short", "bright".*4 x 4 numbers as truth, got 15/,
  );
});

test.run();

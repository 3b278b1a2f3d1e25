import {createRandom} from "@claps/core";
import {checkLayer, expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {TextPrompt} from "./text-prompt.js";
import type {TextPromptConfig} from "./text-prompt.js";

await startTestEngine();

const additive: TextPromptConfig = {
  textWidth: 3,
  hiddenWidth: 5,
  promptWidth: 4,
  form: "additive",
  start: "something",
};

function run(block: TextPrompt): tf.Tensor {
  return block.forward(tf.tensor2d([1, -2, 0.5, 0.1, 0.2, 0.3], [2, 3]));
}

test("additive: four weights, 3 * 5 + 5 + 5 * 4 + 4 numbers, a gradient for each", () => {
  checkLayer({
    build: (random) => new TextPrompt(additive, {random}),
    run,
    outputShape: [2, 4],
    weights: 4,
    parameters: 44,
  });
});

test("token: one vector more, which says that this prompt is a text", () => {
  checkLayer({
    build: (random) => new TextPrompt({...additive, form: "token"}, {random}),
    run,
    outputShape: [2, 4],
    weights: 5,
    parameters: 48,
  });
});

test("additive that starts with nothing: exactly zero, and the last layer is the first to learn", () => {
  const config: TextPromptConfig = {...additive, start: "nothing"};
  checkLayer({
    build: (random) => new TextPrompt(config, {random}),
    run,
    outputShape: [2, 4],
    weights: 4,
    parameters: 44,
    // A gradient cannot pass a matrix of zeros; after one step it can.
    unreached: ["hidden.weight", "hidden.bias"],
  });
  const block = new TextPrompt(config, {random: createRandom(3)});
  assert.equal([...tf.tidy(() => run(block).dataSync())], new Array(8).fill(0));
  block.dispose();
});

test("the token form never starts with nothing: a prompt of zeros would still be a prompt", () => {
  const block = new TextPrompt({...additive, form: "token", start: "nothing"}, {random: createRandom(3)});
  const values = tf.tidy(() => run(block).dataSync());
  assert.ok(values.every((value) => value !== 0));
  block.dispose();
});

test("linear, exact GELU, linear: 1 becomes 2 - 1 = 1, GELU 0.841345, then [3, -1] times it plus [0.5, 0]", () => {
  const config: TextPromptConfig = {...additive, textWidth: 1, hiddenWidth: 1, promptWidth: 2};
  const block = new TextPrompt(config, {random: createRandom(1)});
  const weights = block.namedWeights();
  const assign = (name: string, values: number[], shape: number[]): void =>
    tf.tidy(() => weights.get(name)!.assign(tf.tensor(values, shape)));
  assign("hidden.weight", [2], [1, 1]);
  assign("hidden.bias", [-1], [1]);
  assign("output.weight", [3, -1], [1, 2]);
  assign("output.bias", [0.5, 0], [2]);
  const result = tf.tidy(() => block.forward(tf.tensor2d([1], [1, 1])).dataSync());
  expectClose(result, [3 * 0.8413447 + 0.5, -0.8413447], 1e-5);
  block.dispose();
});

test("calibrated to groups of nearly equal texts: centred over all, spread by 1 within a group", () => {
  tf.tidy(() => {
    const random = createRandom("calibrate");
    const block = new TextPrompt({...additive, hiddenWidth: 32, promptWidth: 16}, {random});
    // Groups far from each other and from 0, their members close together, as phrases behind a signature are.
    const groups = [5, 9].map((centre, index) => {
      const values = random.fork(index).normalArray(20 * 3);
      return tf.tensor2d(
        values.map((value) => centre + 0.1 * value),
        [20, 3],
      );
    });
    block.calibrate(groups);
    const results = groups.map((group) => block.forward(group));
    expectClose(tf.mean(tf.concat(results), 0), tf.zeros([16]), 1e-4);
    const variances = results.map((rows) => tf.mean(tf.square(tf.sub(rows, tf.mean(rows, 0, true)))));
    expectClose(tf.mean(tf.stack(variances)), tf.scalar(1), 1e-3);
    block.dispose();
  });
});

test.run();

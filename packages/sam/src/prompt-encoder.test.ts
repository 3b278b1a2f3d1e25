import {ConfigError, createRandom, ShapeError} from "@claps/core";
import {checkLayer, expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {samMicro} from "./config.js";
import {PositionalEmbedding} from "./positional-embedding.js";
import {PromptEncoder} from "./prompt-encoder.js";

await startTestEngine();
const encoder = new PromptEncoder(samMicro, {random: createRandom("prompts")});
const width = samMicro.promptWidth;
const point = (label: number): tf.Tensor4D =>
  encoder.forward({
    points: tf.tensor4d([20, 30], [1, 1, 1, 2]),
    labels: tf.tensor3d([label], [1, 1, 1], "int32"),
    boxes: tf.tensor3d([0, 0, 8, 8], [1, 1, 4]),
  }).sparse as tf.Tensor4D;
const firstToken = (tokens: tf.Tensor4D): tf.Tensor => tf.slice(tokens, [0, 0, 0, 0], [1, 1, 1, width]);

test("features of positions by hand: sines, then cosines of 2π times the frequencies", () => {
  const embedding = new PositionalEmbedding(4, {random: createRandom(1)});
  embedding.frequencies.assign(tf.tensor2d([1, 0, 0, 2], [2, 2]));
  // x = 0.625 and y = 0.5625 lie at 0.25 and 0.125 of -1..1: angles π/2 and π/2.
  expectClose(embedding.forward(tf.tensor2d([[0.625, 0.5625]])), [1, 1, 0, 0], 1e-6);
  // The first cell of a grid of 2 has its centre at -0.5, -0.5: angles -π and -2π.
  expectClose(tf.slice(embedding.grid(2), [0, 0, 0, 0], [1, 1, 1, 4]), [0, 0, -1, 1], 1e-6);
  embedding.dispose();
});

test("labels 1 and 0 add their vectors, -1 replaces, -10 erases", () => {
  const features = encoder.positions.forward(tf.tensor2d([[20.5 / 64, 30.5 / 64]]));
  expectClose(firstToken(point(1)), tf.add(features, encoder.pointTypes[1] as tf.Tensor), 1e-6);
  expectClose(firstToken(point(0)), tf.add(features, encoder.pointTypes[0] as tf.Tensor), 1e-6);
  expectClose(firstToken(point(-1)), encoder.noPoint, 1e-6);
  expectClose(firstToken(point(-10)), new Float32Array(width), 0);
});

test("points alone are followed by one token of no point, with boxes by the corners", () => {
  const points = tf.ones([2, 3, 4, 2]);
  const labels = tf.ones([2, 3, 4], "int32");
  const alone = encoder.forward({points, labels}).sparse as tf.Tensor4D;
  assert.equal(alone.shape, [2, 3, 5, width]);
  expectClose(tf.slice(alone, [1, 2, 4, 0], [1, 1, 1, width]), encoder.noPoint, 0);
  assert.equal(encoder.forward({points, labels, boxes: tf.ones([2, 3, 4])}).sparse?.shape, [2, 3, 6, width]);
});

test("masks give a grid per prompt; without them the grid is one vector", () => {
  assert.equal(encoder.forward({masks: tf.ones([2, 3, 32, 32])}).dense.shape, [2, 3, 8, 8, width]);
  assert.is(encoder.forward({masks: tf.ones([2, 3, 32, 32])}).sparse, undefined);
  const {dense} = encoder.forward({boxes: tf.ones([2, 3, 4])});
  assert.equal(dense.shape, [1, 1, 1, 1, width]);
  expectClose(dense, encoder.noMask, 0);
});

test("text is added to both corners and to nothing else", () => {
  const boxes = tf.tensor3d([1, 2, 30, 40], [1, 1, 4]);
  const text = tf.tensor(createRandom("t").normalArray(width), [1, 1, width]);
  const plain = encoder.forward({boxes}).sparse as tf.Tensor4D;
  const guided = encoder.forward({boxes}, text).sparse as tf.Tensor4D;
  expectClose(tf.sub(guided, plain), tf.tile(text, [1, 2, 1]), 1e-5);
  expectClose(encoder.forward({boxes}, tf.zerosLike(text)).sparse as tf.Tensor4D, plain, 0);
});

test("contradictions are refused", () => {
  assert.throws(
    () => encoder.forward({}),
    (error: unknown) => error instanceof ConfigError,
  );
  assert.throws(() => encoder.forward({points: tf.ones([1, 1, 1, 2])}), /points and labels together/);
  assert.throws(
    () => encoder.forward({boxes: tf.ones([1, 4])}),
    (error: unknown) => error instanceof ShapeError,
  );
  assert.throws(() => encoder.forward({masks: tf.ones([1, 1, 8, 8])}), /\[any, any, 32, 32\]/);
});

test("contract: sixteen weights and one buffer", () => {
  checkLayer({
    build: (random) => new PromptEncoder(samMicro, {random}),
    run: (block) => {
      const points = tf.tensor4d([5, 6, 7, 8, 9, 10], [1, 1, 3, 2]);
      const labels = tf.tensor3d([1, 0, -1], [1, 1, 3], "int32");
      const {sparse} = block.forward({points, labels, boxes: tf.tensor3d([1, 2, 3, 4], [1, 1, 4])});
      const {dense} = block.forward({masks: tf.tensor(createRandom(2).normalArray(1024), [1, 1, 32, 32])});
      return [sparse as tf.Tensor, dense, block.forward({boxes: tf.ones([1, 1, 4])}).dense];
    },
    outputShape: [1, 1, 5, 16],
    weights: 17,
    // Frequencies, six vectors, then the embedding of masks: 2 px to 2 and 8 channels, 1 px to 16.
    parameters: 16 + 6 * 16 + (8 + 2) + 4 + (64 + 8) + 16 + (128 + 16),
  });
});

test.run();

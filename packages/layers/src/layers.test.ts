import {ConfigError, createRandom} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {activation} from "./activation.js";
import type {Activation} from "./activation.js";
import {asLayersModel} from "./as-layers-model.js";
import {Conv2d} from "./conv2d.js";
import {ConvTranspose2d} from "./conv-transpose2d.js";
import {Embedding} from "./embedding.js";
import {LayerNorm} from "./layer-norm.js";
import {Linear} from "./linear.js";
import {Mlp} from "./mlp.js";
import {MultiHeadAttention} from "./multi-head-attention.js";
import {PatchEmbedding} from "./patch-embedding.js";
import {checkLayer, expectClose, startTestEngine} from "./testing.js";

await startTestEngine();
const sample = (label: string, shape: number[]): tf.Tensor =>
  tf.tensor(createRandom(label).normalArray(tf.util.sizeFromShape(shape)), shape);

test("contracts of the layers; weights and parameters counted by hand", () => {
  checkLayer({
    build: (random) => new Linear(3, 4, {random}),
    run: (layer) => layer.forward(sample("x", [2, 5, 3])),
    outputShape: [2, 5, 4],
    weights: 2,
    parameters: 16,
  });
  checkLayer({
    build: (random) => new Linear(3, 4, {random, bias: false}),
    run: (layer) => layer.forward(sample("x", [2, 3])),
    outputShape: [2, 4],
    weights: 1,
    parameters: 12,
  });
  checkLayer({
    build: () => new LayerNorm(6, {epsilon: 1e-6}),
    run: (layer) => layer.forward(sample("x", [2, 6])),
    outputShape: [2, 6],
    weights: 2,
    parameters: 12,
  });
  checkLayer({
    build: (random) => new Embedding(7, 3, {random}),
    run: (layer) => layer.forward(tf.tensor2d([[0, 6, 6]], [1, 3], "int32")),
    outputShape: [1, 3, 3],
    weights: 1,
    parameters: 21,
  });
  checkLayer({
    build: (random) => new PatchEmbedding({patchSize: 4, width: 5}, {random}),
    run: (layer) => layer.forward(sample("x", [2, 8, 12, 3])),
    outputShape: [2, 2, 3, 5],
    weights: 2,
    parameters: 4 * 4 * 3 * 5 + 5,
  });
  checkLayer({
    build: (random) => new Mlp({width: 3, hidden: 8, activation: "gelu"}, {random}),
    run: (layer) => layer.forward(sample("x", [2, 3])),
    outputShape: [2, 3],
    weights: 4,
    parameters: 3 * 8 + 8 + 8 * 3 + 3,
  });
  checkLayer({
    build: (random) => new Conv2d({inputs: 2, outputs: 3, kernel: 3, padding: 1}, {random}),
    run: (layer) => layer.forward(sample("x", [1, 4, 5, 2])),
    outputShape: [1, 4, 5, 3],
    weights: 2,
    parameters: 57,
  });
  checkLayer({
    build: (random) => new ConvTranspose2d(4, 2, {random}),
    run: (layer) => layer.forward(sample("x", [1, 3, 2, 4])),
    outputShape: [1, 6, 4, 2],
    weights: 2,
    parameters: 34,
  });
});

test("contract of attention: the keys' bias cancels in the softmax and has no gradient", () => {
  const config = {width: 8, heads: 2, innerWidth: 4, keyWidth: 6};
  const build = (random: ReturnType<typeof createRandom>): MultiHeadAttention =>
    new MultiHeadAttention(config, {random});
  const run = (layer: MultiHeadAttention): tf.Tensor =>
    layer.forward(sample("q", [2, 5, 8]), sample("k", [2, 3, 6]), sample("v", [2, 3, 6]));
  checkLayer({
    build,
    run,
    outputShape: [2, 5, 8],
    weights: 8,
    parameters: 8 * 4 + 4 + 2 * (6 * 4 + 4) + 4 * 8 + 8,
    unreached: ["k_proj.bias"],
  });
  const layer = build(createRandom(1));
  assert.equal(
    [...layer.namedWeights().keys()],
    ["q_proj", "k_proj", "v_proj", "out_proj"].flatMap((name) => [`${name}.weight`, `${name}.bias`]),
  );
  layer.dispose();
  assert.throws(
    () => new MultiHeadAttention({width: 8, heads: 3}, {random: createRandom(1)}),
    (error: unknown) => error instanceof ConfigError,
  );
});

test("attention over one key returns that key's value", () => {
  const layer = new MultiHeadAttention({width: 4, heads: 2}, {random: createRandom(2)});
  const value = sample("v", [1, 1, 4]);
  const result = layer.forward(sample("q", [1, 3, 4]), sample("k", [1, 1, 4]), value);
  const wanted = layer.outputProjection.forward(layer.valueProjection.forward(value));
  expectClose(tf.slice(result, [0, 2, 0], [1, 1, 4]), wanted, 1e-6);
  layer.dispose();
});

test("queries shared by neighbours are projected once and give the same", () => {
  const layer = new MultiHeadAttention({width: 4, heads: 2}, {random: createRandom(2)});
  const query = sample("q", [2, 3, 4]);
  const key = sample("k", [4, 5, 4]);
  const repeated = tf.gather(query, tf.tensor1d([0, 0, 1, 1], "int32"));
  expectClose(layer.forward(query, key, key), layer.forward(repeated, key, key), 1e-6);
  layer.dispose();
});

test("a layer that starts at zero gives zero", () => {
  const layer = new Linear(3, 2, {random: createRandom(1), zero: true});
  expectClose(layer.forward(tf.ones([1, 3])), [0, 0]);
  layer.dispose();
});

test("an unknown activation is refused with the nearest name", () => {
  assert.throws(() => activation("quickgelu" as Activation), /quickGelu/);
});

test("first values are forked by name: one layer more does not change the others", () => {
  const random = createRandom(5);
  const first = new Mlp({width: 3, hidden: 4, activation: "relu"}, {random});
  const again = new Mlp({width: 3, hidden: 4, activation: "gelu"}, {random: createRandom(5)});
  expectClose(first.second.weight, again.second.weight);
  first.dispose();
  again.dispose();
});

test("asLayersModel predicts like forward, trains with TensorFlow.js and counts its weights", async () => {
  const block = new Mlp({width: 3, hidden: 8, activation: "relu"}, {random: createRandom(3)});
  const model = asLayersModel(block, [5, 3]);
  assert.equal(model.outputs[0]?.shape, [null, 5, 3]);
  assert.is(model.countParams(), 3 * 8 + 8 + 8 * 3 + 3);
  const x = sample("x", [4, 5, 3]);
  expectClose(model.predict(x) as tf.Tensor, block.forward(x), 1e-6);
  model.compile({optimizer: tf.train.sgd(0.1), loss: "meanSquaredError"});
  const before = block.first.weight.dataSync().slice();
  await model.trainOnBatch(x, tf.zeros([4, 5, 3]));
  assert.ok(block.first.weight.dataSync().some((value, index) => value !== before[index]));
  model.dispose();
});

test.run();

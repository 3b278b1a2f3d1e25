import {ShapeError, createRandom} from "@claps/core";
import {checkLayer, expectClose, startTestEngine} from "@claps/layers/testing";
import {assignWeights, exportWeights} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {defaultTokenizer} from "./default-tokenizer.js";
import {textTiny} from "./text-config.js";
import type {TextConfig} from "./text-config.js";
import {causalMask} from "./text-mask.js";
import {huggingFaceTextRules} from "./text-rules.js";
import {createTextTower} from "./text-tower.js";

await startTestEngine();

const small: TextConfig = {
  ...textTiny,
  vocabularySize: 10,
  contextLength: 5,
  width: 4,
  depth: 1,
  heads: 2,
  mlpWidth: 6,
  projectionWidth: 3,
  endId: 9,
};
const ids = tf.tensor2d([8, 3, 1, 9, 9, 8, 2, 9, 9, 9], [2, 5], "int32");

test("keeps the contract of layers, with the counts worked out by hand", () => {
  // Tables 10 × 4 and 5 × 4; attention 4 × (16 + 4); two norms 2 × 8; perceptron 24 + 6 + 24 + 4; last norm 8;
  // projection 12: 40 + 20 + 80 + 16 + 58 + 8 + 12.
  checkLayer({
    build: (random) => createTextTower(small, {random}),
    run: (tower) => tower.forward(ids).projected,
    outputShape: [2, 3],
    weights: 2 + 8 + 4 + 4 + 2 + 1,
    parameters: 234,
    // A bias of the keys shifts all scores of a query alike; a softmax does not see it.
    unreached: ["text_model.encoder.layers.0.self_attn.k_proj.bias"],
  });
});

test("the preset counts 170 240 numbers", () => {
  // 1000 × 64 + 32 × 64 + 2 × (4 × (4096 + 64) + 2 × 128 + 64 × 256 + 256 + 256 × 64 + 64) + 128 + 4096.
  const tower = createTextTower(textTiny, {random: createRandom(1)});
  assert.is(tower.countParameters(), 64000 + 2048 + 2 * (16640 + 256 + 33088) + 128 + 4096);
  assert.is(tower.countParameters(), 170240);
  tower.dispose();
});

test("the mask hides later tokens and padding", () => {
  const plain = causalMask(3);
  assert.equal(
    [...plain.dataSync()].map((value) => value < -1e8),
    [false, true, true, false, false, true, false, false, false],
  );
  const padded = causalMask(2, tf.tensor2d([1, 0], [1, 2], "int32"));
  assert.equal(padded.shape, [1, 1, 2, 2]);
  assert.equal(
    [...padded.dataSync()].map((value) => value < -1e8),
    [false, true, false, true],
  );
});

test("a token does not see later ones, and padding does not change the pooled vector", () => {
  const tower = createTextTower(small, {random: createRandom(2)});
  const other = tf.tensor2d([8, 3, 5, 5, 9, 8, 2, 9, 9, 9], [2, 5], "int32");
  const first = tower.forward(ids);
  const changed = tower.forward(other);
  const slice = (tokens: tf.Tensor, count: number): tf.Tensor => tf.slice(tokens, [0, 0, 0], [1, count, 4]);
  expectClose(slice(changed.tokens, 2), slice(first.tokens, 2), 1e-6);
  assert.throws(() => expectClose(slice(changed.tokens, 3), slice(first.tokens, 3), 1e-3));
  const mask = tf.tensor2d([1, 1, 1, 1, 0, 1, 1, 1, 0, 0], [2, 5], "int32");
  expectClose(tower.forward(ids, mask).projected, first.projected, 1e-6);
  tower.dispose();
});

test("pools at the first end token, or at the largest id", () => {
  const tower = createTextTower({...small, endId: 7}, {random: createRandom(3)});
  const old = createTextTower({...small, endId: 7, pooling: "largest id"}, {random: createRandom(3)});
  const text = tf.tensor2d([8, 7, 1, 9, 7], [1, 5], "int32");
  const row = (tokens: tf.Tensor, place: number): tf.Tensor =>
    tf.reshape(tf.slice(tokens, [0, place, 0], [1, 1, 4]), [1, 4]);
  const features = tower.forward(text);
  expectClose(features.pooled, row(features.tokens, 1), 1e-6);
  const oldFeatures = old.forward(text);
  expectClose(oldFeatures.pooled, row(oldFeatures.tokens, 3), 1e-6);
  tower.dispose();
  old.dispose();
});

test("refuses texts that are too long or of another rank", () => {
  const tower = createTextTower(small, {random: createRandom(5)});
  const refused = (tensor: tf.Tensor): void => {
    assert.throws(
      () => tower.forward(tensor),
      (error: unknown) => error instanceof ShapeError && /1 to 5 tokens/.test(error.message),
    );
  };
  refused(tf.zeros([1, 6], "int32"));
  refused(tf.zeros([3], "int32"));
  tower.dispose();
});

test("exports under the published names and fills another tower with them", async () => {
  const source = createTextTower(small, {random: createRandom(6)});
  const target = createTextTower(small, {random: createRandom(7)});
  const tensors = await exportWeights(source, huggingFaceTextRules);
  assert.equal(tensors.get("text_projection.weight")?.shape, [3, 4]);
  assert.equal(tensors.get("text_model.encoder.layers.0.mlp.fc1.weight")?.shape, [6, 4]);
  assert.is(assignWeights(target, tensors, huggingFaceTextRules).parameters, 234);
  expectClose(target.forward(ids).projected, source.forward(ids).projected, 0);
  source.dispose();
  target.dispose();
});

test("reads prompts of the library's tokenizer", () => {
  const tower = createTextTower(textTiny, {random: createRandom(8)});
  const batch = defaultTokenizer().encodeBatch(["fundus photograph: optic disc", "OCT B-scan: macular hole"]);
  const {projected} = tower.forward(tf.tensor2d(batch.ids, batch.shape, "int32"));
  assert.equal(projected.shape, [2, 64]);
  assert.ok([...projected.dataSync()].every(Number.isFinite));
  tower.dispose();
});

test.run();

import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {ConfigError, createRandom, ShapeError} from "@claps/core";
import {createImage} from "@claps/image";
import {checkLayer, expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkSamConfig, maskStride, samMicro} from "./config.js";
import type {SamConfig} from "./config.js";
import {DetailEncoder} from "./detail-encoder.js";
import {loadSam} from "./load-sam.js";
import {createSam} from "./model.js";
import {saveSam} from "./save-sam.js";

await startTestEngine();
const random = createRandom("detail");
const sample = (label: string, shape: number[]): tf.Tensor =>
  tf.tensor(random.fork(label).normalArray(tf.util.sizeFromShape(shape)), shape);
const pixels = sample("pixels", [1, 64, 64, 3]);
const prompts = {boxes: tf.tensor3d([4, 4, 40, 50, 10, 0, 60, 30], [1, 2, 4])};

/** The smallest model with a path for detail of so many px per logit. */
function withDetail(stride: number): SamConfig {
  return {...samMicro, detail: {width: 6, depth: 2, stride}};
}

test("contract of the detail encoder: shapes, weights by name, a gradient for each", () => {
  checkLayer({
    build: (source) => new DetailEncoder(samMicro, {width: 6, depth: 2, stride: 2}, {random: source}),
    run: (block) => block.forward(pixels, sample("embedding", [1, 8, 8, samMicro.promptWidth])),
    outputShape: [1, 32, 32, 6],
    weights: 2 + 1 + 2 * 2,
    parameters: 4 * 4 * 3 * 6 + 6 + samMicro.promptWidth * 6 + 2 * (9 * 6 * 6 + 6),
  });
});

test("an untrained path changes no mask, exactly, so published weights keep theirs", () => {
  tf.tidy(() => {
    const plain = createSam(samMicro, {random: createRandom(3)});
    const fine = createSam(withDetail(2), {random: createRandom(3)});
    expectClose(fine.forward(pixels, {prompts}).logits, plain.forward(pixels, {prompts}).logits, 0);
    plain.dispose();
    fine.dispose();
  });
});

test("a finer stride gives finer masks, single and proposed, in which the path's head has its say", () => {
  tf.tidy(() => {
    const sam = createSam(withDetail(1), {random: createRandom(3)});
    assert.is(maskStride(sam.config), 1);
    const before = sam.forward(pixels, {prompts});
    assert.equal(before.logits.shape, [1, 2, 1, 64, 64]);
    const proposed = sam.forward(pixels, {prompts, multimask: true});
    assert.equal(proposed.logits.shape, [1, 2, 3, 64, 64]);
    for (const head of sam.maskDecoder.detailHyperNetworks) {
      const {weight} = head.layers.at(-1) as {weight: tf.Variable};
      weight.assign(tf.ones(weight.shape));
    }
    const after = sam.forward(pixels, {prompts});
    assert.ok((tf.max(tf.abs(tf.sub(after.logits, before.logits))).arraySync() as number) > 1e-3);
    expectClose(after.iou, before.iou, 0);
    sam.dispose();
  });
});

test("pictures are encoded once and decoded with their detail; nothing is left behind", async () => {
  const sam = createSam(withDetail(1), {random: createRandom(3)});
  const before = tf.memory().numTensors;
  const image = createImage({data: new Uint8Array(40 * 60 * 3).fill(90), height: 40, width: 60});
  const embedding = await sam.encode(image);
  assert.equal(embedding.detail?.shape, [1, 64, 64, 6]);
  const [[candidate] = []] = await sam.decode(embedding, {boxes: [[5, 5, 30, 30]]});
  assert.is(candidate?.logits.length, 40 * 60);
  embedding.dispose();
  assert.is(tf.memory().numTensors, before);
  assert.throws(
    () => sam.decodeTensors({embedding: tf.zeros([1, 8, 8, samMicro.promptWidth]), prompts}),
    (error: unknown) => error instanceof ShapeError && error.message.includes("detail [N, H, W, C]"),
  );
  sam.dispose();
});

test("a saved model comes back with its detail", async () => {
  const folder = mkdtempSync(join(tmpdir(), "claps-detail-"));
  const sam = createSam(withDetail(2), {random: createRandom(3)});
  await saveSam(sam, folder);
  const loaded = await loadSam(folder);
  assert.equal(loaded.config, sam.config);
  for (const [path, variable] of sam.namedWeights()) {
    expectClose(loaded.namedWeights().get(path) as tf.Tensor, variable, 0, path);
  }
  sam.dispose();
  loaded.dispose();
  rmSync(folder, {recursive: true});
});

test("a stride that does not fit the patches is refused by name", () => {
  for (const stride of [0, 1.5, 3]) {
    assert.throws(
      () => checkSamConfig(withDetail(stride)),
      (error: unknown) => error instanceof ConfigError && error.message.includes("detail.stride"),
    );
  }
});

test.run();

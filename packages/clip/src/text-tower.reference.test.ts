import {readFileSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {createRandom} from "@claps/core";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import {assignWeights, exportWeights, readSafetensors, toFloat32, toInt32} from "@claps/weights";
import type {StoredTensor} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {textConfigFromHuggingFace} from "./text-config.js";
import {huggingFaceTextRules} from "./text-rules.js";
import {createTextTower} from "./text-tower.js";
import type {TextTower} from "./text-tower.js";

await startTestEngine();

const folder = fileURLToPath(new URL("../fixtures/text-tower/", import.meta.url));

type Numbers = ReadonlyMap<string, StoredTensor>;

async function load(pack: string, endId?: number): Promise<{tower: TextTower; cases: Numbers}> {
  const published = JSON.parse(readFileSync(`${folder}${pack}-config.json`, "utf8")) as {
    text_config: {eos_token_id: number};
  };
  if (endId !== undefined) published.text_config.eos_token_id = endId;
  const tower = createTextTower(textConfigFromHuggingFace(published), {random: createRandom(1)});
  const {tensors} = await readSafetensors(`${folder}${pack}-model.safetensors`);
  const counted = [...tensors.values()].reduce((sum, {data}) => sum + data.length, 0);
  assert.is(assignWeights(tower, tensors, huggingFaceTextRules).parameters, counted);
  return {tower, cases: (await readSafetensors(`${folder}${pack}-cases.safetensors`)).tensors};
}

function stored(cases: Numbers, name: string): StoredTensor {
  const tensor = cases.get(name);
  if (tensor === undefined) throw new Error(`the fixture lacks ${name}`);
  return tensor;
}

function integers(cases: Numbers, name: string): tf.Tensor {
  const tensor = stored(cases, name);
  return tf.tensor(toInt32(tensor), tensor.shape, "int32");
}

function floats(cases: Numbers, name: string): tf.Tensor {
  const tensor = stored(cases, name);
  return tf.tensor(toFloat32(tensor), tensor.shape);
}

function checkOutputs(tower: TextTower, cases: Numbers, name: string): void {
  const mask = cases.has(`${name}/input.attention_mask`)
    ? integers(cases, `${name}/input.attention_mask`)
    : undefined;
  const {tokens, pooled, projected} = tower.forward(integers(cases, `${name}/input.input_ids`), mask);
  const outputs = {text_last_hidden_state: tokens, text_pooled: pooled, text_features: projected};
  for (const [output, ours] of Object.entries(outputs)) {
    expectClose(ours, floats(cases, `${name}/output.${output}`), 1e-5, `${name} ${output}`);
  }
}

test("QuickGELU tower: outputs, padding masks and hidden states equal the reference", async () => {
  const {tower, cases} = await load("quickgelu");
  assert.is(tower.countParameters(), 13460);
  checkOutputs(tower, cases, "basic");
  checkOutputs(tower, cases, "padded");
  const states = tower.hiddenStates(integers(cases, "basic/input.input_ids"));
  for (const index of [0, 2]) {
    expectClose(states[index] as tf.Tensor, floats(cases, `basic/output.text_hidden.${index}`), 1e-5);
  }
  tower.dispose();
});

test("GELU tower: outputs equal the reference", async () => {
  const {tower, cases} = await load("gelu");
  assert.is(tower.countParameters(), 12960);
  checkOutputs(tower, cases, "basic");
  tower.dispose();
});

test("the old rule of the end token equals the reference", async () => {
  const {tower, cases} = await load("quickgelu", 2);
  assert.is(tower.config.pooling, "largest id");
  checkOutputs(tower, cases, "old-eos");
  tower.dispose();
});

/** Symmetric contrastive loss against recorded picture vectors. */
function contrastiveLoss(tower: TextTower, cases: Numbers): tf.Scalar {
  const {projected} = tower.forward(integers(cases, "basic/input.input_ids"));
  const lengths = tf.sqrt(tf.sum(tf.square(projected), 1, true));
  const images = floats(cases, "basic/output.image_embeds");
  const logits: tf.Tensor2D = tf.mul(
    tf.matMul(tf.div(projected, lengths), images, false, true),
    tf.exp(floats(cases, "logit_scale")),
  );
  const matching = tf.eye(logits.shape[0]);
  const entropy = (rows: tf.Tensor): tf.Tensor =>
    tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(rows), matching), 1)));
  return tf.mul(tf.add(entropy(logits), entropy(tf.transpose(logits))), 0.5);
}

test("every gradient of the contrastive loss equals the reference", async () => {
  const {tower, cases} = await load("quickgelu");
  const {value, grads} = tf.variableGrads(() => contrastiveLoss(tower, cases), tower.trainableVariables());
  expectClose(value, floats(cases, "basic/output.loss"), 1e-5, "loss");
  const byPath = new Map(
    [...tower.namedWeights()].map(([path, {name}]) => [path, tf.variable(grads[name] as tf.Tensor)]),
  );
  const ours = await exportWeights({namedWeights: () => byPath}, huggingFaceTextRules);
  const recorded = [...cases].filter(([name]) => name.startsWith("basic/grad.text_"));
  assert.is(recorded.length, byPath.size);
  const largest = (numbers: Float32Array): number =>
    numbers.reduce((most, item) => Math.max(most, Math.abs(item)), 0);
  const floor = Math.max(...recorded.map(([, tensor]) => largest(toFloat32(tensor)))) / 100;
  for (const [name, tensor] of recorded) {
    const expected = toFloat32(tensor);
    const actual = toFloat32(stored(ours, name.replace("basic/grad.", "")));
    assert.is(actual.length, expected.length);
    const scale = Math.max(largest(expected), floor);
    const worst = largest(actual.map((item, index) => item - (expected[index] ?? NaN)));
    assert.ok(worst / scale <= 1e-4, `${name}: ${worst / scale}`);
  }
  tower.dispose();
});

test.run();

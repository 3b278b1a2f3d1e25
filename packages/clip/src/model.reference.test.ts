import {fileURLToPath} from "node:url";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import {exportWeights, readSafetensors, toFloat32, toInt32} from "@claps/weights";
import type {Rules, StoredTensor} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {loadClip} from "./load-clip.js";
import type {Clip} from "./model.js";
import {huggingFaceClipRules, openClipBertRules, openClipRules} from "./weights.js";

await startTestEngine();

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));

type Numbers = ReadonlyMap<string, StoredTensor>;

async function numbersOf(pack: string, name: string): Promise<Numbers> {
  return (await readSafetensors(`${fixtures}${pack}/case-${name}.safetensors`)).tensors;
}

function floats(numbers: Numbers, name: string): tf.Tensor {
  const tensor = numbers.get(name);
  if (tensor === undefined) throw new Error(`the fixture lacks ${name}`);
  return tf.tensor(toFloat32(tensor), tensor.shape);
}

function integers(numbers: Numbers, name: string): tf.Tensor | undefined {
  const tensor = numbers.get(name);
  return tensor && tf.tensor(toInt32(tensor), tensor.shape, "int32");
}

/** Pictures of a case, channels last. */
function pictures(numbers: Numbers): tf.Tensor {
  const name = numbers.has("input.image") ? "input.image" : "input.pixel_values";
  return tf.transpose(floats(numbers, name), [0, 2, 3, 1]);
}

function ids(numbers: Numbers): tf.Tensor {
  return (integers(numbers, "input.text") ?? integers(numbers, "input.input_ids")) as tf.Tensor;
}

/** Compares what a model says with every output of a case that has a name with us. */
function checkOutputs(clip: Clip, numbers: Numbers, where: string): void {
  const {image, text, logits} = clip.forward(
    pictures(numbers),
    ids(numbers),
    integers(numbers, "input.attention_mask"),
  );
  const [images, count, width] = image.tokens.shape;
  const normed = clip.vision.encoder.postNorm.forward(
    tf.slice(image.tokens, [0, 1, 0], [images, count - 1, width]),
  );
  expectClose(image.grid, tf.reshape(normed, image.grid.shape), 1e-5, `${where} grid`);
  const outputs: Record<string, tf.Tensor> = {
    image_features: image.projected,
    text_features: text.projected,
    logits_per_image: logits,
    vision_last_hidden_state: image.tokens,
    vision_pooled: image.pooled,
    text_last_hidden_state: text.tokens,
    text_pooled: text.pooled,
  };
  let compared = 0;
  for (const [name, ours] of Object.entries(outputs)) {
    if (!numbers.has(`output.${name}`)) continue;
    expectClose(ours, floats(numbers, `output.${name}`), 2e-5, `${where} ${name}`);
    compared++;
  }
  assert.ok(compared >= 3, where);
}

for (const [pack, parameters, cases, rules] of [
  ["clip-quickgelu", 6513, ["basic", "padded", "interpolated"], huggingFaceClipRules],
  ["clip-gelu", 6513, ["basic"], huggingFaceClipRules],
  ["openclip-native", 6713, ["basic"], openClipRules],
  ["openclip-hf-text-cls", 6243, ["basic"], openClipBertRules],
  ["openclip-hf-text-mean", 6243, ["basic"], openClipBertRules],
  ["openclip-hf-text-cls-bert-pooler", 6315, ["basic"], openClipBertRules],
] as const) {
  test(`${pack}: as many parameters, the same outputs, the same gradients`, async () => {
    const clip = await loadClip(`${fixtures}${pack}`);
    assert.is(clip.countParameters(), parameters);
    for (const name of cases) checkOutputs(clip, await numbersOf(pack, name), `${pack} ${name}`);
    await checkGradients(clip, await numbersOf(pack, "basic"), rules);
    clip.dispose();
  });
}

/** Symmetric cross entropy of the logits with the pairs on their diagonal. */
function lossOf(clip: Clip, numbers: Numbers): tf.Scalar {
  const {logits} = clip.forward(pictures(numbers), ids(numbers));
  const pairs = tf.eye(logits.shape[0]);
  const entropy = (rows: tf.Tensor): tf.Tensor =>
    tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(rows), pairs), 1)));
  return tf.mul(tf.add(entropy(logits), entropy(tf.transpose(logits))), 0.5);
}

async function checkGradients(clip: Clip, numbers: Numbers, rules: Rules): Promise<void> {
  const {value, grads} = tf.variableGrads(() => lossOf(clip, numbers), clip.trainableVariables());
  expectClose(value, floats(numbers, "output.loss"), 1e-5, "loss");
  const byPath = new Map(
    [...clip.namedWeights()].map(([path, {name}]) => [path, tf.variable(grads[name] as tf.Tensor)]),
  );
  const ours = await exportWeights({namedWeights: () => byPath}, rules);
  const recorded = [...numbers].filter(([name]) => /^grad\.(?!input)/.test(name));
  assert.is(recorded.length, ours.size);
  const largest = (values: Float32Array): number =>
    values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const floor = Math.max(...recorded.map(([, tensor]) => largest(toFloat32(tensor)))) / 100;
  for (const [name, tensor] of recorded) {
    const expected = toFloat32(tensor);
    const actual = toFloat32(ours.get(name.slice("grad.".length)) as StoredTensor);
    assert.is(actual.length, expected.length, name);
    const worst = largest(actual.map((item, index) => item - (expected[index] ?? NaN)));
    const share = worst / Math.max(largest(expected), floor);
    assert.ok(share <= 1e-4, `${name}: ${share}`);
  }
}

test.run();

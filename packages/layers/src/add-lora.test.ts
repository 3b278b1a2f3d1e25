import {ConfigError, WeightError, createRandom} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {addLora, checkMerged, loraWeights, mergeLora} from "./add-lora.js";
import {Block} from "./block.js";
import {constant} from "./initializers.js";
import {LayerNorm} from "./layer-norm.js";
import {Linear} from "./linear.js";
import {Mlp} from "./mlp.js";
import {checkLayer, expectClose, startTestEngine} from "./testing.js";

const test = suite("LoRA on the layers of a model");
const random = createRandom("lora of a model");

test.before(async () => {
  await startTestEngine();
});

class Model extends Block {
  readonly norm = this.addBlock("norm", new LayerNorm(4, {epsilon: 1e-5}));
  readonly mlp = this.addBlock(
    "layers.0.mlp",
    new Mlp({width: 4, hidden: 6, activation: "gelu"}, {random: createRandom("mlp")}),
  );
  readonly head = this.addBlock("head", new Linear(4, 3, {random: createRandom("head"), bias: false}));

  override forward(x: tf.Tensor): tf.Tensor {
    return this.head.forward(tf.add(x, this.mlp.forward(this.norm.forward(x))));
  }
}

function outputOf(block: Block & {forward(x: tf.Tensor): tf.Tensor}): Float32Array {
  const x = tf.tensor(random.fork("x").normalArray(5 * 4), [5, 4]);
  const values = tf.tidy(() => block.forward(x).dataSync<"float32">().slice());
  x.dispose();
  return values;
}

/** Fills the second matrices, which start at zero. */
function learn(model: Block): void {
  for (const [path, variable] of loraWeights(model)) {
    const values = random.fork(path).normalArray(variable.size);
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
}

const LAYERS = {pattern: /^layers\./, rank: 2, alpha: 4, random};
const BASE = [
  "norm.weight",
  "norm.bias",
  "layers.0.mlp.lin1.weight",
  "layers.0.mlp.lin1.bias",
  "layers.0.mlp.lin2.weight",
  "layers.0.mlp.lin2.bias",
  "head.weight",
];

test("by hand: twice x a b beside x w", () => {
  const layer = new Linear(2, 2, {random, bias: false, initializer: constant(1)});
  layer.addLora({rank: 1, alpha: 2, random});
  const [down, up] = ["lora_a", "lora_b"].map((name) => layer.ownVariables().get(name)!);
  down!.assign(tf.tensor2d([[1], [2]]));
  up!.assign(tf.tensor2d([[10, 0]]));
  const x = tf.tensor2d([[3, 4]]);
  // x w = 7, 7; x a = 11; 2 * 11 * 10 = 220.
  expectClose(layer.forward(x), [227, 7], 1e-6);
  layer.mergeLora();
  expectClose(layer.weight, [21, 1, 41, 1], 1e-6);
  expectClose(layer.forward(x), [227, 7], 1e-6);
  layer.dispose();
});

test("at first nothing changes, to the last bit; then outputs move; merged they stay", () => {
  const model = new Model();
  const before = outputOf(model);
  assert.equal(addLora(model, LAYERS), ["layers.0.mlp.lin1", "layers.0.mlp.lin2"]);
  assert.equal(outputOf(model), before);
  learn(model);
  const learnt = outputOf(model);
  assert.ok(learnt.some((value, index) => Math.abs(value - before[index]!) > 0.1));
  assert.equal(mergeLora(model), ["layers.0.mlp.lin1", "layers.0.mlp.lin2"]);
  expectClose(outputOf(model), learnt, 1e-6);
  model.dispose();
});

test("names, counts, what may be trained, and all of it back after merging", () => {
  const start = tf.memory().numTensors;
  const model = new Model();
  const tensors = tf.memory().numTensors;
  const parameters = model.countParameters();
  model.setTrainable(/lin2\.bias/, false);
  addLora(model, LAYERS);
  const added = ["lin1", "lin2"].flatMap((name) => [`${name}.lora_a`, `${name}.lora_b`]);
  assert.equal(
    [...loraWeights(model).keys()],
    added.map((name) => `layers.0.mlp.${name}`),
  );
  assert.equal(
    [...model.namedWeights()].filter(([, {trainable}]) => trainable).map(([path]) => path),
    ["norm.weight", "norm.bias", ...added.map((name) => `layers.0.mlp.${name}`), "head.weight"],
  );
  // 4 x 2 + 2 x 6 and 6 x 2 + 2 x 4.
  assert.is(model.countParameters(), parameters + 20 + 20);
  assert.is(tf.memory().numTensors, tensors + 4);
  mergeLora(model);
  assert.equal([...model.namedWeights().keys()], BASE);
  assert.is(model.countParameters(), parameters);
  assert.is(tf.memory().numTensors, tensors);
  assert.equal(
    [...model.namedWeights()].filter(([, {trainable}]) => !trainable).map(([path]) => path),
    ["layers.0.mlp.lin2.bias"],
  );
  addLora(model, LAYERS);
  assert.is(model.dispose().numDisposedVariables, 11);
  assert.is(tf.memory().numTensors, start);
});

test("with freeze: false the weights themselves go on learning", () => {
  const model = new Model();
  addLora(model, {...LAYERS, freeze: false});
  assert.is(model.trainableVariables().length, BASE.length + 4);
  model.dispose();
});

test("a changed model keeps the contract of layers", () => {
  const build = (): Model => {
    const model = new Model();
    addLora(model, {...LAYERS, random: createRandom("one")});
    learn(model);
    return model;
  };
  const fixed = tf.tensor(random.normalArray(12), [3, 4]);
  // 8 + 24 + 6 + 24 + 4 + 12 of its own and 40 of the changes.
  checkLayer({
    build,
    run: (block) => block.forward(fixed),
    outputShape: [3, 3],
    weights: 11,
    parameters: 118,
  });
  fixed.dispose();
});

test("same seed, same matrices; each layer its own", () => {
  const matrices = (): number[][] => {
    const model = new Model();
    addLora(model, {...LAYERS, pattern: /./, rank: 3, random: createRandom(5)});
    const values = [...loraWeights(model).values()].map((variable) => [...variable.dataSync()]);
    model.dispose();
    return values;
  };
  const [first, second] = [matrices(), matrices()];
  assert.equal(first, second);
  assert.not.equal(first[0], first[4]!.slice(0, first[0]!.length));
  // Uniform within 1 / sqrt(4), not all small.
  assert.ok(first[0]!.every((value) => Math.abs(value) <= 0.5));
  assert.ok(first[0]!.some((value) => Math.abs(value) > 0.25));
  assert.ok(first[1]!.every((value) => value === 0));
});

test("what cannot be: no match, twice, rank too large, nothing to merge, saving unmerged", () => {
  const refused = (fn: () => unknown, pattern: RegExp): void =>
    assert.throws(fn, (error: unknown) => error instanceof ConfigError && pattern.test(error.message));
  const model = new Model();
  refused(() => addLora(model, {...LAYERS, pattern: /q_proj/}), /q_proj.*among 3.*layers\.0\.mlp\.lin1/);
  refused(() => mergeLora(model), /addLora first/);
  // The first two layers fit rank 4, the head does not: nothing is left behind.
  refused(() => addLora(model, {...LAYERS, pattern: /./, rank: 4}), /rank of LoRA.*at most 3, got 4/);
  assert.equal([...model.namedWeights().keys()], BASE);
  refused(() => addLora(model, {...LAYERS, alpha: 0}), /alpha of LoRA/);
  refused(() => model.head.mergeLora(), /without/);
  checkMerged(model, "Saving");
  addLora(model, LAYERS);
  refused(() => addLora(model, LAYERS), /merge it first/);
  assert.throws(
    () => checkMerged(model, "Saving the model"),
    (error: unknown) =>
      error instanceof WeightError &&
      error.code === "unmerged-lora" &&
      /Saving the model.*4 weights.*layers\.0\.mlp\.lin1\.lora_a.*mergeLora/.test(error.message),
  );
  model.dispose();
});

test.run();

import {ConfigError, countTensors, createRandom, ShapeError} from "@claps/core";
import {blankRandom} from "@claps/layers";
import {checkRegistration, expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {Vit} from "./vit.js";
import {countVitParameters, vitSizes} from "./vit-config.js";
import type {VitConfig} from "./vit-config.js";

await startTestEngine();

const {tiny} = vitSizes;
const pixels = (height: number, width: number, images = 2): tf.Tensor =>
  tf.tensor(createRandom("pixels").normalArray(images * height * width * 3), [images, height, width, 3]);

test("counts its parameters as worked out by hand, under the published names", () => {
  const encoder = new Vit(tiny, {random: createRandom(1)});
  // Class 16, positions 10 × 16, patches 192 × 16; two norms 2 × 32; per block attention 4 × (256 + 16), norms 64,
  // perceptron 16 × 24 + 24 + 24 × 16 + 16.
  assert.is(encoder.countParameters(), 16 + 160 + 3072 + 64 + 2 * (1088 + 64 + 808));
  const names = [...encoder.namedWeights().keys()];
  for (const name of [
    "embeddings.class_embedding",
    "embeddings.patch_embedding.weight",
    "embeddings.position_embedding.weight",
    "pre_layrnorm.bias",
    "encoder.layers.1.self_attn.q_proj.weight",
    "encoder.layers.0.mlp.fc2.bias",
    "post_layernorm.weight",
  ]) {
    assert.ok(names.includes(name), name);
  }
  encoder.dispose();
});

test("features and hidden states agree, on grids of other sizes too, and nothing is left behind", async () => {
  const encoder = new Vit(tiny, {random: createRandom(2)});
  const input = pixels(40, 16);
  const {leaked} = await countTensors(() => {
    const states = encoder.hiddenStates(input);
    assert.is(states.length, 3);
    const {tokens, grid, pooled} = encoder.features(input);
    assert.equal(
      [tokens.shape, grid.shape, pooled.shape],
      [
        [2, 11, 16],
        [2, 5, 2, 16],
        [2, 16],
      ],
    );
    expectClose(tokens, states[2] as tf.Tensor, 1e-6);
    const [forward] = encoder.forward(input);
    expectClose(forward as tf.Tensor, grid, 1e-6);
    const normed = encoder.postNorm.forward(tokens);
    const own = tf.slice(normed, [0, 0, 0], [2, 1, 16]);
    const rest = tf.slice(normed, [0, 1, 0], [2, 10, 16]);
    const [flatOwn, flatRest] = [tf.reshape(own, [2, 16]), tf.reshape(rest, [2, 5, 2, 16])];
    expectClose(pooled, flatOwn, 1e-5);
    expectClose(grid, flatRest, 1e-5);
    tf.dispose([states, tokens, grid, pooled, forward!, normed, own, rest, flatOwn, flatRest]);
  });
  assert.is(leaked, 0);
  input.dispose();
  encoder.dispose();
});

test("positions of the own size are the learned ones; others are resampled, the class token's stays", () => {
  const encoder = new Vit({...tiny, imageSize: 16}, {random: createRandom(3)});
  encoder.positions.assign(
    tf.concat([tf.fill([1, 16], 7), tf.mul(tf.tensor2d([0, 0, 1, 1], [4, 1]), tf.ones([1, 16]))]),
  );
  expectClose(encoder.positionsFor({height: 2, width: 2}), tf.expandDims(encoder.positions, 0), 0);
  // From two rows 0, 1 to four: half-pixel centres lie a quarter inside and outside; the cubic kernel with a = -0.75
  // gives -9/64 and 9/64 more than the ends where rows repeat.
  const column = tf.slice(encoder.positionsFor({height: 4, width: 1}), [0, 0, 0], [1, 5, 1]);
  const [own, ...rows] = column.dataSync();
  assert.is(own, 7);
  const by = (distance: number): number => {
    const x = Math.abs(distance);
    return x <= 1 ? 1.25 * x ** 3 - 2.25 * x ** 2 + 1 : -0.75 * (x ** 3 - 5 * x ** 2 + 8 * x - 4);
  };
  // Row 0 stands at -0.25: its neighbours are the rows -2, -1 and 0, all 0, and row 1.
  expectClose(
    tf.tensor1d(rows),
    [by(1.25), by(0.75) + by(1.75), 1 - by(0.75) - by(1.75), 1 - by(1.25)],
    1e-6,
  );
  encoder.dispose();
});

test("the residual stem: grid, registration, a gradient for every weight, and a spread of the positions", () => {
  const config = {...tiny, stem: "residual", positionDeviation: 0} as const;
  const encoder = new Vit(config, {random: createRandom(7)});
  checkRegistration(encoder, "vit");
  assert.ok(encoder.namedWeights().has("embeddings.stem.projection.weight"));
  assert.not(encoder.namedWeights().has("embeddings.patch_embedding.weight"));
  assert.ok(encoder.positions.dataSync().every((value) => value === 0));
  const input = pixels(24, 40);
  tf.tidy(() => {
    const weights = tf.tensor(createRandom("loss").normalArray(2 * 3 * 5 * 16), [2, 3, 5, 16]);
    const loss = (): tf.Scalar => tf.sum<tf.Scalar>(tf.mul(encoder.features(input).grid, weights));
    const {grads} = tf.variableGrads(loss, encoder.trainableVariables());
    for (const [path, variable] of encoder.namedWeights()) {
      assert.ok(
        grads[variable.name]?.dataSync().some((value) => value !== 0),
        `${path} has no gradient`,
      );
    }
    const alone = encoder.features(tf.slice(input, [1, 0, 0, 0], [1, 24, 40, 3])).grid;
    expectClose(tf.slice(encoder.features(input).grid, [1, 0, 0, 0], [1, 3, 5, 16]), alone, 1e-5);
  });
  encoder.dispose();
});

test("recomputing blocks gives the same values and gradients", () => {
  const encoder = new Vit(tiny, {random: createRandom(4)});
  const input = pixels(24, 24);
  const gradients = (checkpoint: boolean): tf.NamedTensorMap =>
    tf.variableGrads(() => tf.sum<tf.Scalar>(tf.square(encoder.features(input, {checkpoint}).pooled))).grads;
  const [kept, recomputed] = [gradients(false), gradients(true)];
  for (const [name, gradient] of Object.entries(kept)) {
    if (gradient === null) continue;
    expectClose(recomputed[name] as tf.Tensor, gradient, 1e-5, name);
  }
  encoder.dispose();
});

test("counting from the configuration equals counting weights; ViT-B/16 counts as published", () => {
  for (const config of [
    tiny,
    {...tiny, stem: "residual"},
    {...tiny, stem: "residual", width: 96, patchSize: 4},
  ]) {
    const encoder = new Vit(config as VitConfig, {random: blankRandom});
    assert.is(countVitParameters(config as VitConfig), encoder.countParameters());
    encoder.dispose();
  }
  assert.is(countVitParameters(vitSizes.base16), 85_799_424);
});

test("numbers that do not fit together are refused by name", () => {
  const wrong: [Partial<VitConfig>, RegExp][] = [
    [{imageSize: 25}, /imageSize: expected a multiple of the patch size 8, got 25/],
    [{heads: 3}, /heads: expected a divisor of the width 16, got 3/],
    [{depth: 0}, /depth/],
    [{stem: "wide" as "linear"}, /stem: expected linear or residual, got "wide"/],
    [{stem: "residual", patchSize: 12}, /patchSize: expected a power of two with the residual stem, got 12/],
    [{activation: "silu" as "gelu"}, /activation: expected quickGelu or gelu, got "silu"/],
  ];
  for (const [change, pattern] of wrong) {
    assert.throws(
      () => new Vit({...tiny, ...change}, {random: createRandom(5)}),
      (error: unknown) => error instanceof ConfigError && pattern.test(error.message),
    );
  }
});

test("pictures of other ranks or sides are refused", () => {
  const encoder = new Vit(tiny, {random: createRandom(6)});
  for (const shape of [
    [1, 24, 20, 3],
    [1, 24, 24, 1],
    [24, 24, 3],
  ]) {
    assert.throws(
      () => encoder.hiddenStates(tf.zeros(shape)),
      (error: unknown) => error instanceof ShapeError,
    );
  }
  encoder.dispose();
});

test.run();

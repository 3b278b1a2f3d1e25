import {ConfigError} from "@claps/core";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {AdamW} from "./adamw.js";
import {layerwiseDecay} from "./layerwise-decay.js";

const test = suite("layer-wise decay of the rate");

test.before(async () => {
  await startTestEngine();
});

const CLIP = [
  "vision_model.embeddings.class_embedding",
  "vision_model.embeddings.patch_embedding.weight",
  "vision_model.pre_layrnorm.weight",
  "vision_model.encoder.layers.0.self_attn.q_proj.weight",
  "vision_model.encoder.layers.0.self_attn.q_proj.lora_a",
  "vision_model.encoder.layers.1.layer_norm1.bias",
  "vision_model.post_layernorm.weight",
  "visual_projection.weight",
  "text_model.embeddings.token_embedding.weight",
  "text_model.encoder.layers.0.mlp.fc1.weight",
  "text_model.encoder.layers.2.mlp.fc1.weight",
  "text_model.final_layer_norm.weight",
  "text_projection.weight",
  "logit_scale",
];

test("CLIP by hand: towers of depth 2 and 3, factor 1/2", () => {
  const rate = layerwiseDecay({factor: 0.5, paths: CLIP});
  assert.equal(CLIP.map(rate), [
    1 / 8,
    1 / 8,
    1 / 8,
    1 / 4,
    1 / 4,
    1 / 2,
    1,
    1,
    1 / 16,
    1 / 8,
    1 / 2,
    1,
    1,
    1,
  ]);
});

test("BERT, bare and in a model", () => {
  const bare = [
    "embeddings.word_embeddings.weight",
    "encoder.layer.0.output.dense.weight",
    "pooler.dense.weight",
  ];
  assert.equal(bare.map(layerwiseDecay({factor: 0.1, paths: bare})), [0.1 ** 2, 0.1, 1]);
  const inside = bare.map((path) => `text.transformer.${path}`);
  const both = [...inside, "encoder.layers.4.x"];
  assert.equal([...inside, "encoder.layers.0.x"].map(layerwiseDecay({factor: 0.1, paths: both})), [
    0.1 ** 2,
    0.1,
    1,
    0.1 ** 5,
  ]);
});

test("what cannot be: a factor out of range, no tower", () => {
  for (const factor of [0, 1.1, NaN]) {
    assert.throws(() => layerwiseDecay({factor, paths: CLIP}), /factor of the layer-wise decay/);
  }
  assert.throws(
    () => layerwiseDecay({factor: 0.5, paths: ["head.weight"]}),
    (error: unknown) => error instanceof ConfigError && /encoder\.layers/.test(error.message),
  );
});

/** Three steps of torch.optim.AdamW 2.15 with one parameter group per weight: rate 0.02 times the factor, decay 0.1 or 0. */
const PYTORCH = {
  start: [[1, -2], [0.5, -1.5, 2, 0.25], [3], [-1, 4]],
  shapes: [[2], [2, 2], [1], [1, 2]],
  paths: ["embeddings.t", "encoder.layers.0.w", "encoder.layers.1.b", "head.w"],
  gradients: [
    [[-1.25, 0], [0.5, -1, 0.25, -1.25], [-0.5], [1.25, -0.25]],
    [[-0.5, 0.75], [1.25, -0.25, 1, -0.5], [0.25], [-0.75, 0.5]],
    [[0.25, -1.25], [-0.75, 0.5, -1, 0.25], [1], [0, 1.25]],
  ],
  weights: [
    [[1.0025001, -2], [0.49475, -1.4942499, 1.994, 0.254875], [3.01], [-1.018, 4.0120001]],
    [
      [1.0047543, -2.0018516],
      [0.4898203, -1.4893321, 1.9885997, 0.2592562],
      [3.012671],
      [-1.0198027, 3.9966753],
    ],
    [
      [1.0061806, -2.0012259],
      [0.48796, -1.4870864, 1.9873782, 0.2619793],
      [3.0081227],
      [-1.0207448, 3.9748147],
    ],
  ],
};

test("AdamW with rates of layers equals PyTorch's parameter groups, decay included", () => {
  const {start, shapes, paths, gradients, weights} = PYTORCH;
  const variables = new Map(
    paths.map((path, index) => [path, tf.variable(tf.tensor(start[index]!, shapes[index]))]),
  );
  const optimizer = new AdamW({
    betas: [0.9, 0.98],
    epsilon: 1e-6,
    weightDecay: 0.1,
    rateScale: layerwiseDecay({factor: 0.5, paths}),
  });
  optimizer.track(variables);
  gradients.forEach((step, index) => {
    const given = new Map(paths.map((path, place) => [path, tf.tensor(step[place]!, shapes[place])]));
    optimizer.apply(given, variables, tf.scalar(0.02), tf.scalar(index + 1));
    paths.forEach((path, place) =>
      expectClose(variables.get(path)!, weights[index]![place]!, 1e-6, `${path} after step ${index}`),
    );
  });
  optimizer.dispose();
});

test("a rate of 0 keeps a weight; one that is no number names it", () => {
  const variables = new Map(["a", "b"].map((path) => [path, tf.variable(tf.tensor1d([1, 2]))]));
  const update = (rateScale: (path: string) => number): void => {
    const optimizer = new AdamW({rateScale});
    optimizer.track(variables);
    const gradients = new Map(["a", "b"].map((path) => [path, tf.tensor1d([1, 1])]));
    optimizer.apply(gradients, variables, tf.scalar(0.1), tf.scalar(1));
  };
  update((path) => (path === "a" ? 0 : 2));
  assert.equal([...variables.get("a")!.dataSync()], [1, 2]);
  expectClose(variables.get("b")!, [0.8, 1.8], 1e-6);
  assert.throws(() => update((path) => (path === "b" ? NaN : 1)), /rateScale of "b".*NaN/);
});

test.run();

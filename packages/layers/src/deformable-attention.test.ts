import {ConfigError, createRandom, ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {DeformableAttention} from "./deformable-attention.js";
import {GroupNorm} from "./group-norm.js";
import {checkGradients, checkLayer, expectClose, startTestEngine} from "./testing.js";

await startTestEngine();
const sample = (label: string, shape: number[]): tf.Tensor =>
  tf.tensor(createRandom(label).normalArray(tf.util.sizeFromShape(shape)), shape);
const config = {width: 8, heads: 2, levels: 2, points: 3};
const levels = [
  {height: 3, width: 4},
  {height: 2, width: 2},
];
const reference = (coordinates: 2 | 4): tf.Tensor =>
  tf.tensor(createRandom("reference").uniformArray(2 * 5 * 2 * coordinates, 0.2, 0.8), [
    2,
    5,
    2,
    coordinates,
  ]);

test("contract: weights and parameters counted by hand, references as points and as boxes", () => {
  for (const coordinates of [2, 4] as const) {
    checkLayer({
      build: (random) => new DeformableAttention(config, {random}),
      run: (layer) =>
        layer.forward(sample("query", [2, 5, 8]), {
          value: sample("value", [2, 16, 8]),
          levels,
          reference: reference(coordinates),
        }),
      outputShape: [2, 5, 8],
      weights: 8,
      // Offsets 2 * 2 * 3 * 2 = 24, weights 12, two projections of 8.
      parameters: 8 * 24 + 24 + 8 * 12 + 12 + 2 * (64 + 8),
    });
  }
});

test("names of the published checkpoint, and its first values", () => {
  const layer = new DeformableAttention(
    {width: 8, heads: 4, levels: 1, points: 2},
    {random: createRandom(1)},
  );
  assert.equal(
    [...layer.namedWeights().keys()],
    ["sampling_offsets", "attention_weights", "value_proj", "output_proj"].flatMap((name) => [
      `${name}.weight`,
      `${name}.bias`,
    ]),
  );
  // Four heads look right, down, left, up; the second point twice as far.
  const rays = [1, 0, 2, 0, 0, 1, 0, 2, -1, 0, -2, 0, 0, -1, 0, -2];
  expectClose(layer.samplingOffsets.bias!, rays, 1e-6);
  for (const weight of [
    layer.samplingOffsets.weight,
    layer.attentionWeights.weight,
    layer.attentionWeights.bias!,
  ]) {
    assert.ok(weight.dataSync().every((value) => value === 0));
  }
  // Glorot's limit for 8 and 8 is sqrt(6 / 16).
  const projection = layer.valueProjection.weight.dataSync();
  const most = Math.max(...projection.map(Math.abs));
  assert.ok(most <= Math.sqrt(6 / 16) && most > 0.5, `largest ${most}`);
  layer.dispose();
});

test("eight heads: diagonals reach the corner of the square", () => {
  const layer = new DeformableAttention(
    {width: 8, heads: 8, levels: 1, points: 1},
    {random: createRandom(1)},
  );
  expectClose(tf.slice(layer.samplingOffsets.bias!, [0], [6]), [1, 0, 1, 1, 0, 1], 1e-6);
  layer.dispose();
});

/** A layer whose projections are the identity, so that values come through as they are. */
function transparent(): DeformableAttention {
  const layer = new DeformableAttention(
    {width: 2, heads: 1, levels: 1, points: 1},
    {random: createRandom(1)},
  );
  const identity = tf.eye(2);
  layer.valueProjection.weight.assign(identity);
  layer.outputProjection.weight.assign(identity);
  return layer;
}

test("an untrained head looks one cell to the right of a point, half a box to the right of a box", () => {
  const layer = transparent();
  // Cells 10, 20, 30, 40 side by side, and their negatives.
  const value = tf.tensor3d([10, -10, 20, -20, 30, -30, 40, -40], [1, 4, 2]);
  const row = [{height: 1, width: 4}];
  const query = tf.ones([1, 1, 2]);
  const atPoint = layer.forward(query, {
    value,
    levels: row,
    reference: tf.tensor([0.375, 0.5], [1, 1, 1, 2]),
  });
  expectClose(atPoint, [30, -30], 1e-5);
  const atBox = layer.forward(query, {
    value,
    levels: row,
    reference: tf.tensor([0.375, 0.5, 1, 1], [1, 1, 1, 4]),
  });
  // 0.375 + 0.5 is the centre of the last cell.
  expectClose(atBox, [40, -40], 1e-5);
  const masked = layer.forward(query, {
    value,
    levels: row,
    reference: tf.tensor([0.375, 0.5], [1, 1, 1, 2]),
    mask: tf.tensor2d([[1, 1, 0, 1]]),
  });
  expectClose(masked, [0, 0]);
  layer.dispose();
});

test("gradients flow to query, features and reference", () => {
  const layer = new DeformableAttention(config, {random: createRandom(4)});
  // Weights of zero would leave the query without a gradient.
  layer.samplingOffsets.weight.assign(tf.mul(sample("offsets", [8, 24]), 0.02));
  layer.attentionWeights.weight.assign(sample("weights", [8, 12]));
  for (const coordinates of [2, 4] as const) {
    checkGradients(
      (...[query, value, at]: tf.Tensor[]) => layer.forward(query!, {value: value!, levels, reference: at!}),
      [sample("query", [2, 5, 8]), sample("value", [2, 16, 8]), reference(coordinates)],
      {samples: 6, step: 1e-3, tolerance: 5e-3},
    );
  }
  layer.dispose();
});

test("heads, widths and references that do not fit are refused", () => {
  assert.throws(
    () => new DeformableAttention({width: 8, heads: 3, levels: 1, points: 1}, {random: createRandom(1)}),
    (error: unknown) => error instanceof ConfigError && /divide the width 8, got 3/.test(error.message),
  );
  const layer = transparent();
  assert.throws(
    () =>
      layer.forward(tf.ones([1, 1, 2]), {
        value: tf.ones([1, 4, 2]),
        levels: [{height: 1, width: 4}],
        reference: tf.ones([1, 1, 1, 3]),
      }),
    (error: unknown) => error instanceof ShapeError && /reference/.test(error.message),
  );
  layer.dispose();
});

test("contract of GroupNorm", () => {
  checkLayer({
    build: () => new GroupNorm(6, {groups: 3}),
    run: (layer) => layer.forward(sample("x", [2, 3, 4, 6])),
    outputShape: [2, 3, 4, 6],
    weights: 2,
    parameters: 12,
  });
});

test.run();

import {ConfigError, createRandom} from "@claps/core";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {VitDet} from "./vit-det.js";
import {vitDetSizes} from "./vit-det-config.js";
import type {VitDetConfig} from "./vit-det-config.js";

await startTestEngine();

/** Parameters of an encoder by arithmetic from its configuration, independent of the code. */
function countByHand(config: VitDetConfig): number {
  const {width: D, mlpWidth: M, outputChannels: O, depth, heads, patchSize} = config;
  const grid = config.imageSize / patchSize;
  const global = config.globalBlocks.length;
  const tables = global * 2 * (2 * grid - 1) + (depth - global) * 2 * (2 * config.windowSize - 1);
  const block = 4 * D + (3 * D * D + 3 * D) + (D * D + D) + (D * M + M) + (M * D + D);
  const ends = grid * grid * D + (patchSize * patchSize * 3 * D + D) + D * O + 9 * O * O + 4 * O;
  return depth * block + tables * (D / heads) + ends;
}

test("number of weights and parameters of the tiny size", () => {
  const encoder = new VitDet(vitDetSizes.tiny, {random: createRandom(1)});
  assert.is(encoder.namedWeights().size, 3 + 2 * 14 + 6);
  assert.is(encoder.countParameters(), countByHand(vitDetSizes.tiny));
  assert.is([...encoder.namedWeights().keys()][0], "pos_embed");
  encoder.dispose();
});

test("the published sizes have their number of parameters", () => {
  // As PyTorch counts them for the image encoders of Segment Anything: totals less 4 064 560 for the rest.
  assert.is(countByHand(vitDetSizes.base), 93_735_472 - 4_064_560);
  assert.is(countByHand(vitDetSizes.large), 312_342_832 - 4_064_560);
  assert.is(countByHand(vitDetSizes.huge), 641_090_608 - 4_064_560);
});

test("hidden states: the input of the first block, then one per block", () => {
  const encoder = new VitDet(vitDetSizes.tiny, {random: createRandom(2)});
  tf.tidy(() => {
    const pixels = tf.ones([1, 40, 40, 3]);
    const [grid, ...hidden] = encoder.forward(pixels, {hidden: true});
    assert.equal(
      hidden.map((state) => state.shape),
      [1, 2, 3].map(() => [1, 5, 5, 16]),
    );
    expectClose(grid as tf.Tensor, encoder.forward(pixels)[0] as tf.Tensor);
  });
  encoder.dispose();
});

test("recomputed blocks give the same gradients", () => {
  const encoder = new VitDet(vitDetSizes.tiny, {random: createRandom(3)});
  const weights = tf.tensor(createRandom("w").normalArray(200), [1, 5, 5, 8]);
  const pixels = tf.tensor(createRandom("p").normalArray(4800), [1, 40, 40, 3]);
  const gradients = (checkpoint: boolean): Record<string, tf.Tensor> => {
    const loss = (): tf.Scalar =>
      tf.sum(tf.mul(encoder.forward(pixels, {checkpoint})[0] as tf.Tensor, weights));
    return tf.variableGrads(loss, encoder.trainableVariables()).grads;
  };
  const kept = gradients(false);
  const recomputed = gradients(true);
  for (const [name, gradient] of Object.entries(kept)) {
    expectClose(recomputed[name] as tf.Tensor, gradient, 1e-5, name);
  }
  encoder.dispose();
});

test("without relative positions there are no tables", () => {
  const encoder = new VitDet({...vitDetSizes.tiny, relativePositions: false}, {random: createRandom(4)});
  assert.is([...encoder.namedWeights().keys()].filter((path) => path.includes("rel_pos")).length, 0);
  assert.equal(
    tf.tidy(() => encoder.forward(tf.ones([1, 40, 40, 3]))[0]?.shape),
    [1, 5, 5, 8],
  );
  encoder.dispose();
});

test("numbers that do not fit together are refused by name", () => {
  const wrong: [Partial<VitDetConfig>, RegExp][] = [
    [{imageSize: 41}, /imageSize/],
    [{heads: 3}, /heads/],
    [{globalBlocks: [2]}, /globalBlocks/],
    [{depth: 0}, /depth/],
  ];
  for (const [change, pattern] of wrong) {
    assert.throws(
      () => new VitDet({...vitDetSizes.tiny, ...change}, {random: createRandom(5)}),
      (error: unknown) => error instanceof ConfigError && pattern.test(error.message),
    );
  }
});

test.run();

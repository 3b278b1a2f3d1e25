import {readdirSync} from "node:fs";
import {createRandom, ShapeError} from "@claps/core";
import {checkRegistration, expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import type {Backbone, BackboneBlock} from "./define-backbone.js";

await startTestEngine();

type AnyBackbone = Backbone<object, BackboneBlock>;

/** Every file of this folder whose default export is a backbone. */
async function findBackbones(): Promise<AnyBackbone[]> {
  const files = readdirSync(new URL(".", import.meta.url)).filter((file) => /^[a-z0-9-]+\.ts$/.test(file));
  const modules = await Promise.all(
    files.map((file) => import(new URL(file, import.meta.url).href) as Promise<{default?: unknown}>),
  );
  return modules.flatMap((module) => {
    const candidate = module.default as Partial<AnyBackbone> | undefined;
    return candidate?.build === undefined ? [] : [candidate as AnyBackbone];
  });
}

const backbones = await findBackbones();

test("the folder holds backbones, and their names are unique", () => {
  assert.ok(backbones.length > 0);
  assert.is(new Set(backbones.map((backbone) => backbone.id)).size, backbones.length);
});

for (const backbone of backbones) {
  const config = backbone.sizes.tiny;
  const side = backbone.imageSize(config);
  const sample = (): tf.Tensor => {
    const values = createRandom("pixels").normalArray(2 * side * side * 3);
    return tf.tensor(values, [2, side, side, 3]);
  };

  test(`${backbone.id}: the grids have the declared strides and channels, and nothing is left behind`, () => {
    const before = tf.memory().numTensors;
    const block = backbone.build(config, {random: createRandom(1)});
    checkRegistration(block, backbone.id);
    tf.tidy(() => {
      const grids = block.forward(sample());
      const wanted = backbone.strides(config).map((stride, level) => {
        return [2, Math.ceil(side / stride), Math.ceil(side / stride), backbone.channels(config)[level]];
      });
      assert.equal(
        grids.map((grid) => grid.shape),
        wanted,
      );
    });
    block.dispose();
    assert.is(tf.memory().numTensors, before);
  });

  test(`${backbone.id}: a gradient reaches every trainable weight`, () => {
    const block = backbone.build(config, {random: createRandom(2)});
    tf.tidy(() => {
      const loss = (): tf.Scalar =>
        tf.addN(block.forward(sample()).map((grid) => tf.sum(tf.mul(grid, weigh(grid)))));
      const {grads} = tf.variableGrads(loss, block.trainableVariables());
      for (const [path, variable] of block.namedWeights()) {
        const gradient = grads[variable.name];
        assert.ok(
          gradient?.dataSync().some((value) => value !== 0),
          `${path} has no gradient`,
        );
      }
    });
    block.dispose();
  });

  test(`${backbone.id}: pictures do not mix within a batch, and the configuration is plain data`, () => {
    const copy = JSON.parse(JSON.stringify(config)) as object;
    const first = backbone.build(config, {random: createRandom(3)});
    const second = backbone.build(copy, {random: createRandom(3)});
    tf.tidy(() => {
      const pixels = sample();
      const alone = tf.slice(pixels, [1, 0, 0, 0], [1, side, side, 3]);
      const together = first.forward(pixels);
      second.forward(alone).forEach((grid, level) => {
        const shared = together[level] as tf.Tensor4D;
        expectClose(tf.slice(shared, [1, 0, 0, 0], [1, -1, -1, -1]), grid, 1e-5);
      });
    });
    first.dispose();
    second.dispose();
  });

  test(`${backbone.id}: another size than the declared one is refused`, () => {
    const block = backbone.build(config, {random: createRandom(4)});
    assert.throws(
      () => block.forward(tf.zeros([1, side + 1, side, 3])),
      (error: unknown) => error instanceof ShapeError,
    );
    block.dispose();
  });
}

/** Fixed weights: normalised grids have a constant sum, whose gradient would vanish. */
function weigh(grid: tf.Tensor): tf.Tensor {
  return tf.tensor(createRandom("loss").normalArray(grid.size), grid.shape);
}

test.run();

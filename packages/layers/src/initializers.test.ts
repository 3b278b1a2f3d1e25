import {createRandom} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {blankRandom} from "./blank-random.js";
import {constant, fanInUniform, normal, ones, truncatedNormal, xavierUniform, zeros} from "./initializers.js";

const random = createRandom("initializers");

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

test("constants", () => {
  assert.equal([...zeros()([2])], [0, 0]);
  assert.equal([...ones()([1, 2])], [1, 1]);
  assert.equal([...constant(3)([])], [3]);
});

test("truncatedNormal stays within two deviations and is narrower than the normal", () => {
  const values = truncatedNormal(random.fork("cut"), 0.02)([100, 100]);
  assert.ok(values.every((value) => Math.abs(value) <= 0.04 + 1e-7));
  // A normal cut at two deviations has 0.8796 of its deviation.
  assert.ok(Math.abs(deviation(values) / 0.02 - 0.8796) < 0.02);
  assert.ok(Math.abs(deviation(normal(random.fork("whole"), 0.02)([100, 100])) / 0.02 - 1) < 0.02);
});

test("limits of the uniform rules by hand", () => {
  // A 3 px kernel from 2 to 4 channels: 18 in, 36 out.
  const xavier = xavierUniform(random.fork("xavier"))([3, 3, 2, 4]);
  const most = Math.max(...xavier.map(Math.abs));
  assert.ok(most <= Math.sqrt(6 / 54) && most > 0.9 * Math.sqrt(6 / 54));
  const fan = fanInUniform(random.fork("fan"))([3, 3, 2, 4]);
  assert.ok(Math.max(...fan.map(Math.abs)) <= 1 / Math.sqrt(18));
  assert.ok(Math.max(...fanInUniform(random.fork("bias"), 100)([50]).map(Math.abs)) <= 0.1);
});

test("the same fork gives the same values; the blank source gives zeros", () => {
  const twice = [1, 2].map(() => truncatedNormal(createRandom(1).fork("weight"), 1)([5]));
  assert.equal(twice[0], twice[1]);
  for (const initializer of [
    truncatedNormal(blankRandom, 1),
    normal(blankRandom, 1),
    xavierUniform(blankRandom),
  ]) {
    assert.equal([...initializer([2, 2])], [0, 0, 0, 0]);
  }
});

test.run();

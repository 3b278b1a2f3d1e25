import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {Graph} from "../graph.js";
import {Numbers, plain, runCompiled, runEager, type PlainTensor} from "./cpu-oracle.twin.js";
import {lowerings} from "./index.js";

function close(actual: ArrayLike<number>, wanted: readonly number[], tolerance = 1e-6): void {
  assert.is(actual.length, wanted.length);
  wanted.forEach((value, index) => {
    const difference = Math.abs((actual[index] as number) - value);
    assert.ok(
      difference <= tolerance * Math.max(1, Math.abs(value)),
      `${index}: ${actual[index]}, not ${value}`,
    );
  });
}

/** Row by row in double precision. */
function normalise({values, shape}: PlainTensor, scale: PlainTensor, offset: PlainTensor, epsilon: number) {
  const channels = shape.at(-1) as number;
  const rows = Array.from({length: values.length / channels}, (_, row) =>
    values.slice(row * channels, (row + 1) * channels),
  );
  const mean = rows.map((row) => row.reduce((sum, value) => sum + value, 0) / channels);
  const reciprocal = rows.map((row, index) => {
    const squares = row.map((value) => (value - (mean[index] as number)) ** 2);
    return 1 / Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / channels + epsilon);
  });
  const y = rows.flatMap((row, index) =>
    row.map((value, channel) => {
      const normal = (value - (mean[index] as number)) * (reciprocal[index] as number);
      return normal * (scale.values[channel] as number) + (offset.values[channel] as number);
    }),
  );
  return {y, mean, reciprocal};
}

test("layer normalisation by hand: 1, 3 has mean 2 and deviation 1", async () => {
  const inputs = {x: plain([1, 3], "float32", [1, 2]), scale: plain([10, 10]), offset: plain([5, 5])};
  for (const run of [runEager, runCompiled]) {
    const [y, mean, reciprocal] = await run("LayerNormalization", inputs, {epsilon: 0});
    close(y!.values, [-5, 15]);
    close(mean!.values, [2]);
    close(reciprocal!.values, [1]);
  }
});

test("layer normalisation of rows of every length, eager and compiled", async () => {
  const numbers = new Numbers(90);
  for (const shape of [[7], [3, 5], [2, 3, 17], [2, 2, 3, 64]]) {
    const width = [shape.at(-1) as number];
    const x = numbers.tensor(shape);
    const scale = numbers.tensor(width);
    const offset = numbers.tensor(width);
    const wanted = normalise(x, scale, offset, 1e-5);
    for (const run of [runEager, runCompiled]) {
      const [y, mean, reciprocal] = await run("LayerNormalization", {x, scale, offset}, {epsilon: 1e-5});
      assert.equal(mean!.shape, [...shape.slice(0, -1), 1]);
      close(y!.values, wanted.y, 1e-5);
      close(mean!.values, wanted.mean, 1e-5);
      close(reciprocal!.values, wanted.reciprocal, 1e-5);
    }
  }
});

test("sigmoid to an absolute error of 1e-6, far out too", async () => {
  const x = plain([-100, -20, -5, -0.5, 0, 0.5, 5, 20, 100]);
  for (const run of [runEager, runCompiled]) {
    const [y] = await run("FastSigmoid", {x}, {});
    const wanted = x.values.map((value) => 1 / (1 + Math.exp(-value)));
    wanted.forEach((value, index) => assert.ok(Math.abs((y!.values[index] as number) - value) < 1e-6));
  }
});

test("gelu at points of a table of the normal distribution", async () => {
  // Φ(1) = .8413447461, Φ(2) = .9772498681, Φ(3) = .9986501020.
  const x = plain([-3, -2, -1, 0, 1, 2, 3]);
  const wanted = [-3 * (1 - 0.998650102), -2 * (1 - 0.9772498681), -(1 - 0.8413447461), 0, 0.8413447461];
  for (const run of [runEager, runCompiled]) {
    const [y] = await run("Gelu", {x}, {});
    close(y!.values, [...wanted, 2 * 0.9772498681, 3 * 0.998650102], 1e-6);
  }
});

test("an exported graph has none of ONNX Runtime's own operators", () => {
  const graph = new Graph();
  const x = graph.input([4], "float32");
  lowerings.get("Gelu")!(graph, {inputs: {x}, list: [x], attrs: {}}, {contrib: false});
  assert.ok(graph.nodes.every(({domain}) => domain === ""));
  assert.ok(graph.nodes.length > 1);
});

test("other backends do not have these kernels, so callers can ask", () => {
  for (const name of ["FastSigmoid", "Gelu", "LayerNormalization"]) {
    assert.ok(tf.getKernel(name, "onnx"));
    assert.is(tf.getKernel(name, "cpu"), undefined);
  }
});

test.run();

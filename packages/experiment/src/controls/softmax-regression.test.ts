import {countTensors} from "@claps/core";
import {startTestEngine} from "@claps/layers/testing";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {fitSoftmaxRegression} from "./softmax-regression.js";

await startTestEngine();

test("three groups on a line are told apart, and rows sum to 1", async () => {
  const model = await fitSoftmaxRegression({
    features: Float32Array.from([-5, -4, -0.5, 0.5, 4, 5]),
    width: 1,
    classes: Int32Array.from([0, 0, 1, 1, 2, 2]),
    classCount: 3,
  });
  const table = await model.probabilities(Float32Array.from([-4.5, 0, 4.5, 400]));
  for (let row = 0; row < 4; row++) {
    const probabilities = [...table.subarray(row * 3, row * 3 + 3)];
    const sum = probabilities.reduce((total, value) => total + value, 0);
    assert.ok(Math.abs(sum - 1) < 1e-5);
    assert.ok((probabilities[Math.min(row, 2)] ?? 0) > 0.9, `row ${row}: ${probabilities.join(", ")}`);
  }
});

test("a feature that says nothing: probabilities are the shares of the classes, 3/4 and 1/4", async () => {
  const model = await fitSoftmaxRegression({
    features: Float32Array.from([7, 7, 7, 7]),
    width: 1,
    classes: Int32Array.from([0, 1, 0, 0]),
    classCount: 2,
  });
  const [first = 0, second = 0] = await model.probabilities(Float32Array.from([7]));
  assert.ok(Math.abs(first - 0.75) < 2e-3, `got ${first}`);
  assert.ok(Math.abs(second - 0.25) < 2e-3, `got ${second}`);
});

test("two features, the scale of one a thousand times the other's: standardised, both count", async () => {
  // The class is the sign of the second, small feature.
  const features = Float32Array.from([1000, 1, -1000, 1, 1000, -1, -1000, -1]);
  const classes = Int32Array.from([1, 1, 0, 0]);
  const model = await fitSoftmaxRegression({features, width: 2, classes, classCount: 2});
  const table = await model.probabilities(features);
  classes.forEach((wanted, row) => assert.ok((table[row * 2 + wanted] ?? 0) > 0.95));
});

test("no tensor is left behind", async () => {
  const {leaked} = await countTensors(async () => {
    const model = await fitSoftmaxRegression({
      features: Float32Array.from([0, 1]),
      width: 1,
      classes: Int32Array.from([0, 1]),
      classCount: 2,
    });
    await model.probabilities(Float32Array.from([0.5]));
  });
  assert.is(leaked, 0);
});

test.run();

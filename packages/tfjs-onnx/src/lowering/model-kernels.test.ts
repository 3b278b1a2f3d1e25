import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients of all kernels.
import "@tensorflow/tfjs-layers";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {compile} from "../compile.js";
import {chooseOnnx, Numbers} from "./cpu-oracle.twin.js";
import {lowerings} from "./index.js";
import {smallModels, type SmallModel} from "./small-models.twin.js";

const STEPS = 3;

interface Run {
  readonly losses: number[];
  readonly weights: Map<string, number[]>;
  readonly kernels: readonly string[];
}

type Step = (rate: tf.Tensor, count: tf.Tensor, ...inputs: tf.Tensor[]) => tf.Tensor;

/** Forward, backward, clipping by the norm of all gradients, and AdamW. */
function trainStep(model: SmallModel, weights: Record<string, tf.Variable>): Step {
  const moments = Object.entries(weights).map(([, {shape}]) =>
    [0, 1].map(() => tf.tidy(() => tf.variable(tf.zeros(shape)))),
  ) as [tf.Variable, tf.Variable][];
  return (rate, count, ...inputs) => {
    const {value, grads} = tf.variableGrads(() => model.loss(weights, ...inputs), Object.values(weights));
    const norm = tf.sqrt(tf.addN(Object.values(grads).map((gradient) => tf.sum(tf.square(gradient)))));
    const scale = tf.minimum(tf.div(1, tf.add(norm, 1e-6)), 1);
    Object.values(weights).forEach((weight, index) => {
      const gradient = tf.mul(grads[weight.name] as tf.Tensor, scale);
      const [first, second] = moments[index] as [tf.Variable, tf.Variable];
      first.assign(tf.add(tf.mul(first, 0.9), tf.mul(gradient, 0.1)));
      second.assign(tf.add(tf.mul(second, 0.999), tf.mul(tf.square(gradient), 0.001)));
      const direction = tf.div(
        tf.div(first, tf.sub(1, tf.pow(0.9, count))),
        tf.add(tf.sqrt(tf.div(second, tf.sub(1, tf.pow(0.999, count)))), 1e-4),
      );
      weight.assign(tf.sub(weight, tf.mul(rate, tf.add(direction, tf.mul(weight, 0.01)))));
    });
    return value;
  };
}

function tensorsOf(shapes: readonly (readonly number[])[], numbers: Numbers): tf.Tensor[] {
  return shapes.map((shape) => {
    const values = Float32Array.from(numbers.tensor(shape, "float32", -0.8, 0.8).values);
    return tf.tensor(values, [...shape]);
  });
}

/** Some steps on a backend, compiled if it is ours; the kernels are those of a step that runs at once. */
async function train(backend: "cpu" | "onnx", model: SmallModel): Promise<Run> {
  if (backend === "onnx") await chooseOnnx();
  else await tf.setBackend("cpu");
  const numbers = new Numbers(17);
  const names = Object.keys(model.weights);
  const starts = tensorsOf(Object.values(model.weights), numbers);
  const weights = Object.fromEntries(
    names.map((name, index) => [name, tf.variable(starts[index] as tf.Tensor)]),
  );
  const inputs = tensorsOf(model.inputs, numbers);
  const step = trainStep(model, weights);
  const compiled = backend === "onnx" ? compile(step) : undefined;
  const losses: number[] = [];
  for (let count = 1; count <= STEPS; count++) {
    const [rate, number] = [tf.scalar(0.01), tf.scalar(count)];
    const loss = compiled ? compiled(rate, number, ...inputs) : tf.tidy(() => step(rate, number, ...inputs));
    losses.push(loss.dataSync()[0] as number);
    tf.dispose([loss, rate, number]);
  }
  const values = new Map(
    names.map((name) => [name, Array.from((weights[name] as tf.Variable).dataSync())] as const),
  );
  const {kernelNames} = await tf.profile(() => tf.tidy(() => step(tf.scalar(0), tf.scalar(1), ...inputs)));
  compiled?.dispose();
  // Operations of several kernels that name themselves are not kernels.
  const kernels = kernelNames.filter((kernel) => !kernel.endsWith("__op"));
  return {losses, weights: values, kernels};
}

const emitted = new Set<string>();

for (const [name, model] of Object.entries(smallModels)) {
  test(`${name}: a training step compiles, its kernels are all our own, and it learns as on the plain backend`, async () => {
    const [expected, actual] = [await train("cpu", model), await train("onnx", model)];
    assert.ok((expected.losses[STEPS - 1] as number) < (expected.losses[0] as number), "the loss falls");
    expected.losses.forEach((loss, index) =>
      assert.ok(
        Math.abs(loss - (actual.losses[index] as number)) < 2e-5 * Math.max(1, Math.abs(loss)),
        `loss ${index}: ${actual.losses[index]} instead of ${loss}`,
      ),
    );
    for (const [weight, values] of expected.weights) {
      const got = actual.weights.get(weight) as number[];
      const worst = Math.max(...values.map((value, index) => Math.abs(value - (got[index] as number))));
      assert.ok(worst < 2e-4, `weight ${weight} is off by ${worst}`);
    }
    actual.kernels.forEach((kernel) => emitted.add(kernel));
    const missing = [...new Set(actual.kernels)].filter(
      (kernel) => !lowerings.has(kernel) && kernel !== "Identity",
    );
    assert.equal(missing, [], "kernels that fall to the plain backend");
  });
}

test("the models together use most kinds of kernels", () => {
  // A model that became trivial by mistake would emit few.
  const some = [
    "GatherV2",
    "UnsortedSegmentSum",
    "Conv2DBackpropFilter",
    "Softmax",
    "Erf",
    "TopK",
    "OneHot",
    "SplitV",
  ];
  assert.equal(
    some.filter((kernel) => !emitted.has(kernel)),
    [],
  );
  assert.ok(emitted.size > 55, `${emitted.size} kernels`);
});

test.run();

import {readdirSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {createRandom} from "@claps/core";
import * as layers from "../index.js";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkGradients, startTestEngine} from "../testing.js";
import {throughCompiler} from "../testing/through-compiler.js";

await startTestEngine();
const random = createRandom("gradients");
const sample = (label: string, shape: number[]): tf.Tensor =>
  tf.tensor(random.fork(label).normalArray(tf.util.sizeFromShape(shape)), shape);

interface Differentiated {
  fn: (...inputs: tf.Tensor[]) => tf.Tensor;
  inputs: tf.Tensor[];
  step?: number;
}

const ids = tf.tensor2d(
  [
    [2, 0, 2],
    [2, 4, 1],
  ],
  [2, 3],
  "int32",
);
const targets = tf.softmax(sample("targets", [2, 3]));
const heads = [sample("q", [1, 2, 5, 4]), sample("k", [1, 2, 3, 4]), sample("v", [1, 2, 3, 4])];
const offBorder = tf.tensor1d([-2.3, -0.6, 0.2, 0.7, 1.4]);
/** Away from the centres of cells of a 3 x 4 grid. */
const points = tf.tensor4d([-0.6, -0.3, 0.1, 0.4, 0.6, -0.4, -0.1, 0.2], [1, 2, 2, 2]);
const locations = tf.reshape(tf.mul(tf.add(points, 1), 0.5), [1, 2, 1, 1, 2, 2]);

/** Every differentiable operation by file, with inputs away from its kinks. */
const CASES: Readonly<Record<string, readonly Differentiated[]>> = {
  attention: [
    {fn: (q, k, v) => layers.attention(q, k, v), inputs: heads},
    {fn: (q, k, v) => layers.attention(q, k, v, {maxScores: 12}), inputs: heads},
    {
      fn: (q, k, v, mask) => layers.attention(q, k, v, {mask: mask}),
      inputs: [...heads, sample("m", [1, 1, 5, 3])],
    },
  ],
  broadcast: [{fn: (x) => layers.broadcast(x, [2, 3, 4]), inputs: [sample("x", [2, 1, 4])]}],
  checkpoint: [
    {
      fn: (x, y) => layers.checkpoint((a, b) => tf.mul(tf.sin(a), b), [x, y], []),
      inputs: [sample("x", [3]), sample("y", [3])],
    },
  ],
  clip: [{fn: (x) => layers.clip(x, -1, 1), inputs: [offBorder]}],
  "conv-transpose2d": [
    {
      fn: (x, filter, bias) => layers.convTranspose2d(x, filter, {stride: 2, padding: 1, bias: bias}),
      inputs: [sample("x", [1, 3, 2, 3]), sample("f", [3, 3, 2, 3]), sample("b", [2])],
    },
  ],
  "conv-transpose2x2": [
    {
      fn: (x, filter, bias) => layers.convTranspose2x2(x, filter, bias),
      inputs: [sample("x", [1, 3, 2, 3]), sample("f", [2, 2, 2, 3]), sample("b", [2])],
    },
  ],
  conv2d: [
    {
      fn: (x, filter, bias) => layers.conv2d(x, filter, {padding: 1, bias: bias}),
      inputs: [sample("x", [2, 4, 3, 2]), sample("f", [3, 3, 2, 3]), sample("b", [3])],
    },
  ],
  gather: [{fn: (table) => layers.gather(table, ids), inputs: [sample("t", [5, 3])]}],
  gelu: [{fn: (x) => layers.gelu(x), inputs: [offBorder]}],
  "gelu-tanh": [{fn: (x) => layers.geluTanh(x), inputs: [offBorder]}],
  "grid-sample": [
    {fn: (x, grid) => layers.gridSample(x, grid), inputs: [sample("x", [1, 3, 4, 2]), points]},
    {fn: (x) => layers.gridSample(x, points, {mode: "nearest"}), inputs: [sample("x", [1, 3, 4, 2])]},
  ],
  "group-norm": [
    {
      fn: (x, weight, bias) => layers.groupNorm(x, {groups: 2, weight: weight, bias: bias, epsilon: 1e-5}),
      inputs: [sample("x", [2, 3, 4]), sample("w", [4]), sample("b", [4])],
    },
  ],
  "layer-norm": [
    {
      fn: (x, weight, bias) => layers.layerNorm(x, weight, bias, 1e-5),
      inputs: [sample("x", [2, 3, 6]), sample("w", [6]), sample("b", [6])],
    },
  ],
  linear: [
    {
      fn: (x, weight, bias) => layers.linear(x, weight, bias),
      inputs: [sample("x", [2, 3, 4]), sample("w", [4, 5]), sample("b", [5])],
    },
    {fn: (x, weight) => layers.linear(x, weight), inputs: [sample("x", [2, 3, 4]), sample("w", [4, 5])]},
  ],
  "log-sigmoid": [{fn: (x) => layers.logSigmoid(x), inputs: [offBorder]}],
  lora: [
    {
      fn: (x, down, up) => layers.lora(x, [{down: down, up: up}, undefined], 2),
      inputs: [sample("x", [3, 4]), sample("a", [4, 2]), sample("b", [2, 3])],
    },
  ],
  "mean-safe": [{fn: (x) => layers.meanSafe(tf.square(x), [1]), inputs: [sample("x", [2, 3, 2])]}],
  "multi-scale-deformable-attention": [
    {
      fn: (value, at, weights) =>
        layers.multiScaleDeformableAttention(value, [{height: 3, width: 4}], at, weights),
      inputs: [sample("x", [1, 12, 1, 2]), locations, sample("w", [1, 2, 1, 1, 2])],
      step: 5e-3,
    },
  ],
  patchify: [{fn: (x) => layers.patchify(x, 2), inputs: [sample("x", [1, 4, 6, 2])]}],
  "quick-gelu": [{fn: (x) => layers.quickGelu(x), inputs: [offBorder]}],
  "repeat-batch": [{fn: (x) => layers.repeatBatch(x, 3), inputs: [sample("x", [2, 3])]}],
  resize: [
    {
      fn: (x) => layers.resize(x, {height: 2, width: 7}, {mode: "bicubic", antialias: true}),
      inputs: [sample("x", [1, 3, 4, 2])],
    },
    {fn: (x) => layers.resizeLinear(x, 5), inputs: [sample("x", [2, 3, 2])]},
  ],
  "resize-bilinear": [
    {fn: (x) => layers.resizeBilinear(x, {height: 5, width: 3}), inputs: [sample("x", [1, 3, 4, 2])]},
  ],
  "softmax-cross-entropy": [
    {fn: (logits) => layers.softmaxCrossEntropy(logits, targets), inputs: [sample("l", [2, 3])]},
  ],
  softplus: [{fn: (x) => layers.softplus(x), inputs: [offBorder]}],
  "sum-safe": [{fn: (x) => layers.sumSafe(tf.square(x), [0, 2]), inputs: [sample("x", [2, 3, 2])]}],
  "sum-to-shape": [{fn: (x) => layers.sumToShape(tf.square(x), [3, 1]), inputs: [sample("x", [2, 3, 2])]}],
};

/** Files without an operation that has a gradient, and what they hold. */
const WITHOUT_GRADIENT: Readonly<Record<string, string>> = {
  "bilinear-corners": "parts of the sampling operations",
  "dilate-filter": "part of the convolutions",
  "no-grad": "cuts gradients, checked in gradient-control.test.ts",
  "resampling-matrix": "constant matrices",
  "refuse-second-derivative": "throws inside of gradients, checked in gradient-control.test.ts",
  "run-native": "calls kernels of the engine, inside other operations",
  "sampling-position": "part of gridSample",
  "stop-gradient": "cuts gradients, checked in gradient-control.test.ts",
};

test("every operation of the folder is in this list", () => {
  const files = readdirSync(fileURLToPath(new URL(".", import.meta.url)))
    .filter((name) => /^[^.]+\.ts$/.test(name))
    .map((name) => name.slice(0, -3));
  assert.equal(files.sort(), [...Object.keys(CASES), ...Object.keys(WITHOUT_GRADIENT)].sort());
});

for (const [name, cases] of Object.entries(CASES)) {
  test(`${name}: gradients agree with difference quotients at 1e-3, eager and compiled`, () => {
    for (const {fn, inputs, step = 1e-2} of cases) {
      const compiled = throughCompiler(fn);
      checkGradients(fn, inputs, {samples: 6, step});
      checkGradients(compiled.fn, inputs, {samples: 6, step});
      compiled.dispose();
    }
  });
}

test("a wrong gradient is noticed", () => {
  const wrong = (x: tf.Tensor): tf.Tensor =>
    tf.customGrad((y: unknown) => ({
      value: tf.square(y as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => tf.mul(dy, 2.01),
    }))(x);
  assert.throws(() => checkGradients(wrong, [tf.tensor1d([1, 1.5])]), /gradient of input 0/);
  const compiled = throughCompiler(wrong);
  assert.throws(() => checkGradients(compiled.fn, [tf.tensor1d([1, 1.5])]), /gradient of input 0/);
  compiled.dispose();
});

test.run();

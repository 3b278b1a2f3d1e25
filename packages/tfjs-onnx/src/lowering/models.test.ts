import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients of all kernels.
import "@tensorflow/tfjs-layers";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {compile} from "../compile.js";
import {chooseOnnx, close, Numbers} from "./cpu-oracle.twin.js";

type Loss = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Value of a loss and its gradients with respect to every input, on the plain backend and as one graph. */
async function sameGradients(loss: Loss, shapes: readonly number[][], seed: number): Promise<void> {
  const numbers = new Numbers(seed);
  const values = shapes.map((shape) => numbers.tensor(shape, "float32", -1, 1).values);
  const inputs = (): tf.Tensor[] =>
    values.map((data, index) => tf.tensor(data as number[], shapes[index] as number[]));
  const step = (...tensors: tf.Tensor[]): tf.Tensor[] => {
    const {value, grads} = tf.valueAndGrads(loss as (...x: tf.Tensor[]) => tf.Scalar)(tensors);
    return [value, ...grads];
  };
  const read = (tensors: tf.Tensor[]): number[][] => tensors.map((tensor) => Array.from(tensor.dataSync()));
  await tf.setBackend("cpu");
  const expected = read(step(...inputs()));
  await chooseOnnx();
  const compiled = compile(step, {check: "once"});
  for (const actual of [read(compiled(...inputs())), read(step(...inputs()))]) {
    expected.forEach((wanted, index) => {
      const got = actual[index] as number[];
      assert.is(got.length, wanted.length);
      const wrong = wanted.findIndex((value, position) => !close(got[position] as number, value, 5e-5));
      assert.is(wrong, -1, `output ${index}, element ${wrong}: got ${got[wrong]}, expected ${wanted[wrong]}`);
    });
  }
  compiled.dispose();
}

function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-6))), weight), bias);
}

function gelu(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

test("image encoder: patches, windows, relative positions, attention, neck, upscaling", async () => {
  const width = 8;
  const side = 6;
  const window = 4;
  const loss: Loss = (picture, patch, weight, bias, qkv, table, neck, up) => {
    const grid = tf.conv2d(picture as tf.Tensor4D, patch as tf.Tensor4D, 2, "valid");
    const normed = layerNorm(grid, weight, bias) as tf.Tensor4D;
    // Windows of 4 x 4 over a 6 x 6 grid, padded to 8 x 8.
    const padded = tf.pad(normed, [
      [0, 0],
      [0, 2],
      [0, 2],
      [0, 0],
    ]);
    const cut = tf.transpose(tf.reshape(padded, [1, 2, window, 2, window, width]), [0, 1, 3, 2, 4, 5]);
    const tokens = tf.reshape(cut, [4, window * window, width]);
    const projected = tf.reshape(tf.matMul(tf.reshape(tokens, [64, width]), qkv as tf.Tensor2D), [
      4,
      16,
      3,
      width,
    ]);
    const [q, k, v] = tf.split(projected, 3, 2).map((part) => tf.squeeze(part, [2])) as [
      tf.Tensor3D,
      tf.Tensor3D,
      tf.Tensor3D,
    ];
    const offsets = tf.tensor1d([3, 2, 1, 0, 4, 3, 2, 1, 5, 4, 3, 2, 6, 5, 4, 3], "int32");
    const relative = tf.reshape(tf.gather(table as tf.Tensor2D, offsets), [window, window, width]);
    const rows = tf.reshape(q, [4, window, window, width]);
    const rise = tf.sum(
      tf.mul(tf.expandDims(rows, 3), tf.reshape(relative, [1, window, 1, window, width])),
      -1,
    );
    const scores = tf.reshape(tf.matMul(tf.mul(q, 0.35), k, false, true), [
      4,
      window,
      window,
      window,
      window,
    ]);
    const biased = tf.reshape(tf.add(scores, tf.expandDims(rise, 4)), [4, 16, 16]);
    const attended = tf.matMul(tf.softmax(biased), v);
    const joined = tf.transpose(tf.reshape(attended, [1, 2, 2, window, window, width]), [0, 1, 3, 2, 4, 5]);
    const whole = tf.slice(tf.reshape(joined, [1, 8, 8, width]), [0, 0, 0, 0], [1, side, side, width]);
    const features = tf.conv2d(tf.add<tf.Tensor4D>(grid, whole), neck as tf.Tensor4D, 1, "same");
    // Transposed 2 x 2 convolution with stride 2 as a product.
    const spread = tf.matMul(tf.reshape(gelu(features), [side * side, width]), up);
    const large = tf.transpose(tf.reshape(spread, [1, side, side, 2, 2, 4]), [0, 1, 3, 2, 4, 5]);
    return tf.mean(tf.square(tf.reshape(large, [1, 12, 12, 4])));
  };
  const shapes = [
    [1, 12, 12, 3],
    [2, 2, 3, width],
    [width],
    [width],
    [width, 3 * width],
    [7, width],
    [3, 3, width, width],
    [width, 16],
  ];
  await sameGradients(loss, shapes, 90);
});

test("prompt encoder: sine and cosine positions, choice by label, tiles", async () => {
  const loss: Loss = (points, frequencies, kinds, nothing) => {
    const angles = tf.mul(tf.matMul(points as tf.Tensor2D, frequencies as tf.Tensor2D), 2 * Math.PI);
    const positions = tf.concat([tf.sin(angles), tf.cos(angles)], -1);
    const labels = tf.tensor1d([1, -1, 0], "int32");
    const isNothing = tf.tile(tf.expandDims(tf.equal(labels, -1), 1), [1, 6]);
    const placed = tf.where(isNothing, tf.tile(nothing as tf.Tensor2D, [3, 1]), positions);
    const chosen = tf.gather(kinds as tf.Tensor2D, tf.maximum(labels, tf.scalar(0, "int32")));
    const stacked = tf.stack([placed, tf.add(placed, chosen)], 1);
    const [first, second] = tf.unstack(stacked, 1);
    return tf.sum(tf.mul(first as tf.Tensor, tf.tanh(second as tf.Tensor)));
  };
  await sameGradients(
    loss,
    [
      [3, 2],
      [2, 3],
      [2, 6],
      [1, 6],
    ],
    91,
  );
});

test("text tower: embedding, causal mask, quick GELU, pooling at the end token", async () => {
  const loss: Loss = (table, weight) => {
    const ids = tf.tensor1d([4, 1, 1, 7, 0, 4], "int32");
    const tokens = tf.reshape<tf.Rank.R3>(tf.gather(table as tf.Tensor2D, ids), [2, 3, 5]);
    const mask = tf.tensor2d([0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0], [3, 3]);
    const scores = tf.add(tf.matMul(tokens, tokens, false, true), mask);
    const mixed = tf.matMul(tf.softmax(scores), tokens);
    const hidden = tf.matMul(tf.reshape(mixed, [6, 5]), weight);
    const active = tf.mul(hidden, tf.sigmoid(tf.mul(hidden, 1.702)));
    const last = tf.gather(active, tf.tensor1d([2, 5], "int32"));
    return tf.mean(tf.abs(last));
  };
  await sameGradients(
    loss,
    [
      [8, 5],
      [5, 4],
    ],
    92,
  );
});

test("losses: focal, dice, clipped logarithms, softplus, powers, extremes", async () => {
  const loss: Loss = (logits, boxes) => {
    const truth = tf.tensor2d([1, 0, 0, 1, 1, 0, 0, 0], [2, 4]);
    const probability = tf.sigmoid(logits as tf.Tensor2D);
    const entropy = tf.sub(tf.softplus(logits as tf.Tensor2D), tf.mul(logits as tf.Tensor2D, truth));
    const hit = tf.add(tf.mul(probability, truth), tf.mul(tf.sub(1, probability), tf.sub(1, truth)));
    const focal = tf.mean(tf.mul(tf.pow(tf.sub(1, hit), 2), entropy));
    const overlap = tf.sum(tf.mul(probability, truth), 1);
    const sizes = tf.add(tf.sum(probability, 1), tf.sum(truth, 1));
    const dice = tf.mean(tf.sub(1, tf.div(tf.add(tf.mul(overlap, 2), 1), tf.add(sizes, 1))));
    const logarithm = tf.mean(tf.log(tf.clipByValue(probability, 1e-3, 1)));
    const exact = tf.mean(tf.log1p(tf.exp(tf.neg(tf.abs(logits as tf.Tensor2D)))));
    const extremes = tf.add(
      tf.max(tf.relu(boxes as tf.Tensor2D)),
      tf.min(tf.minimum(boxes as tf.Tensor2D, tf.zerosLike(boxes as tf.Tensor2D))),
    );
    const positive = tf.cast(tf.greater(truth, 0.5), "float32");
    const rows = tf.logSoftmax(logits as tf.Tensor2D);
    return tf.addN([
      focal,
      dice,
      logarithm,
      exact,
      extremes,
      tf.neg(tf.mean(tf.mul(rows, positive))),
    ] as tf.Scalar[]);
  };
  await sameGradients(
    loss,
    [
      [2, 4],
      [3, 4],
    ],
    93,
  );
});

test("resize, pooling, leaky units and running sums", async () => {
  const loss: Loss = (picture) => {
    const large = tf.image.resizeBilinear(picture as tf.Tensor4D, [8, 6], true);
    const pooled = tf.add(tf.maxPool(large, 2, 2, "same"), tf.avgPool(large, 2, 2, "valid"));
    const bent = tf.leakyRelu(tf.elu(pooled), 0.1);
    const summed = tf.cumsum(bent, 3);
    return tf.sum(tf.div(summed, tf.sqrt(tf.add(tf.square(summed), 1))));
  };
  await sameGradients(loss, [[1, 4, 4, 2]], 94);
});

test("AdamW and clipping by global norm", async () => {
  await sameUpdate();
});

/** One optimizer step on given numbers, against the same formula in plain JavaScript numbers. */
async function sameUpdate(): Promise<void> {
  await chooseOnnx();
  const weights = [0.5, -1, 2];
  const gradients = [3, -4, 12];
  const update = compile(
    (weight: tf.Tensor, gradient: tf.Tensor, rate: tf.Tensor) => {
      const norm = tf.sqrt(tf.addN([tf.sum(tf.square(gradient))]));
      const factor = tf.where(tf.greater(norm, 1), tf.div(1, norm), tf.onesLike(norm));
      const clipped = tf.mul(gradient, factor);
      const first = tf.mul(clipped, 0.1);
      const second = tf.mul(tf.square(clipped), 0.001);
      const direction = tf.div(tf.div(first, 0.1), tf.add(tf.sqrt(tf.div(second, 0.001)), 1e-8));
      return tf.sub(tf.mul(weight, tf.sub(1, tf.mul(rate, 0.01))), tf.mul(rate, direction));
    },
    {check: "always"},
  );
  const result = Array.from(update(tf.tensor1d(weights), tf.tensor1d(gradients), tf.scalar(0.1)).dataSync());
  // Norm 13, so the clipped gradient is [3, -4, 12] / 13 and every direction has length 1.
  const expected = [0.5 * 0.999 - 0.1, -1 * 0.999 + 0.1, 2 * 0.999 - 0.1];
  expected.forEach((value, index) => assert.ok(Math.abs((result[index] as number) - value) < 1e-6));
  update.dispose();
}

test.run();

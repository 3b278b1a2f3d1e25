import {readFile} from "node:fs/promises";
import {fileURLToPath} from "node:url";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import {readSafetensors, toFloat32} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import {binaryCrossEntropy} from "./binary-cross-entropy.js";
import {diceLoss} from "./dice-loss.js";
import {maskLoss} from "./mask-loss.js";
import {sigmoidFocal} from "./sigmoid-focal.js";

const test = suite("losses against PyTorch");
const folder = fileURLToPath(new URL("../../fixtures/losses/", import.meta.url));

test.before(async () => {
  await startTestEngine();
});

interface Case {
  options: {alpha?: number; gamma?: number; num_boxes?: number};
  /** A tensor by its full name. */
  tensor: (name: string) => tf.Tensor;
}

async function readCase(name: string): Promise<Case> {
  const {tensors} = await readSafetensors(`${folder}case-${name}.safetensors`);
  const {options} = JSON.parse(await readFile(`${folder}case-${name}.json`, "utf8")) as Case;
  return {
    options,
    tensor: (key) => {
      const stored = tensors.get(key);
      if (stored === undefined) throw new Error(`case ${name} has no ${key}`);
      return tf.tensor(toFloat32(stored), stored.shape);
    },
  };
}

/** Compares a loss and its gradient with respect to the logits. */
function check({tensor}: Case, loss: (x: tf.Tensor) => tf.Tensor): void {
  const {value, grad} = tf.valueAndGrad((x) => tf.reshape<tf.Rank.R0>(loss(x), []))(tensor("input.logits"));
  expectClose(value, tensor("output.loss"), 1e-6, "loss");
  expectClose(grad, tensor("grad.input.logits"), 1e-6, "gradient");
}

test("binary cross entropy", async () => {
  const source = await readCase("bce");
  const targets = source.tensor("input.targets");
  expectClose(
    binaryCrossEntropy(source.tensor("input.logits"), targets),
    source.tensor("output.elements"),
    1e-6,
  );
  check(source, (x) => tf.mean(binaryCrossEntropy(x, targets)));
});

for (const name of ["focal", "focal-no-alpha"]) {
  test(name, async () => {
    const source = await readCase(name);
    const {alpha, gamma} = source.options;
    check(source, (x) => tf.sum(sigmoidFocal(x, source.tensor("input.targets"), {alpha, gamma})));
  });
}

test("dice", async () => {
  const source = await readCase("dice");
  const targets = source.tensor("input.targets") as tf.Tensor2D;
  check(source, (x) => tf.div(tf.sum(diceLoss(x as tf.Tensor2D, targets)), source.options.num_boxes ?? 0));
});

test("mask loss and its parts", async () => {
  const source = await readCase("mask-combined");
  const truth = source.tensor("input.targets") as tf.Tensor4D;
  const iou = source.tensor("input.iou") as tf.Tensor2D;
  const counts = tf.onesLike(iou);
  const weight = tf.onesLike(truth);
  const run = (x: tf.Tensor, predicted: tf.Tensor): ReturnType<typeof maskLoss> =>
    maskLoss({logits: x as tf.Tensor4D, iou: predicted as tf.Tensor2D, truth, weight, counts});
  check(source, (x) => run(x, iou).loss);
  const {focal, dice, iouError} = run(source.tensor("input.logits"), iou);
  expectClose(focal, source.tensor("output.focal"), 1e-6);
  expectClose(dice, source.tensor("output.dice"), 1e-6);
  expectClose(iouError, source.tensor("output.iou_mse"), 1e-6);
  const gradient = tf.grad((predicted) => run(source.tensor("input.logits"), predicted).loss)(iou);
  expectClose(gradient, source.tensor("grad.input.iou"), 1e-6);
});

test.run();

import {readFile} from "node:fs/promises";
import {fileURLToPath} from "node:url";
import {expectClose, startTestEngine} from "@claps/layers/testing";
import {readSafetensors, toFloat32} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {suite} from "uvu";
import {binaryCrossEntropy} from "./binary-cross-entropy.js";
import {boxL1} from "./box-l1.js";
import {contrastiveLogits} from "./contrastive-logits.js";
import {contrastiveLoss, similarityTargets} from "./contrastive-loss.js";
import {cornersFromCentres} from "./corners-from-centres.js";
import {diceLoss} from "./dice-loss.js";
import {boxIou, generalizedIou, giouLoss} from "./generalized-iou.js";
import {infoNce} from "./info-nce.js";
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

/** Compares a loss of several inputs and all its gradients. */
function checkAll({tensor}: Case, names: string[], loss: (...inputs: tf.Tensor[]) => tf.Tensor): void {
  const {value, grads} = tf.valueAndGrads((...moving) => tf.reshape<tf.Rank.R0>(loss(...moving), []))(
    names.map((name) => tensor(`input.${name}`)),
  );
  expectClose(value, tensor("output.loss"), 1e-6, "loss");
  names.forEach((name, index) => expectClose(grads[index]!, tensor(`grad.input.${name}`), 2e-6, name));
}

const EMBEDDINGS = ["image", "text", "logit_scale"];

function logitsOf(image?: tf.Tensor, text?: tf.Tensor, scale?: tf.Tensor): tf.Tensor2D {
  return contrastiveLogits(image as tf.Tensor2D, text as tf.Tensor2D, scale!);
}

test("InfoNCE", async () => {
  const source = await readCase("infonce");
  const inputs = EMBEDDINGS.map((name) => source.tensor(`input.${name}`));
  expectClose(logitsOf(...inputs), source.tensor("output.logits_per_image"), 1e-6);
  checkAll(source, EMBEDDINGS, (...moving) => infoNce(logitsOf(...moving)));
});

test("soft targets", async () => {
  const source = await readCase("soft-target");
  const similarity = source.tensor("input.similarity") as tf.Tensor2D;
  const targets = similarityTargets(similarity);
  expectClose(targets.image, source.tensor("output.targets_image"), 1e-6);
  expectClose(targets.text, source.tensor("output.targets_text"), 1e-6);
  checkAll(source, EMBEDDINGS, (...moving) => contrastiveLoss(logitsOf(...moving), similarity).loss);
  const logits = source.tensor("output.logits_per_image") as tf.Tensor2D;
  const {imageLoss, textLoss} = contrastiveLoss(logits, similarity);
  expectClose(imageLoss, source.tensor("output.loss_image"), 1e-6);
  expectClose(textLoss, source.tensor("output.loss_text"), 1e-6);
});

test("GIoU of boxes, by pair and as a matrix", async () => {
  const source = await readCase("giou");
  const corners = ["boxes1", "boxes2"].map((name) => cornersFromCentres(source.tensor(`input.${name}`)));
  const rows = tf.expandDims(corners[0]!, 1);
  const columns = tf.expandDims(corners[1]!, 0);
  expectClose(generalizedIou(rows, columns), source.tensor("output.giou_matrix"), 1e-6);
  expectClose(boxIou(rows, columns), source.tensor("output.iou_matrix"), 1e-6);
  expectClose(giouLoss(corners[0]!, corners[1]!), source.tensor("output.loss_per_pair"), 1e-6);
  checkAll(source, ["boxes1", "boxes2"], (a, b) =>
    tf.sum(giouLoss(cornersFromCentres(a), cornersFromCentres(b))),
  );
});

test("L1 of boxes, by pair and as a matrix", async () => {
  const source = await readCase("box-l1");
  const others = source.tensor("input.boxes2");
  const matrix = boxL1(tf.expandDims(source.tensor("input.boxes1"), 1), tf.expandDims(others, 0));
  expectClose(matrix, source.tensor("output.cdist"), 1e-6);
  checkAll(source, ["boxes1"], (boxes) => tf.sum(boxL1(boxes, others)));
});

test.run();

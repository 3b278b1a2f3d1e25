import {currentEngine} from "@claps/core";
import {binaryCrossEntropy, diceLoss, maskIou, maskLoss, sigmoidFocal} from "@claps/train";
import * as tf from "@tensorflow/tfjs-core";
import {compareGradients, compareOutputs} from "./compare.js";
import {inputOf, readPack} from "./pack.js";
import type {PackCase, PackTensor} from "./pack.js";
import {parityReport} from "./report.js";
import type {ParityCase, ParityReport, RefusedCase} from "./report.js";

type Outputs = Record<string, tf.Tensor> & {loss: tf.Tensor};
type LossCase = (
  inputs: Readonly<Record<string, tf.Tensor>>,
  options: Readonly<Record<string, unknown>>,
) => Outputs;

/** Losses that belong to stages that do not exist yet. */
const NOT_BUILT: Readonly<Record<string, string>> = {
  infonce: "the contrastive loss comes with CLIP's training",
  "soft-target": "the contrastive loss with soft targets comes with CLIP's training",
  giou: "box losses come with the detector",
  "box-l1": "box losses come with the detector",
  hungarian: "matching comes with the detector",
  matcher: "matching comes with the detector",
};

const BUILT: Readonly<Record<string, LossCase>> = {
  bce: ({logits, targets}) => {
    const elements = binaryCrossEntropy(logits!, targets!);
    const mean = tf.mean(elements);
    return {elements, mean, sum: tf.sum(elements), loss: mean};
  },
  focal: ({logits, targets}, {alpha, gamma, num_boxes}) => {
    const elements = sigmoidFocal(logits!, targets!, {alpha: Number(alpha), gamma: Number(gamma)});
    const sum = tf.sum(elements);
    return {sum, mean: tf.mean(elements), sum_over_num_boxes: tf.div(sum, Number(num_boxes)), loss: sum};
  },
  dice: ({logits, targets}, {num_boxes}) => ({
    loss: tf.div(tf.sum(diceLoss(logits as tf.Tensor2D, targets as tf.Tensor2D)), Number(num_boxes)),
  }),
  "combined-mask": ({logits, iou, targets}) => {
    const truth = targets as tf.Tensor4D;
    const {loss, focal, dice, iouError} = maskLoss({
      logits: logits as tf.Tensor4D,
      iou: iou as tf.Tensor2D,
      truth,
      weight: tf.onesLike(truth),
      counts: tf.onesLike(iou as tf.Tensor2D),
    });
    const [images, prompts, height, width] = truth.shape;
    const flat = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [images * prompts, height * width]);
    const reached = tf.reshape(maskIou(flat(logits!), flat(truth)), [images, prompts]);
    return {loss, focal, dice, iou_mse: iouError, iou_target: reached};
  },
};

/**
 * Checks our losses, values and gradients, against a reference pack, through the engine's compiler.
 *
 * @param folder - Folder of the pack `losses`.
 * @returns The report; losses that are not built yet stand in `refused`.
 * @throws DataError or WeightError if the pack is damaged; ConfigError if no engine runs.
 * @example
 * ```ts
 * const {ok} = await checkLossPack("../shared/reference/models/losses");
 * ```
 */
export async function checkLossPack(folder: string): Promise<ParityReport> {
  const cases: ParityCase[] = [];
  const refused: RefusedCase[] = [];
  for (const source of await readPack(folder)) {
    const operation = String(source.description.options?.["op"]);
    const loss = BUILT[operation];
    if (loss === undefined) {
      const reason = NOT_BUILT[operation] ?? `unknown operation "${operation}"`;
      refused.push({name: source.name, reason});
    } else {
      const {outputs, gradients} = await compute(source, loss);
      const entries = [...compareOutputs(source, outputs), ...compareGradients(source, gradients)];
      cases.push({name: source.name, entries});
    }
  }
  return parityReport({kind: "losses", pack: folder, cases, refused});
}

async function compute(
  source: PackCase,
  loss: LossCase,
): Promise<{outputs: Map<string, PackTensor>; gradients: Map<string, PackTensor>}> {
  const options = source.description.options ?? {};
  const wanted = (options["gradients_of_inputs"] ?? []) as string[];
  const names = [...new Set([...wanted, ...source.inputs.keys()])];
  const inputs = names.map((name) => {
    const {data, shape} = inputOf(source, name);
    return tf.tensor(data, [...shape]);
  });
  const run = (...tensors: tf.Tensor[]): Outputs =>
    loss(Object.fromEntries(names.map((name, index) => [name, tensors[index]!])), options);
  const compiled = currentEngine().compile((...tensors: tf.Tensor[]) => {
    const slopes = tf.grads((...moving: tf.Tensor[]) =>
      tf.reshape<tf.Rank.R0>(run(...moving, ...tensors.slice(wanted.length)).loss, []),
    )(tensors.slice(0, wanted.length));
    const results: Record<string, tf.Tensor> = {...run(...tensors)};
    slopes.forEach((slope, index) => (results[`grad.input.${wanted[index]}`] = slope));
    return results;
  });
  const results = compiled(...inputs);
  const outputs = new Map<string, PackTensor>();
  const gradients = new Map<string, PackTensor>();
  for (const [name, tensor] of Object.entries(results)) {
    const stored = {shape: tensor.shape, data: Float32Array.from(await tensor.data())};
    if (name.startsWith("grad.")) gradients.set(name.slice("grad.".length), stored);
    else outputs.set(name, stored);
  }
  tf.dispose([inputs, results]);
  compiled.dispose();
  return {outputs, gradients};
}

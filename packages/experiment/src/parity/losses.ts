import {
  binaryCrossEntropy,
  boxIou,
  boxL1,
  contrastiveLogits,
  contrastiveLoss,
  cornersFromCentres,
  diceLoss,
  generalizedIou,
  giouLoss,
  hungarian,
  infoNce,
  maskIou,
  maskLoss,
  matchBoxes,
  sigmoidFocal,
  similarityTargets,
} from "@claps/train";
import type {Assignment} from "@claps/train";
import * as tf from "@tensorflow/tfjs-core";
import {compareGradients, compareOutputs} from "./compare.js";
import {computeCase, movingInputs} from "./compute-case.js";
import type {CaseResults} from "./compute-case.js";
import {inputOf, readPack} from "./pack.js";
import type {PackCase, PackTensor} from "./pack.js";
import {parityReport} from "./report.js";
import type {ParityCase, ParityReport, RefusedCase} from "./report.js";

type LossCase = (
  inputs: Readonly<Record<string, tf.Tensor>>,
  options: Readonly<Record<string, unknown>>,
) => CaseResults;

/** Every box of one set with every box of the other. */
function allPairs(pair: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return pair(tf.expandDims(a, 1), tf.expandDims(b, 0));
}

function embeddingLogits({image, text, logit_scale}: Readonly<Record<string, tf.Tensor>>): tf.Tensor2D {
  return contrastiveLogits(image as tf.Tensor2D, text as tf.Tensor2D, logit_scale!);
}

/** Losses, which are checked with their gradients through the engine's compiler. */
const LOSSES: Readonly<Record<string, LossCase>> = {
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
  infonce: (inputs) => {
    const logits = embeddingLogits(inputs);
    return {logits_per_image: logits, loss: infoNce(logits)};
  },
  "soft-target": (inputs) => {
    const similarity = inputs["similarity"] as tf.Tensor2D;
    const logits = embeddingLogits(inputs);
    const {loss, imageLoss, textLoss} = contrastiveLoss(logits, similarity);
    const targets = similarityTargets(similarity);
    return {
      logits_per_image: logits,
      targets_image: targets.image,
      targets_text: targets.text,
      loss_image: imageLoss,
      loss_text: textLoss,
      loss,
    };
  },
  giou: ({boxes1, boxes2}) => {
    const [a, b] = [cornersFromCentres(boxes1!), cornersFromCentres(boxes2!)];
    const perPair = giouLoss(a, b);
    return {
      giou_matrix: allPairs(generalizedIou, a, b),
      iou_matrix: allPairs(boxIou, a, b),
      loss_per_pair: perPair,
      loss: tf.sum(perPair),
    };
  },
  "box-l1": ({boxes1, boxes2}) => ({
    cdist: allPairs(boxL1, boxes1!, boxes2!),
    loss: tf.sum(boxL1(boxes1!, boxes2!)),
  }),
};

/** Decisions made in plain JavaScript. */
const DECISIONS: Readonly<Record<string, (source: PackCase) => Map<string, PackTensor>>> = {
  hungarian: assign,
  matcher: match,
};

/**
 * Checks our losses, values and gradients, and our matching against a reference pack.
 *
 * Losses go through the engine's compiler. Where a cost matrix has ties, any assignment of the same total is right.
 *
 * @param folder - Folder of the pack `losses`.
 * @returns The report; cases of an operation that we do not know stand in `refused`.
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
    const loss = LOSSES[operation];
    const decide = DECISIONS[operation];
    if (loss !== undefined) {
      const {outputs, gradients} = await computeCase(source, {
        names: [...source.inputs.keys()],
        moving: movingInputs(source),
        run: (inputs) => loss(inputs, source.description.options ?? {}),
      });
      const entries = [...compareOutputs(source, outputs), ...compareGradients(source, gradients)];
      cases.push({name: source.name, entries});
    } else if (decide !== undefined) {
      cases.push({name: source.name, entries: compareOutputs(source, decide(source))});
    } else {
      refused.push({name: source.name, reason: `unknown operation "${operation}"`});
    }
  }
  return parityReport({kind: "losses", pack: folder, cases, refused});
}

function assign(source: PackCase): Map<string, PackTensor> {
  const outputs = new Map<string, PackTensor>();
  const ties = (source.description.options?.["ties"] ?? []) as number[];
  for (const [name, {data: values, shape}] of source.inputs) {
    const number = name.slice("cost.".length);
    const [rows, columns] = shape as [number, number];
    const ours = hungarian({values, rows, columns});
    outputs.set(`total.${number}`, scalarTensor(ours.total));
    const theirs = {rows: source.outputs.get(`rows.${number}`), cols: source.outputs.get(`cols.${number}`)};
    const tied = ties.includes(Number(number)) && theirs.rows !== undefined && theirs.cols !== undefined;
    const equal = tied && costsAsMuch(theirs.rows!, theirs.cols!, {values, columns, ours});
    outputs.set(`rows.${number}`, equal ? theirs.rows! : indexTensor(ours.rows));
    outputs.set(`cols.${number}`, equal ? theirs.cols! : indexTensor(ours.columns));
  }
  return outputs;
}

/** Whether the reference's assignment is one, and costs as much as ours. */
function costsAsMuch(
  {data: rows}: PackTensor,
  {data: columns}: PackTensor,
  cost: {values: Float32Array; columns: number; ours: Assignment},
): boolean {
  const {length} = cost.ours.rows;
  if (new Set(rows).size !== length || new Set(columns).size !== length) return false;
  const total = rows.reduce((sum, row, index) => sum + cost.values[row * cost.columns + columns[index]!]!, 0);
  return Math.abs(total - cost.ours.total) <= 1e-6 * Math.max(1, Math.abs(total));
}

function match(source: PackCase): Map<string, PackTensor> {
  const {class_cost, bbox_cost, giou_cost} = source.description.options ?? {};
  const logits = inputOf(source, "logits");
  const boxes = inputOf(source, "pred_boxes");
  const [images, queries, channels] = logits.shape as [number, number, number];
  const outputs = new Map<string, PackTensor>();
  for (let image = 0; image < images; image++) {
    const maps = inputOf(source, `label_maps.${image}`).data;
    const labels = [...inputOf(source, `class_labels.${image}`).data];
    const {queries: matched, truths} = matchBoxes(
      {
        logits: logits.data.subarray(image * queries * channels, (image + 1) * queries * channels),
        boxes: boxes.data.subarray(image * queries * 4, (image + 1) * queries * 4),
      },
      {
        classes: labels.flatMap((label) => [...maps.subarray(label * channels, (label + 1) * channels)]),
        boxes: inputOf(source, `boxes.${image}`).data,
      },
      {
        channels,
        classWeight: Number(class_cost ?? 1),
        l1Weight: Number(bbox_cost ?? 5),
        giouWeight: Number(giou_cost ?? 2),
      },
    );
    outputs.set(`query.${image}`, indexTensor(matched));
    outputs.set(`target.${image}`, indexTensor(truths));
  }
  return outputs;
}

function scalarTensor(value: number): PackTensor {
  return {shape: [], data: Float32Array.of(value)};
}

function indexTensor(indices: Int32Array): PackTensor {
  return {shape: [indices.length], data: Float32Array.from(indices)};
}

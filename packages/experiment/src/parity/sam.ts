import {currentEngine, DataError} from "@claps/core";
import {blankRandom, resizeBilinear} from "@claps/layers";
import {createSam, gridSize, normalizePixels, parseSamConfig, rulesFor, untiePositions} from "@claps/sam";
import type {MaskPrediction, PromptEmbedding, PromptTensors, Sam} from "@claps/sam";
import {createImage} from "@claps/image";
import {maskIou, maskLoss} from "@claps/train";
import {assignWeights, exportWeights, readWeights, toFloat32} from "@claps/weights";
import type {Rules} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {readFile} from "node:fs/promises";
import {join} from "node:path";
import {compareGradients, compareOutputs} from "./compare.js";
import {inputOf, readPack} from "./pack.js";
import type {PackCase, PackTensor} from "./pack.js";
import {parityReport} from "./report.js";
import type {ParityCase, ParityReport} from "./report.js";

type Named = Record<string, tf.Tensor>;

/** Layout and names in which a pack keeps inputs and outputs. */
interface PackKind {
  readonly kind: "sam" | "sam-original";
  /** Name of the picture embedding, prompts and outputs, from ours to the pack's. */
  readonly inputs: Readonly<Record<keyof PromptTensors, string>>;
  readonly outputs: Readonly<Record<"logits" | "iou" | "positions", string>>;
  /** Whether arrays have an axis of images before that of prompts. */
  readonly imageAxis: boolean;
  /** Hidden states that the pack does not hold. */
  readonly firstHidden: number;
}

const HUGGING_FACE: PackKind = {
  kind: "sam",
  inputs: {points: "input_points", labels: "input_labels", boxes: "input_boxes", masks: "input_masks"},
  outputs: {logits: "pred_masks", iou: "iou_scores", positions: "image_positional_embeddings"},
  imageAxis: true,
  firstHidden: 0,
};

const ORIGINAL: PackKind = {
  kind: "sam-original",
  inputs: {points: "point_coords", labels: "point_labels", boxes: "boxes", masks: "mask_inputs"},
  outputs: {logits: "low_res_logits", iou: "iou_predictions", positions: "dense_pe"},
  imageAxis: false,
  firstHidden: 1,
};

/**
 * Checks our Segment Anything against a reference pack: parameters, every output, every gradient.
 *
 * Both kinds of pack are understood: Hugging Face's names and those of the original code. The computation
 * runs through the engine's compiler.
 *
 * @param folder - Folder of the pack `sam` or `sam-original`.
 * @returns The report.
 * @throws DataError, ConfigError or WeightError if the pack is damaged or of another architecture.
 * @example
 * ```ts
 * const {ok} = await checkSamPack("../shared/reference/models/sam");
 * ```
 */
export async function checkSamPack(folder: string): Promise<ParityReport> {
  const text = await readFile(join(folder, "config.json"), "utf8").catch((cause: unknown) => {
    throw new DataError(`${folder}: expected config.json in a pack with a model, got none.`, {
      cause,
      code: "pack",
    });
  });
  const sam = createSam(parseSamConfig(text, folder), {random: blankRandom});
  try {
    const tensors = untiePositions((await readWeights(folder)).tensors);
    const rules = rulesFor(tensors.keys());
    assignWeights(sam, tensors, rules);
    const expected = [...tensors.values()].reduce((sum, tensor) => sum + toFloat32(tensor).length, 0);
    const kind = tensors.has("image_encoder.pos_embed") ? ORIGINAL : HUGGING_FACE;
    const cases: ParityCase[] = [];
    for (const source of await readPack(folder)) {
      cases.push({name: source.name, entries: await checkCase(sam, {source, kind, rules})});
    }
    const parameters = {expected, ours: sam.countParameters()};
    return parityReport({kind: kind.kind, pack: folder, parameters, cases, refused: []});
  } finally {
    sam.dispose();
  }
}

interface CaseContext {
  readonly source: PackCase;
  readonly kind: PackKind;
  readonly rules: Rules;
}

async function checkCase(sam: Sam, context: CaseContext): Promise<ParityCase["entries"]> {
  const {source} = context;
  const given = [...source.inputs.keys()];
  const inputs = given.map((name) => {
    const {data, shape} = inputOf(source, name);
    return tf.tensor(data, [...shape]);
  });
  const prepared = prepareImage(sam, source);
  const weights = [...sam.namedWeights()];
  const wantsGradients = source.description.options?.["gradients"] === true;
  const moving = (source.description.options?.["gradients_of_inputs"] ?? []) as string[];
  const compiled = currentEngine().compile((...tensors: tf.Tensor[]): Named => {
    const byName = Object.fromEntries([...given, "prepared"].map((name, index) => [name, tensors[index]!]));
    const results = computeOutputs(sam, byName, context);
    if (wantsGradients) {
      const sources = [...weights.map(([, variable]) => variable), ...moving.map((name) => byName[name]!)];
      const loss = (): tf.Scalar => tf.reshape(computeOutputs(sam, byName, context)["loss"]!, []);
      const {grads} = tf.engine().gradients(loss, sources, undefined, true);
      grads.forEach((gradient: tf.Tensor | undefined, index: number) => {
        const name = weights[index]?.[0] ?? `input.${moving[index - weights.length]}`;
        // A head whose mask is not asked for has no gradient here and an exact zero in the pack.
        results[`grad.${name}`] = gradient ?? tf.zerosLike(sources[index]!);
      });
    }
    return results;
  });
  const results = compiled(...inputs, prepared);
  const outputs = new Map<string, PackTensor>();
  const gradients = new Map<string, tf.Tensor>();
  for (const [name, tensor] of Object.entries(results)) {
    if (name.startsWith("grad.")) gradients.set(name.slice("grad.".length), tensor);
    else outputs.set(name, await read(tensor));
  }
  for (const [name, {shape, data}] of source.outputs) {
    // Without points and boxes there are no tokens; an empty tensor does not exist in a graph.
    if (data.length === 0 && !outputs.has(name)) outputs.set(name, {shape, data: new Float32Array(0)});
  }
  const entries = [
    ...compareOutputs(source, outputs),
    ...compareGradients(source, await publishedGradients(gradients, context)),
  ];
  tf.dispose([inputs, prepared, results]);
  compiled.dispose();
  return entries;
}

async function read(tensor: tf.Tensor): Promise<PackTensor> {
  return {shape: tensor.shape, data: Float32Array.from(await tensor.data())};
}

/** Gradients under published names and in published layouts, by the rules that fill the weights. */
async function publishedGradients(
  gradients: ReadonlyMap<string, tf.Tensor>,
  {rules}: CaseContext,
): Promise<Map<string, PackTensor>> {
  const ofWeights = new Map([...gradients].filter(([name]) => !name.startsWith("input.")));
  const holder = {namedWeights: () => ofWeights as unknown as Map<string, tf.Variable>};
  const result = new Map<string, PackTensor>();
  for (const [name, tensor] of await exportWeights(holder, rules)) {
    result.set(name, {shape: tensor.shape, data: toFloat32(tensor)});
  }
  for (const [name, gradient] of gradients) {
    if (name.startsWith("input.")) result.set(name, await read(gradient));
  }
  return result;
}

/** The raw picture of a case through our preprocessing; a single zero where the case has none. */
function prepareImage(sam: Sam, source: PackCase): tf.Tensor {
  const raw = source.inputs.get("image");
  if (raw === undefined) return tf.scalar(0);
  const [, , height, width] = raw.shape as [number, number, number, number];
  const area = height * width;
  const data = new Float32Array(area * 3);
  for (let pixel = 0; pixel < area; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      data[pixel * 3 + channel] = raw.data[channel * area + pixel]!;
    }
  }
  return normalizePixels([createImage({data, height, width, white: 255})], sam.config);
}

/** Everything that a case may hold as output, in the pack's names and layouts. */
function computeOutputs(sam: Sam, inputs: Named, {source, kind}: CaseContext): Named {
  const outputs: Named = {};
  const embedding = embed(sam, inputs, {source, kind, outputs});
  const prompts = readPrompts(inputs, kind);
  const multimask = source.description.options?.["multimask_output"] === true;
  const encoded = sam.promptEncoder.forward(prompts);
  const positions = sam.promptEncoder.positions.grid(gridSize(sam.config));
  const prediction = sam.decodeTensors({embedding, prompts, multimask});
  outputs[kind.outputs.positions] = toPublished(positions);
  addPromptOutputs(outputs, {encoded, prediction, kind});
  addPostprocessed(outputs, {sam, prediction, source});
  if (inputs["target_masks"] !== undefined) {
    addLoss(outputs, prediction, inputs["target_masks"] as tf.Tensor4D);
  }
  return outputs;
}

function embed(
  sam: Sam,
  inputs: Named,
  {source, kind, outputs}: {source: PackCase; kind: PackKind; outputs: Named},
): tf.Tensor {
  if (inputs["image_embeddings"] !== undefined) return toOurs(inputs["image_embeddings"]);
  const pixels = source.inputs.has("image") ? inputs["prepared"]! : toOurs(inputs["pixel_values"]!);
  const [grid, ...hidden] = sam.imageEncoder.forward(pixels, {hidden: true});
  hidden.slice(kind.firstHidden).forEach((state, index) => {
    outputs[`vision_hidden.${index + kind.firstHidden}`] = state;
  });
  outputs["image_embeddings"] = toPublished(grid!);
  if (source.inputs.has("image")) outputs["preprocessed"] = toPublished(pixels);
  return grid!;
}

function readPrompts(inputs: Named, {inputs: names, imageAxis}: PackKind): PromptTensors {
  const prompts: PromptTensors = {};
  for (const key of ["points", "labels", "boxes", "masks"] as const) {
    const tensor = inputs[names[key]];
    if (tensor === undefined) continue;
    const missingAxis = !imageAxis && key !== "masks";
    prompts[key] = missingAxis ? tf.expandDims(tensor, 0) : tensor;
  }
  return prompts;
}

function addPromptOutputs(
  outputs: Named,
  parts: {encoded: PromptEmbedding; prediction: MaskPrediction; kind: PackKind},
): void {
  const {encoded, prediction, kind} = parts;
  const {logits, iou} = prediction;
  const [images, prompts] = logits.shape;
  const [, densePrompts, height, width, channels] = encoded.dense.shape as [
    number,
    number,
    number,
    number,
    number,
  ];
  const copies = height === 1 ? (kind.imageAxis ? images : prompts) : 1;
  const dense = tf.reshape(encoded.dense, [-1, height, width, channels]);
  outputs["dense_embeddings"] = toPublished(
    copies > 1 && densePrompts === 1 ? tf.tile(dense, [copies, 1, 1, 1]) : dense,
  );
  const whole = (x: tf.Tensor): tf.Tensor => (kind.imageAxis ? x : tf.squeeze(x, [0]));
  if (encoded.sparse !== undefined) outputs["sparse_embeddings"] = whole(encoded.sparse);
  outputs[kind.outputs.logits] = whole(logits);
  outputs[kind.outputs.iou] = whole(iou);
}

/** Logits at the size of the original picture, as the original code's postprocessing gives them. */
function addPostprocessed(
  outputs: Named,
  {sam, prediction, source}: {sam: Sam; prediction: MaskPrediction; source: PackCase},
): void {
  const options = source.description.options ?? {};
  if (options["original_size"] === undefined) return;
  const [inputHeight, inputWidth] = options["input_size"] as [number, number];
  const [height, width] = options["original_size"] as [number, number];
  const [, prompts, masks, rows, columns] = prediction.logits.shape;
  const side = sam.config.imageSize;
  const fields = tf.reshape(prediction.logits, [prompts * masks, rows, columns, 1]);
  const canvas = resizeBilinear(fields, {height: side, width: side});
  const content = tf.slice(canvas, [0, 0, 0, 0], [prompts * masks, inputHeight, inputWidth, 1]);
  const original = resizeBilinear(content, {height, width});
  outputs["upscaled_logits"] = tf.reshape(original, [prompts, masks, height, width]);
}

function addLoss(outputs: Named, {logits, iou}: MaskPrediction, truth: tf.Tensor4D): void {
  const [images, prompts, height, width] = truth.shape;
  const single: tf.Tensor4D = tf.reshape(logits, truth.shape);
  const predicted: tf.Tensor2D = tf.reshape(iou, [images, prompts]);
  const {loss, focal, dice, iouError} = maskLoss({
    logits: single,
    iou: predicted,
    truth,
    weight: tf.onesLike(truth),
    counts: tf.onesLike(predicted),
  });
  const flat = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [images * prompts, height * width]);
  const reached = tf.reshape(maskIou(flat(single), flat(truth)), [images, prompts]);
  Object.assign(outputs, {loss, focal, dice, iou_mse: iouError, iou_target: reached});
}

/** NCHW to NHWC. */
function toOurs(x: tf.Tensor): tf.Tensor {
  return tf.transpose(x, [0, 2, 3, 1]);
}

/** NHWC to NCHW. */
function toPublished(x: tf.Tensor): tf.Tensor {
  return tf.transpose(x, [0, 3, 1, 2]);
}

import type {Random} from "@claps/core";
import {gather, layerNorm, linear, multiScaleDeformableAttention, noGrad, stopGradient} from "@claps/layers";
import * as tf from "@tensorflow/tfjs-core";
import {boxL1} from "./losses/box-l1.js";
import {cornersFromCentres} from "./losses/corners-from-centres.js";
import {giouLoss} from "./losses/generalized-iou.js";
import {sigmoidFocal} from "./losses/sigmoid-focal.js";
import {assignedRows, targetsOfQueries} from "./matching/assigned-rows.js";
import {matchBoxes} from "./matching/match-boxes.js";
import {padAssignments, padTruths, truthBucket, truthMask} from "./matching/pad-truths.js";
import type {Prediction, TwoPhaseObjective} from "./two-phase-objective.js";

/** A made-up picture: features of two levels and what is in it. */
export interface ToyScene {
  readonly features: Float32Array;
  /** Class of each truth. */
  readonly classes: readonly number[];
  /** Centre and size of each truth, row by row. */
  readonly boxes: readonly number[];
}

const LEVELS = [
  {height: 6, width: 6},
  {height: 3, width: 3},
];
const PLACES = 45;
const WIDTH = 12;
const HEADS = 2;
const POINTS = 2;
const SAMPLES = HEADS * LEVELS.length * POINTS;
const CLASSES = 3;
const QUERIES = 5;
const LAYERS = 2;

/** How often the parts of the toy ran, as JavaScript. */
export interface ToyCounts {
  predict: number;
  loss: number;
}

/** The toy: its weights are in `variables`. */
export interface ToyDetector extends TwoPhaseObjective<ToyScene> {
  readonly counts: ToyCounts;
  dispose(): void;
}

/**
 * Scenes with random features and a given number of truths each.
 *
 * @param random - Source.
 * @param counts - Truths of each scene.
 */
export function toyScenes(random: Random, counts: readonly number[]): ToyScene[] {
  return counts.map((count, index) => {
    const source = random.fork(index);
    return {
      features: source.fork("features").normalArray(PLACES * WIDTH),
      classes: Array.from({length: count}, () => source.integer(CLASSES)),
      boxes: Array.from({length: count}, () => [
        ...source.uniformArray(2, 0.25, 0.75),
        ...source.uniformArray(2, 0.1, 0.5),
      ]).flat(),
    };
  });
}

/**
 * The smallest detector with every difficulty of a real one: seeded dropout, TopK selection of queries, deformable
 * attention, refined boxes, a matching of its own for each of two layers, a set loss.
 *
 * @param random - Source of the weights.
 */
export function toyDetector(random: Random): ToyDetector {
  const shapes: Record<string, number[]> = {
    "encoder.weight": [WIDTH, WIDTH],
    "proposal.weight": [WIDTH, 4],
    "class.weight": [WIDTH, CLASSES],
    "class.bias": [CLASSES],
  };
  for (let layer = 0; layer < LAYERS; layer++) {
    shapes[`${layer}.value.weight`] = [WIDTH, WIDTH];
    shapes[`${layer}.offset.weight`] = [WIDTH, SAMPLES * 2];
    shapes[`${layer}.offset.bias`] = [SAMPLES * 2];
    shapes[`${layer}.attention.weight`] = [WIDTH, SAMPLES];
    shapes[`${layer}.output.weight`] = [WIDTH, WIDTH];
    shapes[`${layer}.norm.weight`] = [WIDTH];
    shapes[`${layer}.norm.bias`] = [WIDTH];
    shapes[`${layer}.box.weight`] = [WIDTH, 4];
    shapes[`${layer}.box.bias`] = [4];
  }
  const variables = new Map(
    Object.entries(shapes).map(([path, shape]) => {
      const size = shape.reduce((product, length) => product * length, 1);
      const values = tf.tensor(random.fork(path).normalArray(size, 0, 0.4), shape);
      return [path, tf.variable(values)];
    }),
  );
  const weight = (path: string): tf.Variable => variables.get(path) as tf.Variable;
  const apply = (x: tf.Tensor, path: string): tf.Tensor =>
    linear(x, weight(`${path}.weight`), variables.get(`${path}.bias`));
  const counts = {predict: 0, loss: 0};

  const decoderLayer = (
    layer: number,
    {queries, reference, memory}: {queries: tf.Tensor; reference: tf.Tensor; memory: tf.Tensor},
  ): {queries: tf.Tensor; reference: tf.Tensor} => {
    const images = memory.size / (PLACES * WIDTH);
    const grid = [images, QUERIES, HEADS, LEVELS.length, POINTS];
    const value = tf.reshape(apply(memory, `${layer}.value`), [images, PLACES, HEADS, WIDTH / HEADS]);
    const box = tf.sigmoid(reference);
    const part = (from: number): tf.Tensor =>
      tf.reshape(tf.slice(box, [0, from], [images * QUERIES, 2]), [images, QUERIES, 1, 1, 1, 2]);
    const offsets = tf.reshape(apply(queries, `${layer}.offset`), [...grid, 2]);
    const locations = tf.add(part(0), tf.mul(tf.mul(offsets, part(2)), 0.5));
    const scores = tf.reshape(apply(queries, `${layer}.attention`), [
      images,
      QUERIES,
      HEADS,
      LEVELS.length * POINTS,
    ]);
    const weights = tf.reshape(tf.softmax(scores), grid);
    const seen = tf.reshape(multiScaleDeformableAttention(value, LEVELS, locations, weights), [-1, WIDTH]);
    const mixed = layerNorm(
      tf.add(queries, apply(seen, `${layer}.output`)),
      weight(`${layer}.norm.weight`),
      weight(`${layer}.norm.bias`),
      1e-5,
    );
    return {queries: mixed, reference: tf.add(reference, apply(mixed, `${layer}.box`))};
  };

  return {
    variables,
    counts,
    prepare: (scenes, source) => [
      tf.tensor(Float32Array.from(scenes.flatMap(({features}) => [...features])), [
        scenes.length,
        PLACES,
        WIDTH,
      ]),
      tf.scalar(source.integer(1000)),
    ],
    predict: ([features, seed]) => {
      counts.predict++;
      const images = features!.shape[0];
      const flat = tf.mul(tf.reshape(features!, [images * PLACES, WIDTH]), dropout(seed!, images * PLACES));
      const memory = tf.tanh(apply(flat, "encoder"));
      const chosen = noGrad(() => strongest(apply(memory, "class"), images));
      let queries = gather(memory, chosen);
      let reference = tf.add(apply(queries, "proposal"), gather(anchors(images), chosen));
      const logits: tf.Tensor[] = [];
      const boxes: tf.Tensor[] = [];
      for (let layer = 0; layer < LAYERS; layer++) {
        ({queries, reference} = decoderLayer(layer, {queries, reference, memory}));
        logits.push(apply(queries, "class"));
        boxes.push(tf.sigmoid(reference));
        reference = stopGradient(reference);
      }
      return {logits: tf.stack(logits), boxes: tf.stack(boxes), memory};
    },
    decidesOn: ["logits", "boxes"],
    decide,
    loss: ({logits, boxes}, decision) => {
      counts.loss++;
      return setLoss(logits as tf.Tensor3D, boxes as tf.Tensor3D, decision);
    },
    dispose: () => tf.dispose([...variables.values()]),
  };
}

/** Ones and zeros that depend on the seed alone; whole numbers, so that every engine agrees. */
function dropout(seed: tf.Tensor, rows: number): tf.Tensor {
  const places = tf.range(0, rows * WIDTH, 1, "float32");
  const drawn = tf.mod(tf.add(tf.mul(places, 37), tf.mul(seed, 101)), 17);
  return tf.reshape(tf.cast(tf.greater(drawn, 2), "float32"), [rows, WIDTH]);
}

/** Rows of the memory with the highest scores of each picture. */
function strongest(scores: tf.Tensor, images: number): tf.Tensor1D {
  const best = tf.reshape(tf.max(scores, -1), [images, PLACES]);
  const {indices} = tf.topk(best, QUERIES);
  const first = tf.tensor2d(
    Array.from({length: images}, (_, image) => image * PLACES),
    [images, 1],
    "int32",
  );
  return tf.reshape(tf.add(indices, first), [images * QUERIES]);
}

/** Where each place lies, before the sigmoid. */
function anchors(images: number): tf.Tensor {
  const logit = (share: number): number => Math.log(share / (1 - share));
  const rows = LEVELS.flatMap(({height, width}) =>
    Array.from({length: height * width}, (_, place) => [
      logit(((place % width) + 0.5) / width),
      logit((Math.floor(place / width) + 0.5) / height),
      logit(1 / width),
      logit(1 / height),
    ]),
  );
  return tf.tensor2d(Array.from({length: images}, () => rows).flat());
}

function decide(
  {logits, boxes}: Readonly<Record<string, Prediction>>,
  scenes: readonly ToyScene[],
): tf.Tensor[] {
  const oneHot = scenes.map(({classes}) =>
    classes.flatMap((own) => Array.from({length: CLASSES}, (_, other) => (own === other ? 1 : 0))),
  );
  const layers = Array.from({length: LAYERS}, (_, layer) =>
    scenes.flatMap((scene, image) => {
      const row = (layer * scenes.length + image) * QUERIES;
      const {queryOfTruth} = matchBoxes(
        {
          logits: logits!.data.slice(row * CLASSES, (row + QUERIES) * CLASSES),
          boxes: boxes!.data.slice(row * 4, (row + QUERIES) * 4),
        },
        {classes: oneHot[image]!, boxes: scene.boxes},
        {channels: CLASSES},
      );
      return [...queryOfTruth].map((query) => (query < 0 ? -1 : image * QUERIES + query));
    }),
  );
  const count = scenes.reduce((sum, {classes}) => sum + classes.length, 0);
  const bucket = truthBucket(count);
  return [
    padAssignments(layers, bucket),
    padTruths(oneHot.flat(), CLASSES, bucket),
    padTruths(
      scenes.flatMap((scene) => scene.boxes),
      4,
      bucket,
    ),
    truthMask(count, bucket),
  ];
}

function setLoss(
  logits: tf.Tensor3D,
  boxes: tf.Tensor3D,
  decision: readonly tf.Tensor[],
): {loss: tf.Scalar; parts: Record<string, tf.Scalar>} {
  const [assignments, classes, truths, mask] = decision as [
    tf.Tensor2D,
    tf.Tensor2D,
    tf.Tensor2D,
    tf.Tensor1D,
  ];
  const count = tf.maximum(tf.sum(mask), 1);
  const [rows, places, wanted] = [tf.unstack(logits), tf.unstack(boxes), tf.unstack(assignments)];
  const sums: Record<"focal" | "l1" | "giou", tf.Scalar[]> = {focal: [], l1: [], giou: []};
  wanted.forEach((assignment, layer) => {
    const own = assignment as tf.Tensor1D;
    const scores = rows[layer] as tf.Tensor2D;
    const targets = targetsOfQueries(classes, own, scores.shape[0]);
    const matched = assignedRows(places[layer] as tf.Tensor2D, own);
    // A truth without a prediction counts neither.
    const counted = tf.mul(mask, tf.cast(tf.greaterEqual(own, 0), "float32"));
    const overCounted = (perTruth: tf.Tensor): tf.Scalar => tf.div(tf.sum(tf.mul(perTruth, counted)), count);
    sums.focal.push(tf.div(tf.sum(sigmoidFocal(scores, targets)), count));
    sums.l1.push(overCounted(boxL1(matched, truths)));
    sums.giou.push(overCounted(giouLoss(cornersFromCentres(matched), cornersFromCentres(truths))));
  });
  const [focal, l1, giou] = [sums.focal, sums.l1, sums.giou].map((layers) => tf.addN(layers)) as [
    tf.Scalar,
    tf.Scalar,
    tf.Scalar,
  ];
  const loss = tf.add<tf.Scalar>(tf.add(focal, tf.mul(l1, 5)), tf.mul(giou, 2));
  return {loss, parts: {focal, l1, giou}};
}

import type {Random} from "@claps/core";
import type {LoadedCase} from "@claps/data";
import {createMask, resizeMask} from "@claps/image";
import type {Mask, Size} from "@claps/image";
import type {Target} from "@claps/modalities";
import type {Control, ControlContext, Predictor} from "../control.js";
import {bestDiceThreshold} from "./best-dice-threshold.js";
import {FEATURES, pixelFeatures} from "./pixel-features.js";
import {fitSoftmaxRegression} from "./softmax-regression.js";
import type {SoftmaxRegression} from "./softmax-regression.js";

/** Pixels drawn per training picture: anywhere, and from each target's mask (rare classes would be lost). */
const ANYWHERE = 1500;
const PER_TARGET = 300;
/** Training pictures on which each target's threshold is chosen. */
const THRESHOLD_CASES = 16;

/** A training picture ready for classification. */
interface PixelCase {
  readonly values: Float32Array;
  readonly masks: ReadonlyMap<string, Mask>;
}

/**
 * Multinomial logistic regression on colour, blurred colour and position, fitted on the training pictures;
 * each target's threshold is the one with the best pooled Dice there.
 */
export const pixelRegression: Control = {
  id: "pixel",
  title: "pixel (logistic regression on colour and place)",
  usesTruth: false,
  prepare: async (context) => {
    const cases = await gather(context);
    const targets = [...new Set(cases.flatMap(({masks}) => [...masks.keys()]))].sort();
    const model = await fit(cases, targets, context.random);
    const thresholds = await chooseThresholds(model, cases.slice(0, THRESHOLD_CASES), targets);
    return predictor(model, targets, thresholds);
  },
};

async function gather({training}: ControlContext): Promise<PixelCase[]> {
  const cases: PixelCase[] = [];
  for await (const item of training()) {
    const {size, values} = pixelFeatures(item.modality.prepare(item.image));
    cases.push({values, masks: masksAt(item, size)});
  }
  return cases;
}

/** Masks of the labelled targets at the small size; a negative target has an empty one. */
function masksAt({labels}: LoadedCase, size: Size): ReadonlyMap<string, Mask> {
  const masks = new Map<string, Mask>();
  for (const [target, {state, mask}] of labels) {
    if (state === "unlabelled") continue;
    const data = mask === undefined ? new Uint8Array(size.height * size.width) : undefined;
    masks.set(target, data === undefined ? resizeMask(mask as Mask, size) : createMask({data, ...size}));
  }
  return masks;
}

function fit(
  cases: readonly PixelCase[],
  targets: readonly string[],
  random: Random,
): Promise<SoftmaxRegression> {
  const rows: number[] = [];
  const classes: number[] = [];
  cases.forEach(({values, masks}, index) => {
    const source = random.fork(index);
    const pixels = values.length / FEATURES;
    const chosen = Array.from({length: ANYWHERE}, () => source.integer(pixels));
    for (const mask of masks.values()) {
      const inside = indicesOf(mask);
      for (let drawn = 0; drawn < Math.min(PER_TARGET, inside.length); drawn++)
        chosen.push(source.choice(inside));
    }
    for (const pixel of chosen) {
      rows.push(...values.subarray(pixel * FEATURES, (pixel + 1) * FEATURES));
      classes.push(classOf(masks, targets, pixel));
    }
  });
  return fitSoftmaxRegression({
    features: Float32Array.from(rows),
    width: FEATURES,
    classes: Int32Array.from(classes),
    classCount: targets.length + 1,
  });
}

function indicesOf({pixels: {data}}: Mask): number[] {
  const indices: number[] = [];
  data.forEach((value, index) => value === 1 && indices.push(index));
  return indices;
}

/** 0 for background; where targets overlap the last one in order counts. */
function classOf(masks: ReadonlyMap<string, Mask>, targets: readonly string[], pixel: number): number {
  return targets.findLastIndex((target) => masks.get(target)?.pixels.data[pixel] === 1) + 1;
}

async function chooseThresholds(
  model: SoftmaxRegression,
  cases: readonly PixelCase[],
  targets: readonly string[],
): Promise<number[]> {
  const fields = await Promise.all(cases.map(({values}) => model.probabilities(values)));
  return targets.map((target, index) =>
    bestDiceThreshold(
      cases.flatMap(({masks}, row) => {
        const truth = masks.get(target);
        const field = columnOf(fields[row] ?? new Float32Array(), targets.length + 1, index + 1);
        return truth === undefined ? [] : [{field, truth: truth.pixels.data}];
      }),
    ),
  );
}

function columnOf(table: Float32Array, width: number, column: number): Float32Array {
  return Float32Array.from({length: table.length / width}, (_, row) => table[row * width + column] ?? 0);
}

function predictor(
  model: SoftmaxRegression,
  known: readonly string[],
  thresholds: readonly number[],
): Predictor {
  return async ({image, modality}, targets) => {
    const {size, values} = pixelFeatures(modality.prepare(image));
    const table = await model.probabilities(values);
    const maskOf = ({id}: Target): [string, Mask] => {
      const index = known.indexOf(id);
      const field = columnOf(table, known.length + 1, index + 1);
      const data = Uint8Array.from(field, (value) =>
        index >= 0 && value > (thresholds[index] ?? 1) ? 1 : 0,
      );
      return [id, resizeMask(createMask({data, ...size}), image)];
    };
    return new Map(targets.map(maskOf));
  };
}

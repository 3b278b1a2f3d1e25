import type {LoadedCase} from "@claps/data";
import {createMask, gaussianBlur} from "@claps/image";
import type {Control} from "../control.js";
import {bestDiceThreshold} from "./best-dice-threshold.js";

/** Widths of the background and of the smoothing that are tried on the training pictures, px. */
const BACKGROUNDS = [5, 7, 10, 14, 20];
const SMOOTHINGS = [0, 0.7, 1];

/**
 * Darker than its surroundings in the green channel: the oldest way to find vessels.
 *
 * Background width, smoothing and threshold are the ones with the best pooled Dice inside the field of view
 * over the training pictures.
 */
export const greenThreshold: Control = {
  id: "green",
  title: "threshold on green minus background",
  usesTruth: false,
  prepare: async ({training}) => {
    const cases: LoadedCase[] = [];
    for await (const item of training()) cases.push(item);
    const chosen = chooseSetting(cases);
    return (item, targets) => {
      const {height, width} = item.image;
      const field = darkness(item, chosen.background, chosen.smoothing);
      const data = Uint8Array.from(field, (value) => (value > chosen.threshold ? 1 : 0));
      return Promise.resolve(new Map(targets.map(({id}) => [id, createMask({data, height, width})])));
    };
  },
};

interface Setting {
  background: number;
  smoothing: number;
  threshold: number;
}

function chooseSetting(cases: readonly LoadedCase[]): Setting {
  let best: Setting & {dice: number} = {background: 10, smoothing: 0, threshold: Infinity, dice: -1};
  for (const background of BACKGROUNDS) {
    for (const smoothing of SMOOTHINGS) {
      const pictures = cases.map((item) => ({
        field: darkness(item, background, smoothing),
        truth: countedTruth(item),
      }));
      const threshold = bestDiceThreshold(pictures);
      const dice = pooledDice(pictures, threshold);
      if (dice > best.dice) best = {background, smoothing, threshold, dice};
    }
  }
  return best;
}

/** Background minus green, both inside the field of view only, 0 outside. */
function darkness(item: LoadedCase, background: number, smoothing: number): Float32Array {
  const {image, fieldOfView} = item;
  const {data} = image.pixels;
  const field = Float32Array.from({length: image.height * image.width}, (_, pixel) =>
    fieldOfView === undefined || fieldOfView.pixels.data[pixel] === 1 ? 1 : 0,
  );
  const green = field.map(
    (inside, pixel) => inside * ((data[pixel * image.channels + 1] ?? 0) / image.white),
  );
  // Dividing by the blurred field keeps the dark surround from darkening the rim's background.
  const weight = gaussianBlur(field, image, background);
  const around = gaussianBlur(green, image, background);
  const sharp = smoothing === 0 ? green : gaussianBlur(green, image, smoothing);
  return sharp.map((value, pixel) =>
    field[pixel] === 1 ? (around[pixel] ?? 0) / Math.max(weight[pixel] ?? 0, 1e-6) - value : 0,
  );
}

/** Truth of the first target, not counted outside the field of view. */
function countedTruth({labels, fieldOfView, image}: LoadedCase): Uint8Array {
  const mask = [...labels.values()].find(({state}) => state === "positive")?.mask;
  return Uint8Array.from({length: image.height * image.width}, (_, pixel) => {
    const counted = fieldOfView === undefined || fieldOfView.pixels.data[pixel] === 1;
    return counted ? (mask?.pixels.data[pixel] ?? 0) : 255;
  });
}

function pooledDice(
  pictures: readonly {field: Float32Array; truth: Uint8Array}[],
  threshold: number,
): number {
  let [both, sum] = [0, 0];
  for (const {field, truth} of pictures) {
    field.forEach((value, pixel) => {
      if (truth[pixel]! > 1) return;
      const predicted = value > threshold ? 1 : 0;
      both += predicted * truth[pixel]!;
      sum += predicted + truth[pixel]!;
    });
  }
  return sum === 0 ? 0 : (2 * both) / sum;
}

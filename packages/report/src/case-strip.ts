import {createImage, createMask, resize, resizeMask} from "@claps/image";
import type {Image, Mask, Size} from "@claps/image";
import {comparison} from "./comparison.js";
import {overlay} from "./overlay.js";

/** One target of a drawn case. */
export interface FigureTarget {
  readonly name: string;
  readonly colour: readonly [number, number, number];
  readonly truth: Mask;
  readonly prediction: Mask;
  /** Dice of this case, or null where it is not defined. */
  readonly dice: number | null;
}

/** A case as it is drawn. */
export interface CaseFigure {
  readonly dataset: string;
  readonly id: string;
  readonly image: Image;
  readonly targets: readonly FigureTarget[];
}

/** Longest side of one picture in a strip, px. */
const SHOWN = 420;
const GAP = 8;

/**
 * Four pictures side by side: the case, the truth, the prediction, and both compared over all targets.
 *
 * @param figure - The case; large pictures are made smaller.
 * @returns 8-bit RGB.
 */
export function caseStrip({image, targets}: CaseFigure): Image {
  const scale = Math.min(1, SHOWN / Math.max(image.height, image.width));
  const size = {height: Math.round(image.height * scale), width: Math.round(image.width * scale)};
  const small = resize(image, size);
  const layersOf = (pick: (target: FigureTarget) => Mask): {mask: Mask; colour: FigureTarget["colour"]}[] =>
    targets.map((target) => ({mask: resizeMask(pick(target), size), colour: target.colour}));
  const truths = layersOf(({truth}) => truth);
  const predictions = layersOf(({prediction}) => prediction);
  const panels = [
    overlay(small, []),
    overlay(small, truths, {opacity: 0.45, outline: 1}),
    overlay(small, predictions, {opacity: 0.45, outline: 1}),
    comparison(small, union(truths, size), union(predictions, size)),
  ];
  return sideBySide(panels, size);
}

function union(layers: readonly {mask: Mask}[], size: Size): Mask {
  const data = new Uint8Array(size.height * size.width);
  for (const {mask} of layers) mask.pixels.data.forEach((value, pixel) => value === 1 && (data[pixel] = 1));
  return createMask({data, ...size});
}

function sideBySide(panels: readonly Image[], {height, width}: Size): Image {
  const total = panels.length * width + (panels.length - 1) * GAP;
  const data = new Uint8Array(height * total * 3).fill(255);
  panels.forEach(({pixels, channels, white}, index) => {
    for (let pixel = 0; pixel < height * width; pixel++) {
      const to = (Math.floor(pixel / width) * total + index * (width + GAP) + (pixel % width)) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const value = pixels.data[pixel * channels + Math.min(channel, channels - 1)] ?? 0;
        data[to + channel] = Math.round((value / white) * 255);
      }
    }
  });
  return createImage({data, height, width: total});
}

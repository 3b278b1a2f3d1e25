import {checkRange} from "@claps/core";
import type {Random} from "@claps/core";
import {createImage, createMask} from "@claps/image";
import {drawBlobs} from "./blob.js";
import {drawCysts, drawDome} from "./bscan-fluid.js";
import type {CystGroup} from "./bscan-fluid.js";
import {drawLayers} from "./bscan-layers.js";
import type {BscanLayers} from "./bscan-layers.js";
import {paintSection} from "./paint-section.js";
import type {SyntheticCase} from "./synthetic-case.js";

/** Options of {@link synthesizeBscan}. */
export interface BscanOptions {
  /** Size of the picture, px; each side 64 to 4096. */
  readonly height: number;
  readonly width: number;
  readonly random: Random;
  /** Factor on the chance that each kind of lesion is there; 0 gives a healthy eye. Default 1. */
  readonly lesionRate?: number;
}

/**
 * A made-up OCT B-scan with the exact mask of every pocket of fluid in it.
 *
 * Layers with a foveal pit, choroid, speckle, shadows of vessels, loss of light with depth. The fluid is as dark
 * as the vitreous, the shadows and the lumens of the choroid. Not every picture has every lesion. The same seed
 * gives the same picture.
 *
 * Shapes: image uint8 [H, W, 1]; masks [H, W].
 * Units: px of the picture; a pixel belongs to a mask when its centre lies inside.
 *
 * @returns Image and masks of `intraretinal-fluid`, `subretinal-fluid`, `pigment-epithelial-detachment`,
 * `macular-hole`.
 * @throws ConfigError if a side is outside 64 to 4096 px.
 * @example
 * ```ts
 * const {image, masks} = synthesizeBscan({height: 380, width: 570, random: createRandom(1)});
 * ```
 *
 * Source: our reading of what a B-scan shows; no picture of a person is used.
 */
export function synthesizeBscan(options: BscanOptions): SyntheticCase {
  const {height, width, random, lesionRate = 1} = options;
  checkRange(height, {min: 64, max: 4096, integer: true}, "synthesizeBscan: height");
  checkRange(width, {min: 64, max: 4096, integer: true}, "synthesizeBscan: width");
  const size = {height, width};
  const presence = random.fork("lesions present");
  const has = {
    cysts: presence.chance(0.55 * lesionRate),
    subretinal: presence.chance(0.5 * lesionRate),
    detachment: presence.chance(0.45 * lesionRate),
    hole: presence.chance(0.12 * lesionRate),
  };
  const place = random.fork("place");
  const fovea = width * place.uniform(0.36, 0.64);
  const groups: CystGroup[] = [];
  if (has.cysts) {
    const cysts = random.fork("cysts");
    for (let count = 1 + cysts.integer(2); count > 0; count--) {
      groups.push(drawCysts(size, fovea, cysts));
    }
  }
  const lifts = {
    swelling: sumOf(
      width,
      groups.map(({centre, spread, swelling}) => gauss(width, centre, 1.5 * spread, swelling)),
    ),
    subretinal: sumOf(
      width,
      has.subretinal
        ? drawDomes({size, fovea, flatness: [1, 2], tallest: 0.11, random: random.fork("subretinal")})
        : [],
    ),
    detachment: sumOf(
      width,
      has.detachment
        ? drawDomes({size, fovea, flatness: [0.85, 1.7], tallest: 0.12, random: random.fork("detachment")})
        : [],
    ),
  };
  const layers = drawLayers(size, fovea, lifts, random.fork("layers"));
  const subretinal = between(layers, layers.retinaEnd, layers.epitheliumTop, lifts.subretinal);
  const detachment = between(layers, layers.epitheliumEnd, layers.membrane, lifts.detachment);
  const hole = has.hole ? drawHole(layers, random.fork("hole")) : new Uint8Array(height * width);
  const cysts = drawCystMask(layers, groups, hole);
  const data = paintSection({layers, cysts, subretinal, detachment, hole}, random.fork("light"));
  return {
    image: createImage({data, height, width, id: `synthetic ${random.seed}`}),
    masks: new Map([
      ["intraretinal-fluid", createMask({data: cysts, height, width})],
      ["subretinal-fluid", createMask({data: subretinal, height, width})],
      ["pigment-epithelial-detachment", createMask({data: detachment, height, width})],
      ["macular-hole", createMask({data: hole, height, width})],
    ]),
  };
}

function gauss(width: number, centre: number, spread: number, height: number): Float32Array {
  return Float32Array.from({length: width}, (_, x) => height * Math.exp(-(((x - centre) / spread) ** 2)));
}

function sumOf(width: number, rows: readonly Float32Array[]): Float32Array {
  return Float32Array.from({length: width}, (_, x) => rows.reduce((sum, row) => sum + (row[x] as number), 0));
}

function drawDomes(options: {
  size: {height: number; width: number};
  fovea: number;
  flatness: readonly [number, number];
  tallest: number;
  random: Random;
}): Float32Array[] {
  const {size, fovea, flatness, tallest, random} = options;
  const domes: Float32Array[] = [];
  for (let count = random.chance(0.65) ? 1 : 2; count > 0; count--) {
    const halfWidth = size.width * random.uniform(0.05, 0.17);
    domes.push(
      drawDome({
        width: size.width,
        centre: fovea + size.width * random.normal(0, 0.13),
        halfWidth,
        height: Math.max(
          4,
          size.height * random.uniform(0.025, tallest) * Math.min(1, (8 * halfWidth) / size.width),
        ),
        flatness: random.uniform(...flatness),
        random,
      }),
    );
  }
  return domes;
}

/** Pixels whose centre lies between two boundaries where the lift is more than one pixel. */
function between(
  {height, width}: BscanLayers,
  top: Float32Array,
  bottom: Float32Array,
  lift: Float32Array,
): Uint8Array {
  const mask = new Uint8Array(height * width);
  for (let x = 0; x < width; x++) {
    if ((lift[x] as number) < 1) {
      continue;
    }
    const from = Math.max(0, Math.round(top[x] as number));
    const to = Math.min(height, Math.round(bottom[x] as number));
    for (let y = from; y < to; y++) {
      mask[y * width + x] = 1;
    }
  }
  return mask;
}

/** A gap through all layers at the fovea, narrowest in the middle. */
function drawHole(layers: BscanLayers, random: Random): Uint8Array {
  const {height, width, fovea, tops, retinaEnd} = layers;
  const mask = new Uint8Array(height * width);
  const waist = width * random.uniform(0.018, 0.045);
  const flare = random.uniform(0.8, 2.2);
  const lean = width * random.uniform(-0.02, 0.02);
  const surface = tops[0] as Float32Array;
  const reach = Math.ceil(waist * (1 + flare) + Math.abs(lean)) + 1;
  const left = Math.max(0, Math.floor(fovea - reach));
  const right = Math.min(width - 1, Math.ceil(fovea + reach));
  // The lid of the hole runs from edge to edge; the pit below it would belong to the vitreous.
  const lidAt = (x: number): number => {
    const t = (x - left) / Math.max(1, right - left);
    return (surface[left] as number) * (1 - t) + (surface[right] as number) * t;
  };
  for (let x = left; x <= right; x++) {
    const top = Math.max(Math.min(lidAt(x), surface[x] as number), 0);
    const bottom = retinaEnd[x] as number;
    for (let y = Math.max(0, Math.round(top)); y < Math.min(height, Math.round(bottom)); y++) {
      const depth = (y + 0.5 - top) / Math.max(1, bottom - top);
      const half = waist * (1 + flare * (2 * depth - 1) ** 2);
      if (Math.abs(x + 0.5 - fovea - lean * (depth - 0.5)) < half) {
        mask[y * width + x] = 1;
      }
    }
  }
  return mask;
}

/** Cysts between the inner nuclear layer and the limiting membrane, not in the hole. */
function drawCystMask(layers: BscanLayers, groups: readonly CystGroup[], hole: Uint8Array): Uint8Array {
  const {height, width, tops} = layers;
  const mask = new Uint8Array(height * width);
  const surface = tops[0] as Float32Array;
  const highest = tops[2] as Float32Array;
  const lowest = tops[6] as Float32Array;
  for (const {cysts} of groups) {
    for (const cyst of cysts) {
      const column = Math.min(width - 1, Math.max(0, Math.round(cyst.x)));
      const top = highest[column] as number;
      const y = top + cyst.level * ((lowest[column] as number) - top);
      const patch = drawBlobs(layers, [{...cyst.shape, x: cyst.x, y}], 1);
      for (let row = 0; row < patch.height; row++) {
        for (let at = 0; at < patch.width; at++) {
          const px = patch.left + at;
          const py = patch.top + row;
          const inside =
            (patch.distance[row * patch.width + at] as number) < 0 &&
            py > (surface[px] as number) + 2 &&
            py < (lowest[px] as number) - 1;
          if (inside && hole[py * width + px] === 0) {
            mask[py * width + px] = 1;
          }
        }
      }
    }
  }
  return mask;
}

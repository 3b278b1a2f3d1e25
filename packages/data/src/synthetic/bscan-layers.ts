import type {Size} from "@claps/image";
import type {Random} from "@claps/core";
import {smoothNoiseAt} from "./smooth-noise.js";

/** Reflecting layers from the vitreous down; `share` is the part of the retina's thickness, `light` 0..1. */
export const RETINAL_LAYERS = [
  {name: "nerve fibres", share: 0.11, light: 0.72, inner: true},
  {name: "ganglion cells", share: 0.1, light: 0.5, inner: true},
  {name: "inner plexiform", share: 0.11, light: 0.58, inner: true},
  {name: "inner nuclear", share: 0.11, light: 0.32, inner: true},
  {name: "outer plexiform", share: 0.07, light: 0.54, inner: true},
  {name: "outer nuclear", share: 0.24, light: 0.25, inner: false},
  {name: "limiting membrane", share: 0.02, light: 0.44, inner: false},
  {name: "inner segments", share: 0.07, light: 0.3, inner: false},
  {name: "ellipsoid zone", share: 0.06, light: 0.82, inner: false},
  {name: "outer segments", share: 0.05, light: 0.4, inner: false},
] as const;

/** Index of the first layer below the inner retina. */
const OUTER_NUCLEAR = 5;

/** A rise of tissue over a span of columns. */
export interface Elevation {
  /** Height at each column, px, [W]. */
  readonly height: Float32Array;
}

/** Boundaries of one made-up section, px from the top, each [W]. */
export interface BscanLayers extends Size {
  /** Column of the foveal pit, px. */
  readonly fovea: number;
  /** Upper boundary of each layer of {@link RETINAL_LAYERS}; the first is the surface of the retina. */
  readonly tops: readonly Float32Array[];
  /** Lower end of the outer segments; fluid below it lifts the retina. */
  readonly retinaEnd: Float32Array;
  /** Upper and lower edge of the pigment epithelium. */
  readonly epitheliumTop: Float32Array;
  readonly epitheliumEnd: Float32Array;
  /** Bruch's membrane: where the epithelium would lie if nothing lifted it. */
  readonly membrane: Float32Array;
  /** Lower end of the choroid. */
  readonly choroidEnd: Float32Array;
}

/** What lifts the layers, each [W], px. */
export interface Lifts {
  /** Thickening of the nuclear layers by cysts. */
  readonly swelling: Float32Array;
  /** Fluid between retina and epithelium. */
  readonly subretinal: Float32Array;
  /** Detachment of the epithelium. */
  readonly detachment: Float32Array;
}

/** Draws the layers of one section and lets the lifts move them. */
export function drawLayers(size: Size, fovea: number, lifts: Lifts, random: Random): BscanLayers {
  const {height, width} = size;
  const thickness = height * random.uniform(0.2, 0.29);
  const level = height * random.uniform(0.56, 0.68);
  const tilt = height * random.uniform(-0.14, 0.14);
  const bow = height * random.uniform(-0.1, 0.05);
  const wave = height * random.uniform(0.004, 0.016);
  const pitDepth = random.chance(0.85) ? random.uniform(0.65, 0.95) : random.uniform(0, 0.2);
  const pitWidth = width * random.uniform(0.055, 0.1);
  const nasal = random.chance(0.5) ? 1 : -1;
  const epithelium = Math.max(2.5, thickness * random.uniform(0.08, 0.11));
  const choroid = height * random.uniform(0.1, 0.22);
  const seed = random.integer(0x7fffffff);

  const row = (): Float32Array => new Float32Array(width);
  const tops = RETINAL_LAYERS.map(row);
  const retinaEnd = row();
  const epitheliumTop = row();
  const epitheliumEnd = row();
  const membrane = row();
  const choroidEnd = row();
  for (let x = 0; x < width; x++) {
    const u = x / width - 0.5;
    const base =
      level +
      tilt * u +
      4 * bow * u * u +
      wave * smoothNoiseAt(u * 5, 0.5, seed) +
      0.3 * wave * smoothNoiseAt(u * 19, 0.5, seed + 1);
    const pit = pitDepth * Math.exp(-(((x - fovea) / pitWidth) ** 2));
    const rim = 0.12 * Math.exp(-(((Math.abs(x - fovea) - 2.2 * pitWidth) / (1.4 * pitWidth)) ** 2));
    membrane[x] = base + epithelium;
    epitheliumEnd[x] = base + epithelium - (lifts.detachment[x] as number);
    epitheliumTop[x] = (epitheliumEnd[x] as number) - epithelium;
    retinaEnd[x] = (epitheliumTop[x] as number) - (lifts.subretinal[x] as number);
    let y = retinaEnd[x] as number;
    for (let layer = RETINAL_LAYERS.length - 1; layer >= 0; layer--) {
      const {share, inner} = RETINAL_LAYERS[layer] as (typeof RETINAL_LAYERS)[number];
      const side = layer === 0 ? 1 + 1.4 * nasal * u : 1;
      const bend = 1 + 0.1 * smoothNoiseAt(u * 9, layer, seed + 2);
      const foveal = inner ? (1 - 0.96 * pit) * (1 + rim) : layer === OUTER_NUCLEAR ? 1 + 0.3 * pit : 1;
      y -= thickness * share * Math.max(0.05, side) * bend * foveal;
      if (layer === OUTER_NUCLEAR || layer === 3) {
        y -= (lifts.swelling[x] as number) * (layer === 3 ? 0.4 : 0.6);
      }
      (tops[layer] as Float32Array)[x] = y;
    }
    choroidEnd[x] = (membrane[x] as number) + choroid * (1 + 0.2 * smoothNoiseAt(u * 4, 2.5, seed + 3));
  }
  return {height, width, fovea, tops, retinaEnd, epitheliumTop, epitheliumEnd, membrane, choroidEnd};
}

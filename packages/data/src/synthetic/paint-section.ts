import type {Random} from "@claps/core";
import {ramp} from "./canvas.js";
import {RETINAL_LAYERS} from "./bscan-layers.js";
import type {BscanLayers} from "./bscan-layers.js";
import {latticeUniform, smoothNoiseAt} from "./smooth-noise.js";

/** What lies in a section; masks 0 or 1, [H × W]. */
export interface Section {
  readonly layers: BscanLayers;
  readonly cysts: Uint8Array;
  readonly subretinal: Uint8Array;
  readonly detachment: Uint8Array;
  readonly hole: Uint8Array;
}

/**
 * The B-scan that a section gives: reflected light, shadows, loss with depth, speckle.
 *
 * Shapes: [H × W], row-major. Units: 0..255.
 */
export function paintSection(section: Section, random: Random): Uint8Array {
  const {layers} = section;
  const light = reflect(section, random.fork("tissue"));
  shade(light, layers, random.fork("shadows"));
  return expose(soften(light, layers), layers, random.fork("scanner"));
}

/** Reflected light of the tissue alone, 0..1. */
function reflect({layers, cysts, subretinal, detachment, hole}: Section, random: Random): Float32Array {
  const {height, width, tops, retinaEnd, epitheliumTop, epitheliumEnd, membrane, choroidEnd} = layers;
  const vitreous = random.uniform(0.02, 0.07);
  const fluid = vitreous + random.uniform(0.01, 0.05);
  const filling = random.uniform(0.08, 0.34);
  const tone = RETINAL_LAYERS.map(({light}) => light * random.uniform(0.86, 1.14));
  const epithelium = random.uniform(0.86, 1);
  const choroid = random.uniform(0.34, 0.52);
  const lumens = random.uniform(0.5, 0.95);
  const decay = height * random.uniform(0.12, 0.24);
  const seed = random.integer(0x7fffffff);
  const lumenSize = height * random.uniform(0.035, 0.06);
  const light = new Float32Array(height * width);
  const edges = [...tops, retinaEnd, epitheliumTop, epitheliumEnd, membrane];
  const values = [vitreous, ...tone, fluid, epithelium, filling, choroid];
  for (let x = 0; x < width; x++) {
    let part = 0;
    for (let y = 0; y < height; y++) {
      const at = y * width + x;
      // Thin layers share a pixel: the boundary moves the value by the part of the pixel above it.
      while (part < edges.length && ((edges[part] as Float32Array)[x] as number) <= y) {
        part++;
      }
      const edge = edges[part]?.[x];
      const above = edge === undefined ? 1 : Math.min(1, edge - y);
      let value =
        (values[part] as number) * above +
        (values[Math.min(part + 1, values.length - 1)] as number) * (1 - above);
      if (part >= edges.length) {
        const depth = y - (membrane[x] as number);
        const lumen = Math.max(0, smoothNoiseAt(x / (1.6 * lumenSize), y / lumenSize, seed));
        const inChoroid = ramp(choroidEnd[x] as number, (choroidEnd[x] as number) - 0.04 * height, y);
        value =
          choroid * (inChoroid * (1 - lumens * lumen) + (1 - inChoroid) * 0.5) * Math.exp(-depth / decay);
        value += 0.35 * Math.exp(-depth / (0.02 * height + 1));
      } else if (part > 0) {
        value *= 1 + 0.16 * smoothNoiseAt(x / 9, y / 4, seed + 1);
      }
      if (cysts[at] === 1 || hole[at] === 1) {
        value = hole[at] === 1 ? vitreous : fluid * 1.2;
      } else if (subretinal[at] === 1) {
        value = fluid * (1 + 0.8 * Math.max(0, smoothNoiseAt(x / 7, y / 5, seed + 2)));
      } else if (detachment[at] === 1) {
        const sediment = smoothNoiseAt(x / (0.03 * width), y / (0.03 * height), seed + 3);
        const base = y > (membrane[x] as number) - 2 ? 0.3 : 0;
        value = filling * (1 + 0.7 * sediment) + base;
      } else if (touches(cysts, at, width)) {
        value += 0.14;
      }
      light[at] = value;
    }
  }
  return light;
}

function touches(mask: Uint8Array, at: number, width: number): boolean {
  return mask[at - 1] === 1 || mask[at + 1] === 1 || mask[at - width] === 1 || mask[at + width] === 1;
}

/** Vessels and dense spots: bright themselves, dark below. */
function shade(light: Float32Array, layers: BscanLayers, random: Random): void {
  const {height, width, tops} = layers;
  const spots = 3 + random.integer(8);
  for (let index = 0; index < spots; index++) {
    const isVessel = random.chance(0.6);
    const column = random.uniform(0, width);
    const half = isVessel
      ? width * random.uniform(0.005, 0.016)
      : Math.max(1, width * random.uniform(0.002, 0.005));
    const depth = isVessel ? random.uniform(0.2, 0.6) : random.uniform(0.1, 0.4);
    const layer = isVessel ? random.integer(2) : 2 + random.integer(4);
    const bright = random.uniform(0.15, 0.5);
    const from = Math.max(0, Math.floor(column - 2.5 * half));
    const to = Math.min(width - 1, Math.ceil(column + 2.5 * half));
    const at = Math.min(width - 1, Math.floor(column));
    const level = ((tops[layer] as Float32Array)[at] as number) + random.uniform(1, 0.02 * height + 2);
    for (let x = from; x <= to; x++) {
      const across = Math.exp(-(((x + 0.5 - column) / half) ** 2));
      for (let y = Math.max(0, Math.floor(level - 2 * half)); y < height; y++) {
        const inSpot = Math.exp(-(((y - level) / Math.max(1, 0.8 * half)) ** 2));
        const shadow = depth * across * ramp(0, 3 * half, y - level);
        light[y * width + x] = (light[y * width + x] as number) * (1 - shadow) + bright * across * inSpot;
      }
    }
  }
}

/** The beam is wider than a pixel: neighbours in a row share their light. */
function soften(light: Float32Array, {height, width}: BscanLayers): Float32Array {
  const result = new Float32Array(light.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const beside = (light[x > 0 ? at - 1 : at] as number) + (light[x < width - 1 ? at + 1 : at] as number);
      const above = light[y > 0 ? at - width : at] as number;
      const below = light[y < height - 1 ? at + width : at] as number;
      result[at] = 0.5 * (light[at] as number) + 0.15 * beside + 0.1 * (above + below);
    }
  }
  return result;
}

/** Speckle, noise floor, brightness of the device; some scans have an empty wedge from being turned upright. */
function expose(light: Float32Array, {height, width}: BscanLayers, random: Random): Uint8Array {
  const seed = random.integer(0x7fffffff);
  const speckle = random.uniform(0.22, 0.5);
  const floor = random.uniform(0.02, 0.07);
  const gain = random.uniform(0.72, 1.05);
  const gamma = random.uniform(0.85, 1.2);
  const fade = random.uniform(-0.25, 0.25);
  const wedge = random.chance(0.25) ? height * random.uniform(0.03, 0.12) : 0;
  const rising = random.chance(0.5);
  const pixels = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const along = rising ? x / width : 1 - x / width;
      if (wedge > 0 && (y < wedge * along || y > height - wedge * (1 - along))) {
        continue;
      }
      const here = latticeUniform(x, y, seed);
      const beside = latticeUniform(x + 1, y, seed);
      // A speckle grain is wider than a pixel, and its brightness is skewed: many dark, few bright.
      const grain = 0.6 * here + 0.4 * beside;
      const skewed = (grain * grain * 3 - 1) * 0.9;
      const value =
        (light[at] as number) * (1 + speckle * skewed) + floor * 2 * grain * latticeUniform(x, y, seed + 1);
      const lit = gain * (1 + fade * (x / width - 0.5)) * value;
      const shown = Math.max(0, lit) ** gamma;
      pixels[at] = Math.min(
        255,
        Math.round(255 * (shown < 0.75 ? shown : 0.75 + 0.25 * Math.tanh((shown - 0.75) / 0.3))),
      );
    }
  }
  return pixels;
}

import type {Random} from "@claps/core";
import type {BlobOptions} from "./blob.js";
import {smoothNoiseAt} from "./smooth-noise.js";

/**
 * Height of a pocket or dome at each column.
 *
 * Shapes: [W]. Units: px.
 *
 * @param options - `centre`, `halfWidth`, `height`: place and size, px; `flatness`: 0.5 is a half ellipse, larger is a hill with a foot.
 */
export function drawDome(options: {
  readonly width: number;
  readonly centre: number;
  readonly halfWidth: number;
  readonly height: number;
  readonly flatness: number;
  readonly random: Random;
}): Float32Array {
  const {width, centre, halfWidth, height, flatness, random} = options;
  const skew = random.uniform(-0.45, 0.45);
  const seed = random.integer(0x7fffffff);
  const lumps = random.uniform(0.4, 0.95);
  const lumpSize = halfWidth * random.uniform(0.3, 0.55);
  const dome = new Float32Array(width);
  for (let x = 0; x < width; x++) {
    const u = (x + 0.5 - centre) / halfWidth;
    if (Math.abs(u) < 1) {
      const shifted = u + skew * (1 - u * u);
      const outline = Math.max(0, 1 - shifted * shifted) ** flatness;
      const lump = 1 + lumps * smoothNoiseAt((x - centre) / lumpSize, 0.3, seed);
      dome[x] = height * outline * Math.max(0.12, lump);
    }
  }
  return dome;
}

/** A group of cysts: where they are and how much they swell the retina. */
export interface CystGroup {
  /** Column of the middle, px. */
  readonly centre: number;
  /** Cysts relative to (column, level); level 0 is the top of the inner nuclear layer, 1 the limiting membrane. */
  readonly cysts: readonly {
    readonly x: number;
    readonly level: number;
    readonly shape: Omit<BlobOptions, "x" | "y">;
  }[];
  /** Half width of the swelling and its height, px. */
  readonly spread: number;
  readonly swelling: number;
}

/** Draws a group of intraretinal cysts. */
export function drawCysts(size: {height: number; width: number}, fovea: number, random: Random): CystGroup {
  const {height, width} = size;
  const spread = width * random.uniform(0.05, 0.13);
  const centre = Math.min(0.85, Math.max(0.15, fovea / width + random.normal(0, 0.1))) * width;
  const cysts: CystGroup["cysts"][number][] = [];
  const count = 2 + random.integer(9);
  for (let index = 0; index < count; index++) {
    const minor = Math.max(1.8, height * random.uniform(0.008, 0.026));
    cysts.push({
      x: centre + random.normal(0, 0.7 * spread),
      level: random.uniform(0.12, 0.9),
      shape: {
        minor,
        major: minor * random.uniform(1.1, 2.2),
        // Fibres run upright and lean outwards; cysts follow them.
        angle: Math.PI / 2 + random.normal(0, 0.5),
        roughness: random.uniform(0.55, 1),
        grain: minor * random.uniform(0.6, 1),
        seed: random.integer(0x7fffffff),
      },
    });
  }
  return {centre, cysts, spread, swelling: height * random.uniform(0.02, 0.09)};
}

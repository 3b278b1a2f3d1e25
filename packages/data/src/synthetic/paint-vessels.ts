import type {Random} from "@claps/core";
import {absorb, brighten} from "./canvas.js";
import type {Canvas} from "./canvas.js";
import type {FundusAnatomy} from "./fundus-anatomy.js";
import type {Vessel} from "./vessel-tree.js";

/** What the vessels leave behind for those who paint after them. */
export interface PaintedVessels {
  /** Share of each pixel that is covered by a vessel, 0..1, [H × W]. */
  readonly coverage: Float32Array;
}

/** Draws the vessels onto the picture: veins first, wider and darker; arteries above, with a central reflex. */
export function paintVessels(
  canvas: Canvas,
  anatomy: FundusAnatomy,
  vessels: readonly Vessel[],
  random: Random,
): PaintedVessels {
  const coverage = new Float32Array(canvas.height * canvas.width);
  const depth = new Float32Array(coverage.length);
  const reflex = new Float32Array(coverage.length);
  const contrast = random.uniform(0.7, 1.05);
  const shine = random.uniform(0.02, 0.14);
  for (const kind of ["vein", "artery"] as const) {
    depth.fill(0);
    reflex.fill(0);
    for (const vessel of vessels) {
      if (vessel.kind === kind) {
        strokeVessel({vessel, canvas, anatomy, coverage, depth, reflex});
      }
    }
    const blood =
      kind === "vein" ? {red: 0.74, green: 0.46, blue: 0.56} : {red: 0.87, green: 0.56, blue: 0.56};
    const light = {red: 1, green: 0.75, blue: 0.5};
    for (let at = 0; at < depth.length; at++) {
      if ((depth[at] as number) > 0) {
        absorb(canvas, at, blood, contrast * (depth[at] as number));
        brighten(canvas, at, light, (kind === "artery" ? 1.3 : 0.7) * shine * (reflex[at] as number));
      }
    }
  }
  return {coverage};
}

interface Stroke {
  readonly vessel: Vessel;
  readonly canvas: Canvas;
  readonly anatomy: FundusAnatomy;
  readonly coverage: Float32Array;
  readonly depth: Float32Array;
  readonly reflex: Float32Array;
}

function strokeVessel({vessel, canvas, anatomy, coverage, depth, reflex}: Stroke): void {
  const {height, width} = canvas;
  for (let index = 1; index < vessel.points.length; index++) {
    const from = vessel.points[index - 1];
    const to = vessel.points[index];
    const widthFrom = vessel.widths[index - 1];
    const widthTo = vessel.widths[index];
    if (from === undefined || to === undefined || widthFrom === undefined || widthTo === undefined) {
      continue;
    }
    const dx = to.x - from.x;
    const dy = to.y - from.y;
    const square = dx * dx + dy * dy || 1;
    const reach = Math.max(widthFrom, widthTo) / 2 + 1;
    const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - reach));
    const bottom = Math.min(height - 1, Math.ceil(Math.max(from.y, to.y) + reach));
    const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - reach));
    const right = Math.min(width - 1, Math.ceil(Math.max(from.x, to.x) + reach));
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const px = x + 0.5 - from.x;
        const py = y + 0.5 - from.y;
        const t = Math.min(1, Math.max(0, (px * dx + py * dy) / square));
        const ex = px - t * dx;
        const ey = py - t * dy;
        const distance = Math.sqrt(ex * ex + ey * ey);
        const half = (widthFrom + (widthTo - widthFrom) * t) / 2;
        const covered = Math.min(1, half - distance + 0.5);
        if (covered <= 0) {
          continue;
        }
        const at = y * width + x;
        coverage[at] = Math.max(coverage[at] as number, covered);
        // A vessel is a tube: more blood lies under its middle, and thin ones hold little.
        const across = Math.min(1, distance / (half + 0.35));
        const calibre = Math.min(1, 0.42 + (0.14 * half * 2) / anatomy.scale);
        const density = covered * calibre * (0.62 + 0.38 * Math.sqrt(1 - across * across));
        depth[at] = Math.max(depth[at] as number, density);
        if (half > 1.9) {
          reflex[at] = Math.max(reflex[at] as number, Math.exp(-((distance / (0.3 * half)) ** 2)));
        }
      }
    }
  }
}

import type {Random} from "@claps/core";
import {cover, ramp} from "./canvas.js";
import type {Canvas} from "./canvas.js";
import type {FundusAnatomy} from "./fundus-anatomy.js";

/** The disc as painted: how much of each pixel belongs to it and to its cup, 0..1, [H × W]. */
export interface PaintedDisc {
  readonly disc: Float32Array;
  readonly cup: Float32Array;
}

interface Wave {
  readonly order: number;
  readonly amplitude: number;
  readonly phase: number;
}

interface Outline {
  readonly x: number;
  readonly y: number;
  readonly horizontal: number;
  readonly vertical: number;
  readonly cos: number;
  readonly sin: number;
  readonly waves: readonly Wave[];
}

/** Draws the optic disc with its paler cup; some eyes have a pale crescent beside it that belongs to neither. */
export function paintDisc(canvas: Canvas, anatomy: FundusAnatomy, random: Random): PaintedDisc {
  const {height, width, disc: centre, discRadius, temporal} = anatomy;
  const tilt = random.uniform(-0.3, 0.3);
  const outline: Outline = {
    ...centre,
    horizontal: discRadius * random.uniform(0.86, 1),
    vertical: discRadius * random.uniform(0.98, 1.12),
    cos: Math.cos(tilt),
    sin: Math.sin(tilt),
    waves: drawWaves(random, 0.03),
  };
  const ratio = random.uniform(0.28, 0.66);
  const away = discRadius * random.uniform(0.02, 0.14);
  const cupOutline: Outline = {
    x: centre.x + away * temporal.x,
    y: centre.y + away * temporal.y + discRadius * random.uniform(-0.06, 0.06),
    horizontal: outline.horizontal * ratio * random.uniform(0.9, 1.1),
    vertical: outline.vertical * ratio * random.uniform(0.9, 1.1),
    cos: outline.cos,
    sin: outline.sin,
    waves: drawWaves(random, 0.07),
  };
  const tone = random.uniform(0.86, 1);
  const rim = {
    red: 0.97 * tone,
    green: random.uniform(0.56, 0.7) * tone,
    blue: random.uniform(0.28, 0.42) * tone,
  };
  const pale = {red: 1, green: random.uniform(0.8, 0.93) * tone, blue: random.uniform(0.48, 0.74) * tone};
  const rimSoftness = discRadius * random.uniform(0.07, 0.16);
  const cupSoftness = discRadius * random.uniform(0.08, 0.2);
  const rimOpacity = random.uniform(0.7, 0.9);
  const cupOpacity = random.uniform(0.62, 0.9);
  const crescent = random.chance(0.35) ? random.uniform(0.15, 0.45) : 0;
  const crescentWidth = discRadius * random.uniform(0.15, 0.4);

  const disc = new Float32Array(height * width);
  const cup = new Float32Array(height * width);
  const reach = discRadius * 1.9;
  const top = Math.max(0, Math.floor(centre.y - reach));
  const bottom = Math.min(height - 1, Math.ceil(centre.y + reach));
  const left = Math.max(0, Math.floor(centre.x - reach));
  const right = Math.min(width - 1, Math.ceil(centre.x + reach));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const at = y * width + x;
      const fromRim = distanceTo(outline, x + 0.5, y + 0.5);
      const fromCup = distanceTo(cupOutline, x + 0.5, y + 0.5);
      if (crescent > 0) {
        const dx = x + 0.5 - centre.x;
        const dy = y + 0.5 - centre.y;
        const side = (dx * temporal.x + dy * temporal.y) / (Math.hypot(dx, dy) || 1);
        const ring = ramp(crescentWidth, crescentWidth * 0.6, fromRim * (1.6 - 0.6 * side));
        cover(canvas, at, {red: 0.93, green: 0.66, blue: 0.4}, crescent * ring * ramp(-0.1, 0.7, side));
      }
      const nasalShade = (x - centre.x) * temporal.x + (y - centre.y) * temporal.y < 0 ? 0.9 : 1;
      cover(canvas, at, rim, rimOpacity * nasalShade * ramp(rimSoftness, -rimSoftness, fromRim));
      cover(canvas, at, pale, cupOpacity * ramp(cupSoftness, -cupSoftness, Math.max(fromCup, fromRim)));
      disc[at] = Math.min(1, Math.max(0, 0.5 - fromRim));
      cup[at] = Math.min(disc[at], Math.max(0, 0.5 - fromCup));
    }
  }
  return {disc, cup};
}

function drawWaves(random: Random, amplitude: number): Wave[] {
  return [2, 3, 5].map((order) => ({
    order,
    amplitude: amplitude * random.uniform(0.2, 1),
    phase: random.uniform(0, 2 * Math.PI),
  }));
}

/** Signed distance to a wavy ellipse, px; negative inside. */
function distanceTo(outline: Outline, x: number, y: number): number {
  const {cos, sin} = outline;
  const u = (cos * (x - outline.x) + sin * (y - outline.y)) / outline.horizontal;
  const v = (cos * (y - outline.y) - sin * (x - outline.x)) / outline.vertical;
  const angle = Math.atan2(v, u);
  let edge = 1;
  for (const wave of outline.waves) {
    edge += wave.amplitude * Math.sin(wave.order * angle + wave.phase);
  }
  return (Math.hypot(u, v) - edge) * Math.min(outline.horizontal, outline.vertical);
}

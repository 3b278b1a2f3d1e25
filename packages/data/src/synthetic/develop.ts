import type {Random} from "@claps/core";
import type {Canvas} from "./canvas.js";
import type {FundusAnatomy} from "./fundus-anatomy.js";
import {latticeUniform} from "./smooth-noise.js";

/**
 * The photograph of a painted canvas: optics, field of view, sensor noise, the camera's compression.
 *
 * Shapes: [H × W × 3], row-major. Units: 0..255.
 */
export function developPhotograph(canvas: Canvas, anatomy: FundusAnatomy, random: Random): Uint8Array {
  const {height, width} = canvas;
  const blur = Math.min(0.3, random.uniform(0.1, 0.26) * Math.max(0.6, anatomy.scale));
  const gamma = random.uniform(0.92, 1.12);
  const noise = random.uniform(0.006, 0.018);
  const edge = random.uniform(1, 2.4) * Math.max(0.6, anatomy.scale);
  const seed = random.integer(0x7fffffff);
  const pixels = new Uint8Array(height * width * 3);
  const tone = toneTable(gamma);
  const {centre, radius} = anatomy;
  const planes = [canvas.red, canvas.green, canvas.blue].map((plane) => softenField(plane, canvas, blur));
  const [red, green, blue] = planes as [Float32Array, Float32Array, Float32Array];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const dx = x + 0.5 - centre.x;
      const dy = y + 0.5 - centre.y;
      const fromCentre = Math.sqrt(dx * dx + dy * dy);
      const inside = Math.min(1, Math.max(0, (radius - fromCentre) / edge + 0.5));
      const strength = noise * (inside > 0 ? 1 : 0.35);
      const shared = 2.4 * (latticeUniform(x, y, seed) - 0.5);
      // One hash gives two independent numbers: its upper and its lower bits.
      const hash = latticeUniform(x, y, seed + 1) * 2048;
      const whole = Math.floor(hash);
      const first = whole / 2048 - 0.5;
      const second = hash - whole - 0.5;
      pixels[at * 3] = expose(tone, inside * (red[at] as number) + strength * (shared + first));
      pixels[at * 3 + 1] = expose(tone, inside * (green[at] as number) + strength * (shared + second));
      pixels[at * 3 + 2] = expose(
        tone,
        inside * (blue[at] as number) + strength * (1.4 * shared - first - second),
      );
    }
  }
  shareChroma(pixels, canvas);
  return pixels;
}

function expose(tone: Uint8Array, light: number): number {
  const index = (light + 0.012) * 1023 + 0.5;
  return tone[index <= 0 ? 0 : index >= 1023 ? 1023 : index | 0] as number;
}

function toneTable(gamma: number): Uint8Array {
  return Uint8Array.from({length: 1024}, (_, index) => {
    const value = (index / 1023) ** gamma;
    // A soft shoulder: bright discs keep some colour instead of clipping.
    const shouldered = value < 0.8 ? value : 0.8 + 0.2 * Math.tanh((value - 0.8) / 0.25);
    return Math.round(255 * shouldered);
  });
}

/** A light blur: each pixel gives the share `weight` to its two neighbours, in both directions. */
function softenField(
  field: Float32Array,
  {height, width}: {height: number; width: number},
  weight: number,
): Float32Array {
  const rows = new Float32Array(field.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const left = field[x > 0 ? at - 1 : at] as number;
      const right = field[x < width - 1 ? at + 1 : at] as number;
      rows[at] = (field[at] as number) * (1 - 2 * weight) + weight * (left + right);
    }
  }
  const result = new Float32Array(field.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const above = rows[y > 0 ? at - width : at] as number;
      const below = rows[y < height - 1 ? at + width : at] as number;
      result[at] = (rows[at] as number) * (1 - 2 * weight) + weight * (above + below);
    }
  }
  return result;
}

/** Gives each 2 × 2 block one colour difference, as JPEG does; the brightness of each pixel stays. */
function shareChroma(pixels: Uint8Array, {height, width}: {height: number; width: number}): void {
  const block = new Uint32Array(4);
  for (let y = 0; y + 1 < height; y += 2) {
    for (let x = 0; x + 1 < width; x += 2) {
      block[0] = 3 * (y * width + x);
      block[1] = block[0] + 3;
      block[2] = block[0] + 3 * width;
      block[3] = block[2] + 3;
      let redness = 0;
      let blueness = 0;
      for (let index = 0; index < 4; index++) {
        const at = block[index] as number;
        const luma = lumaAt(pixels, at);
        redness += ((pixels[at] as number) - luma) / 4;
        blueness += ((pixels[at + 2] as number) - luma) / 4;
      }
      for (let index = 0; index < 4; index++) {
        const at = block[index] as number;
        const luma = lumaAt(pixels, at);
        pixels[at] = clampByte(luma + redness);
        pixels[at + 1] = clampByte(luma - (0.299 * redness + 0.114 * blueness) / 0.587);
        pixels[at + 2] = clampByte(luma + blueness);
      }
    }
  }
}

function lumaAt(pixels: Uint8Array, at: number): number {
  return (
    0.299 * (pixels[at] as number) + 0.587 * (pixels[at + 1] as number) + 0.114 * (pixels[at + 2] as number)
  );
}

function clampByte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : (value + 0.5) | 0;
}

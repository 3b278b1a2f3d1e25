import type {Random} from "@claps/core";
import {absorb, brighten, cover, createCanvas} from "./canvas.js";
import type {Canvas} from "./canvas.js";
import type {FundusAnatomy} from "./fundus-anatomy.js";
import {latticeUniform, smoothNoise} from "./smooth-noise.js";

/** Pigment of the macula: takes blue and green away. */
const MACULA = {red: 0.78, green: 0.62, blue: 0.55};
const CHOROID = {red: 0.16, green: 0.045, blue: 0.01};
const NERVE_FIBRES = {red: 0.05, green: 0.075, blue: 0.06};

/**
 * The bare retina of one eye: colour, uneven light, choroidal pattern, macula, nerve-fibre sheen.
 *
 * Every picture has its own hue and light, as cameras and people differ.
 */
export function paintBackground(anatomy: FundusAnatomy, random: Random): Canvas {
  const {centre, radius, fovea, disc, height, width} = anatomy;
  const canvas = createCanvas(anatomy);
  const red = random.uniform(0.62, 0.82);
  const green = red * random.uniform(0.42, 0.58);
  const blue = green * random.uniform(0.28, 0.68);
  const contrast = random.uniform(0.3, 1.1);
  const tessellation = random.chance(0.6) ? random.uniform(0.2, 1) : 0;
  const macula = random.uniform(0.35, 0.85);
  const sheen = random.uniform(0.2, 1.2);
  const tiltX = random.uniform(-0.14, 0.14);
  const tiltY = random.uniform(-0.14, 0.14);
  const falloff = random.uniform(0.12, 0.34);
  const seed = random.integer(0x7fffffff);

  const clouds = smoothNoise(anatomy, {cell: radius * 0.55, seed});
  const patches = smoothNoise(anatomy, {cell: radius * 0.16, seed: seed + 1});
  const hue = smoothNoise(anatomy, {cell: radius * 0.4, seed: seed + 2});
  const angle = random.uniform(-0.7, 0.7) + (anatomy.eye === "right" ? 0.4 : -0.4);
  const wideVessels = smoothNoise(anatomy, {cell: radius * 0.075, seed: seed + 3, stretch: 2.6, angle});
  const narrowVessels = smoothNoise(anatomy, {
    cell: radius * 0.045,
    seed: seed + 4,
    stretch: 3,
    angle: angle + 0.9,
  });
  const grain = smoothNoise(anatomy, {cell: Math.max(1.5, radius * 0.011), seed: seed + 5});

  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const dx = (x + 0.5 - centre.x) / radius;
      const dy = (y + 0.5 - centre.y) / radius;
      const square = dx * dx + dy * dy;
      if (square > 1.03) {
        continue;
      }
      const at = y * width + x;
      const light =
        (1 + 0.09 * contrast * (clouds[at] as number) + 0.05 * contrast * (patches[at] as number)) *
        (1 + tiltX * dx + tiltY * dy) *
        (1 - falloff * square * square) *
        (1 + 0.035 * (grain[at] as number));
      const shift = 0.07 * contrast * (hue[at] as number);
      canvas.red[at] = red * light;
      canvas.green[at] = green * light * (1 + shift);
      canvas.blue[at] = blue * light * (1 + 1.6 * shift);

      const toFoveaX = (x + 0.5 - fovea.x) / radius;
      const toFoveaY = (y + 0.5 - fovea.y) / radius;
      const foveal = toFoveaX * toFoveaX + toFoveaY * toFoveaY;
      if (tessellation > 0) {
        // Lattice noise near zero is a network of lines; away from the macula the choroid shines through it.
        const wide = Math.max(0, 1 - 3.2 * Math.abs(wideVessels[at] as number));
        const narrow = Math.max(0, 1 - 3.6 * Math.abs(narrowVessels[at] as number));
        const visible = foveal < 0.6 ? 1 - 0.8 * Math.exp(-foveal / 0.09) : 1;
        brighten(canvas, at, CHOROID, tessellation * visible * (0.75 * wide + 0.45 * narrow - 0.12));
      }
      // Beyond this the macula's pigment is thinner than one step of the sensor.
      if (foveal < 0.4) {
        const pigment = 0.42 * Math.exp(-foveal / 0.055) + 0.3 * Math.exp(-foveal / 0.008);
        absorb(canvas, at, MACULA, macula * pigment);
      }
      const toDiscX = (x + 0.5 - disc.x) / radius;
      const toDiscY = (y + 0.5 - disc.y) / radius;
      const papillary = toDiscX * toDiscX * 1.6 + toDiscY * toDiscY * 0.7;
      if (papillary < 0.5) {
        const fibre = latticeUniform(Math.round(Math.atan2(toDiscY, toDiscX) * 70), 0, seed + 6) - 0.5;
        brighten(canvas, at, NERVE_FIBRES, sheen * Math.exp(-papillary / 0.1) * (1 + 0.4 * fibre));
      }
    }
  }
  paintReflexes(canvas, anatomy, random);
  return canvas;
}

/** Light patches and dark spots that are no lesions and no target, so that colour alone decides nothing. */
function paintReflexes(canvas: Canvas, anatomy: FundusAnatomy, random: Random): void {
  const {centre, radius, width, height} = anatomy;
  if (random.chance(0.35)) {
    // A pale crescent at the edge, where the camera's light meets the iris.
    const direction = random.uniform(0, 2 * Math.PI);
    const strength = random.uniform(0.1, 0.35);
    const haze = {red: 0.85, green: 0.66, blue: 0.42};
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const dx = (x - centre.x) / radius;
        const dy = (y - centre.y) / radius;
        const distance = Math.sqrt(dx * dx + dy * dy);
        if (distance < 0.78 || distance > 1.03) {
          continue;
        }
        const along = (dx * Math.cos(direction) + dy * Math.sin(direction)) / distance;
        const depth = Math.max(0, (distance - 0.8) / 0.2) * Math.max(0, (along - 0.55) / 0.45);
        cover(canvas, y * width + x, haze, strength * Math.min(1, depth));
      }
    }
  }
}

import type {Random} from "@claps/core";
import type {BlobOptions} from "./blob.js";
import {absorb, brighten, cover} from "./canvas.js";
import type {LesionScene} from "./lesion-scene.js";

/** A number in the range, more often near its lower end, as sizes of lesions are. */
function skewed(random: Random, min: number, max: number): number {
  return min + (max - min) * random.uniform() ** 2;
}

function seedOf(random: Random): number {
  return random.integer(0x7fffffff);
}

/** Hard exudates: yellow, sharp, ragged; in clusters, rings or one plaque; below the vessels. */
export function paintHardExudates(scene: LesionScene, random: Random): void {
  const {radius, fovea} = scene.anatomy;
  const smallest = Math.max(1, 0.007 * radius);
  const groups = 1 + random.integer(5);
  const strength = random.uniform(0.45, 0.95);
  const yellow = {
    red: random.uniform(0.86, 1),
    green: random.uniform(0.7, 0.88),
    blue: random.uniform(0.3, 0.55),
  };
  const crumb = (x: number, y: number, size: number): void => {
    const minor = Math.max(smallest, size);
    const opacity = strength * random.uniform(0.55, 1);
    scene.stamp({
      target: "hard-exudate",
      blobs: [
        {
          x,
          y,
          minor,
          major: minor * random.uniform(1.1, 2.8),
          angle: random.uniform(0, Math.PI),
          roughness: random.uniform(0.8, 1.3),
          grain: minor * random.uniform(0.6, 1),
          seed: seedOf(random),
        },
      ],
      softness: 0.8,
      gap: 2,
      underVessels: true,
      paint: (at, alpha) => cover(scene.canvas, at, yellow, opacity * alpha),
    });
  };
  for (let group = 0; group < groups; group++) {
    const place = scene.somewhere(random, 0.12 * radius, {centre: fovea, spread: 0.34 * radius});
    const form = random.uniform();
    if (form < 0.5) {
      const spread = random.uniform(0.03, 0.09) * radius;
      for (let count = 4 + random.integer(22); count > 0; count--) {
        crumb(
          random.normal(place.x, spread),
          random.normal(place.y, spread),
          skewed(random, 0.006, 0.022) * radius,
        );
      }
    } else if (form < 0.75) {
      const ring = random.uniform(0.07, 0.17) * radius;
      const open = random.uniform(0, 2.5);
      const from = random.uniform(0, 2 * Math.PI);
      for (let count = 12 + random.integer(20); count > 0; count--) {
        const angle = from + random.uniform(0, 2 * Math.PI - open);
        const distance = ring * random.uniform(0.86, 1.14);
        crumb(
          place.x + distance * Math.cos(angle),
          place.y + 0.85 * distance * Math.sin(angle),
          skewed(random, 0.006, 0.02) * radius,
        );
      }
    } else {
      const size = random.uniform(0.025, 0.055) * radius;
      for (let count = 2 + random.integer(4); count > 0; count--) {
        crumb(
          random.normal(place.x, 1.2 * size),
          random.normal(place.y, 1.2 * size),
          size * random.uniform(0.5, 1),
        );
      }
      for (let count = random.integer(14); count > 0; count--) {
        crumb(
          random.normal(place.x, 3 * size),
          random.normal(place.y, 3 * size),
          skewed(random, 0.006, 0.016) * radius,
        );
      }
    }
  }
}

/** Soft exudates: pale, woolly, without a sharp edge; near the disc and the arcades, above the vessels. */
export function paintSoftExudates(scene: LesionScene, random: Random): void {
  const {radius, disc} = scene.anatomy;
  for (let count = 1 + random.integer(4); count > 0; count--) {
    const place = scene.somewhere(random, 0.12 * radius, {centre: disc, spread: 0.5 * radius});
    const minor = random.uniform(0.022, 0.042) * radius;
    // The nerve fibres run out of the disc; a spot swells across or along them.
    const along = Math.atan2(place.y - disc.y, place.x - disc.x) + random.normal(0, 0.5);
    // Most are bent: a chain of parts along an arc.
    const blobs: BlobOptions[] = [];
    const parts = 3 + random.integer(3);
    const bend = random.uniform(0.2, 0.9) * (random.chance(0.5) ? 1 : -1);
    let heading = along;
    let {x, y} = place;
    for (let part = 0; part < parts; part++) {
      blobs.push({
        x,
        y,
        minor: minor * random.uniform(0.35, 0.72),
        major: minor * random.uniform(0.9, 1.8),
        angle: heading,
        roughness: random.uniform(0.5, 0.95),
        grain: minor * random.uniform(0.45, 0.8),
        seed: seedOf(random),
      });
      heading += bend + random.normal(0, 0.3);
      x += 1.3 * minor * Math.cos(heading);
      y += 1.3 * minor * Math.sin(heading);
    }
    const wool = {
      red: random.uniform(0.88, 1),
      green: random.uniform(0.74, 0.88),
      blue: random.uniform(0.5, 0.7),
    };
    const opacity = random.uniform(0.4, 0.8);
    const softness = minor * random.uniform(0.4, 0.75);
    scene.stamp({
      target: "soft-exudate",
      blobs,
      softness,
      gap: softness + 2,
      paint: (at, alpha) => cover(scene.canvas, at, wool, opacity * alpha),
    });
  }
}

/** Haemorrhages: dots, blots and flames in the colours of the vessels. */
export function paintHaemorrhages(scene: LesionScene, random: Random): void {
  const {radius, disc} = scene.anatomy;
  for (let count = 2 + random.integer(11); count > 0; count--) {
    const form = random.uniform();
    const place = scene.somewhere(
      random,
      0.06 * radius,
      form >= 0.5 ? {centre: disc, spread: 0.5 * radius} : undefined,
    );
    const blobs: BlobOptions[] = [];
    if (form < 0.17) {
      const minor = Math.max(2.2, random.uniform(0.018, 0.028) * radius);
      const angle = random.uniform(0, Math.PI);
      const major = minor * random.uniform(1.1, 1.9);
      blobs.push({...place, minor, major, angle, roughness: 0.7, grain: 0.8 * minor, seed: seedOf(random)});
    } else if (form < 0.5) {
      const size = Math.max(3, skewed(random, 0.028, 0.065) * radius);
      for (let part = 3 + random.integer(3); part > 0; part--) {
        blobs.push({
          x: place.x + random.normal(0, 0.9 * size),
          y: place.y + random.normal(0, 0.9 * size),
          minor: size * random.uniform(0.3, 0.55),
          major: size * random.uniform(0.8, 1.6),
          angle: random.uniform(0, Math.PI),
          roughness: random.uniform(0.6, 1.05),
          grain: size * random.uniform(0.35, 0.65),
          seed: seedOf(random),
        });
      }
    } else {
      const angle = Math.atan2(place.y - disc.y, place.x - disc.x) + random.normal(0, 0.2);
      const minor = Math.max(1.6, skewed(random, 0.012, 0.026) * radius);
      const length = minor * random.uniform(2.8, 5);
      for (let part = 1 + random.integer(3); part > 0; part--) {
        const shift = random.normal(0, 0.9 * minor);
        blobs.push({
          x: place.x - shift * Math.sin(angle) + random.normal(0, minor),
          y: place.y + shift * Math.cos(angle) + random.normal(0, minor),
          minor: minor * random.uniform(0.6, 1),
          major: length * random.uniform(0.6, 1),
          angle,
          roughness: random.uniform(0.6, 1),
          grain: minor * 0.7,
          feather: 5,
          seed: seedOf(random),
        });
      }
    }
    const blood = {
      red: random.uniform(0.64, 0.86),
      green: random.uniform(0.4, 0.56),
      blue: random.uniform(0.45, 0.62),
    };
    const density = random.uniform(0.6, 1);
    const softness = Math.max(0.8, random.uniform(0.006, 0.014) * radius);
    scene.stamp({
      target: "haemorrhage",
      blobs,
      softness,
      gap: 3,
      paint: (at, alpha) => absorb(scene.canvas, at, blood, density * alpha),
    });
  }
}

/** Microaneurysms: tiny round red dots, mostly near the macula. */
export function paintMicroaneurysms(scene: LesionScene, random: Random): void {
  const {radius, fovea} = scene.anatomy;
  const groups = 1 + random.integer(4);
  const centres = Array.from({length: groups}, () =>
    scene.somewhere(random, 0.15 * radius, {centre: fovea, spread: 0.4 * radius}),
  );
  for (let count = 3 + random.integer(22); count > 0; count--) {
    const place = scene.somewhere(
      random,
      0.05 * radius,
      random.chance(0.75) ? {centre: random.choice(centres), spread: 0.13 * radius} : undefined,
    );
    const minor = Math.max(1.15, random.uniform(0.0075, 0.0125) * radius);
    const blood = {
      red: random.uniform(0.74, 0.92),
      green: random.uniform(0.42, 0.56),
      blue: random.uniform(0.48, 0.62),
    };
    const density = random.uniform(0.6, 1);
    const blobs: BlobOptions[] = [
      {
        ...place,
        minor,
        major: minor * random.uniform(1, 1.5),
        angle: random.uniform(0, Math.PI),
        roughness: 0.4,
        seed: seedOf(random),
      },
    ];
    if (random.chance(0.6)) {
      // Many are pouches beside their capillary: a second, smaller bulge.
      const side = random.uniform(0, 2 * Math.PI);
      const bulge = minor * random.uniform(0.55, 0.85);
      const away = 1.35 * minor;
      const x = place.x + away * Math.cos(side);
      const y = place.y + away * Math.sin(side);
      blobs.push({x, y, minor: bulge, major: bulge * random.uniform(1, 1.6), angle: side, seed: 0});
    }
    scene.stamp({
      target: "microaneurysm",
      blobs,
      softness: 0.8,
      gap: 2.5,
      paint: (at, alpha) => absorb(scene.canvas, at, blood, density * alpha),
    });
  }
}

/** Drusen-like spots, pigment, streaks of reflected light: look-alikes that belong to no target. */
export function paintLookAlikes(scene: LesionScene, random: Random): void {
  const {radius, fovea, disc} = scene.anatomy;
  const {canvas} = scene;
  if (random.chance(0.35)) {
    const dull = {
      red: random.uniform(0.85, 0.96),
      green: random.uniform(0.66, 0.8),
      blue: random.uniform(0.32, 0.5),
    };
    for (let count = 6 + random.integer(26); count > 0; count--) {
      const place = scene.somewhere(random, 0.1 * radius, {centre: fovea, spread: 0.22 * radius});
      const size = Math.max(1.2, random.uniform(0.008, 0.02) * radius);
      const opacity = random.uniform(0.15, 0.42);
      scene.stamp({
        blobs: [{...place, minor: size, major: size * random.uniform(1, 1.15), seed: 0}],
        softness: Math.max(1, 0.8 * size),
        gap: 2,
        underVessels: true,
        paint: (at, alpha) => cover(canvas, at, dull, opacity * alpha),
      });
    }
  }
  if (random.chance(0.45)) {
    const pigment = {
      red: random.uniform(0.6, 0.75),
      green: random.uniform(0.5, 0.64),
      blue: random.uniform(0.5, 0.7),
    };
    for (let count = 1 + random.integer(6); count > 0; count--) {
      const size = Math.max(1.5, skewed(random, 0.01, 0.05) * radius);
      const density = random.uniform(0.4, 0.95);
      scene.stamp({
        blobs: [
          {
            ...scene.somewhere(random, 0.05 * radius),
            minor: size,
            major: size * random.uniform(1, 1.5),
            angle: random.uniform(0, Math.PI),
            roughness: 0.25,
            seed: seedOf(random),
          },
        ],
        softness: Math.max(1, 0.6 * size),
        gap: 3,
        underVessels: true,
        paint: (at, alpha) => absorb(canvas, at, pigment, density * alpha),
      });
    }
  }
  if (random.chance(0.4)) {
    const silver = {red: 0.5, green: 0.55, blue: 0.5};
    for (let count = 2 + random.integer(8); count > 0; count--) {
      const place = scene.somewhere(random, 0.08 * radius, {centre: disc, spread: 0.55 * radius});
      const minor = Math.max(1.2, random.uniform(0.008, 0.022) * radius);
      const light = random.uniform(0.12, 0.4);
      scene.stamp({
        blobs: [
          {
            ...place,
            minor,
            major: minor * random.uniform(2.5, 6),
            angle: Math.atan2(place.y - disc.y, place.x - disc.x) + random.normal(0, 0.3),
            seed: 0,
          },
        ],
        softness: minor,
        gap: 2,
        paint: (at, alpha) => brighten(canvas, at, silver, light * alpha),
      });
    }
  }
  if (random.chance(0.4)) {
    const size = Math.max(1, 0.008 * radius);
    scene.stamp({
      blobs: [{...fovea, minor: size, major: size * 1.4, seed: 0}],
      softness: size,
      gap: 0,
      paint: (at, alpha) => brighten(canvas, at, {red: 0.4, green: 0.4, blue: 0.3}, 0.6 * alpha),
    });
  }
}

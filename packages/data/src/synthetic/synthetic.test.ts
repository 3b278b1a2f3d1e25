import {createRandom} from "@claps/core";
import type {Mask} from "@claps/image";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {drawBlobs} from "./blob.js";
import {absorb, brighten, cover, createCanvas, ramp} from "./canvas.js";
import {GENERATOR_VERSION} from "./generator-version.js";
import {latticeUniform, smoothNoise, smoothNoiseAt} from "./smooth-noise.js";
import {synthesizeBscan} from "./synthesize-bscan.js";
import {synthesizeFundus} from "./synthesize-fundus.js";

const values = (mask: Mask | undefined): Uint8Array => {
  assert.ok(mask);
  return mask.pixels.data;
};
const count = (mask: Mask | undefined): number => values(mask).reduce((sum, value) => sum + value, 0);
/** Areas in px that version 1 gives; recorded from it. */
const PINNED_AREAS = [
  "optic-disc 221",
  "optic-cup 73",
  "retinal-blood-vessel 1599",
  "microaneurysm 0",
  "haemorrhage 120",
  "hard-exudate 70",
  "soft-exudate 96",
  "intraretinal-fluid 248",
  "subretinal-fluid 34",
  "pigment-epithelial-detachment 0",
  "macular-hole 0",
];
const LESIONS = ["microaneurysm", "haemorrhage", "hard-exudate", "soft-exudate"];

test("noise: lattice values at lattice points, symmetric mean between them, range -1 to 1", () => {
  const left = 2 * latticeUniform(3, 5, 9) - 1;
  const right = 2 * latticeUniform(4, 5, 9) - 1;
  assert.ok(Math.abs(smoothNoiseAt(3, 5, 9) - left) < 1e-12);
  // The cubic ease is one half in the middle.
  assert.ok(Math.abs(smoothNoiseAt(3.5, 5, 9) - (left + right) / 2) < 1e-12);
  const field = smoothNoise({height: 40, width: 50}, {cell: 20, seed: 2});
  assert.is(field.length, 2000);
  assert.ok(field.every((value) => value >= -1 && value <= 1));
  // With a cell of 20 px the pixel (20, 40) is the lattice point (2, 1).
  assert.ok(Math.abs((field[20 * 50 + 40] as number) - (2 * latticeUniform(2, 1, 2) - 1)) < 0.05);
});

test("canvas: cover mixes, absorb takes away, brighten adds, ramp is one half in the middle", () => {
  const canvas = createCanvas({height: 1, width: 1});
  cover(canvas, 0, {red: 1, green: 0.5, blue: 0}, 0.5);
  assert.equal([canvas.red[0], canvas.green[0], canvas.blue[0]], [0.5, 0.25, 0]);
  absorb(canvas, 0, {red: 0.5, green: 0, blue: 1}, 0.5);
  assert.equal([canvas.red[0], canvas.green[0], canvas.blue[0]], [0.375, 0.125, 0]);
  brighten(canvas, 0, {red: 1, green: 1, blue: 1}, 0.125);
  assert.equal([canvas.red[0], canvas.green[0], canvas.blue[0]], [0.5, 0.25, 0.125]);
  assert.equal([ramp(0, 2, -1), ramp(0, 2, 1), ramp(0, 2, 3), ramp(2, 0, 3)], [0, 0.5, 1, 0]);
});

test("blob: a circle of radius 10 covers 100 pi pixels, its edge has distance 0", () => {
  const patch = drawBlobs({height: 40, width: 40}, [{x: 20, y: 20, major: 10, minor: 10, seed: 1}], 2);
  const inside = patch.distance.reduce((sum, value) => sum + (value < 0 ? 1 : 0), 0);
  assert.ok(Math.abs(inside - 100 * Math.PI) < 8, `${inside}`);
  // Pixel (20, 30) has its centre half a px below and 10.5 px right of the centre.
  const at = (20 - patch.top) * patch.width + 30 - patch.left;
  assert.ok(Math.abs((patch.distance[at] as number) - (Math.hypot(0.5, 10.5) - 10)) < 1e-5);
});

test("blob: an ellipse turned by a right angle swaps its axes; outside of the picture nothing is drawn", () => {
  const size = {height: 30, width: 30};
  const upright = drawBlobs(size, [{x: 15, y: 15, major: 9, minor: 3, angle: Math.PI / 2, seed: 1}], 1);
  const inside = (x: number, y: number): boolean =>
    (upright.distance[(y - upright.top) * upright.width + x - upright.left] as number) < 0;
  assert.ok(inside(15, 22) && !inside(22, 15));
  const outside = drawBlobs(size, [{x: -50, y: -50, major: 3, minor: 3, seed: 1}], 1);
  assert.is(outside.distance.length, 0);
});

test("fundus: the same seed gives the same bytes, another one another picture", () => {
  const draw = (seed: number): ReturnType<typeof synthesizeFundus> =>
    synthesizeFundus({height: 96, width: 120, random: createRandom(seed)});
  const first = draw(3);
  const again = draw(3);
  assert.is(first.image.channels, 3);
  assert.equal(first.image.pixels.data, again.image.pixels.data);
  for (const [target, mask] of first.masks) {
    assert.equal(mask.pixels.data, values(again.masks.get(target)), target);
  }
  assert.not.equal(first.image.pixels.data, draw(4).image.pixels.data);
});

test("fundus: cup inside disc, lesions apart from each other and from the disc, all inside the field", () => {
  const seen = new Map<string, number>();
  for (let seed = 0; seed < 12; seed++) {
    const {masks, fieldOfView} = synthesizeFundus({height: 160, width: 160, random: createRandom(seed)});
    const disc = values(masks.get("optic-disc"));
    const cup = values(masks.get("optic-cup"));
    assert.ok(cup.every((value, at) => value <= (disc[at] as number)));
    assert.ok(count(masks.get("optic-cup")) > 20 && count(masks.get("optic-disc")) > 200);
    assert.ok(count(masks.get("retinal-blood-vessel")) > 400);
    for (const [target, mask] of masks) {
      assert.ok(
        values(mask).every((value, at) => value <= (values(fieldOfView)[at] as number)),
        target,
      );
      seen.set(target, (seen.get(target) ?? 0) + (count(mask) > 0 ? 1 : 0));
    }
    const owners = LESIONS.map((target) => values(masks.get(target)));
    for (let at = 0; at < disc.length; at++) {
      const owned = owners.reduce((sum, mask) => sum + (mask[at] as number), disc[at] as number);
      assert.ok(owned <= 1, `pixel ${at} of seed ${seed}`);
    }
  }
  for (const target of LESIONS) {
    const pictures = seen.get(target) as number;
    assert.ok(pictures > 0 && pictures < 12, `${target}: in ${pictures} of 12`);
  }
});

test("fundus: black outside of the field, red dominates inside, the disc is brighter than the rest", () => {
  const {image, fieldOfView, masks} = synthesizeFundus({height: 200, width: 200, random: createRandom(8)});
  const sums = {outside: 0, red: 0, green: 0, blue: 0, disc: 0, nOutside: 0, nInside: 0, nDisc: 0};
  const data = image.pixels.data;
  values(fieldOfView).forEach((inside, at) => {
    const [red, green, blue] = [data[3 * at], data[3 * at + 1], data[3 * at + 2]] as [number, number, number];
    if (inside === 0) {
      sums.outside += green;
      sums.nOutside++;
      return;
    }
    sums.red += red;
    sums.green += green;
    sums.blue += blue;
    sums.nInside++;
    if (values(masks.get("optic-disc"))[at] === 1) {
      sums.disc += green;
      sums.nDisc++;
    }
  });
  assert.ok(sums.outside / sums.nOutside < 10);
  assert.ok(sums.red > 1.3 * sums.green && sums.green > 1.2 * sums.blue);
  assert.ok(sums.disc / sums.nDisc > 1.3 * (sums.green / sums.nInside));
});

test("fundus: a rate of 0 gives a healthy eye; a wide field is cut by the picture", () => {
  const healthy = synthesizeFundus({height: 128, width: 128, random: createRandom(5), lesionRate: 0});
  assert.ok(LESIONS.every((target) => count(healthy.masks.get(target)) === 0));
  const cut = synthesizeFundus({height: 100, width: 150, random: createRandom(5), fieldDiameter: 1.2});
  const field = values(cut.fieldOfView);
  assert.is(field[75], 1);
  assert.is(field[0], 0);
});

test("fundus and B-scan: a side below 64 px is refused by name", () => {
  const random = createRandom(1);
  assert.throws(() => synthesizeFundus({height: 63, width: 100, random}), /synthesizeFundus: height/);
  assert.throws(() => synthesizeBscan({height: 100, width: 5000, random}), /synthesizeBscan: width/);
});

test("B-scan: deterministic, grey, fluids apart, each present in some pictures and absent in others", () => {
  const seen = new Map<string, number>();
  for (let seed = 0; seed < 16; seed++) {
    const options = {height: 128, width: 160};
    const {image, masks} = synthesizeBscan({...options, random: createRandom(seed)});
    assert.is(image.channels, 1);
    if (seed === 0) {
      const again = synthesizeBscan({...options, random: createRandom(0)});
      assert.equal(again.image.pixels.data, image.pixels.data);
    }
    const owners = [...masks.values()].map((mask) => values(mask));
    for (let at = 0; at < 128 * 160; at++) {
      assert.ok(
        owners.reduce((sum, mask) => sum + (mask[at] as number), 0) <= 1,
        `pixel ${at} of seed ${seed}`,
      );
    }
    for (const [target, mask] of masks) {
      seen.set(target, (seen.get(target) ?? 0) + (count(mask) > 0 ? 1 : 0));
    }
  }
  for (const target of ["intraretinal-fluid", "subretinal-fluid", "pigment-epithelial-detachment"]) {
    const pictures = seen.get(target) as number;
    assert.ok(pictures > 2 && pictures < 14, `${target}: in ${pictures} of 16`);
  }
});

test("B-scan: fluid is dark, the layers around it are not", () => {
  let fluid = 0;
  let pixels = 0;
  for (let seed = 0; seed < 8; seed++) {
    const {image, masks} = synthesizeBscan({height: 128, width: 160, random: createRandom(seed)});
    values(masks.get("subretinal-fluid")).forEach((inside, at) => {
      if (inside === 1) {
        fluid += image.pixels.data[at] as number;
        pixels++;
      }
    });
  }
  assert.ok(pixels > 100);
  assert.ok(fluid / pixels < 60, `${fluid / pixels}`);
});

test("a change of the pictures must raise the generator's version", () => {
  assert.is(GENERATOR_VERSION, 1);
  const fundus = synthesizeFundus({height: 128, width: 128, random: createRandom("pinned")});
  const bscan = synthesizeBscan({height: 128, width: 128, random: createRandom("pinned")});
  const areas = [...fundus.masks, ...bscan.masks].map(([target, mask]) => `${target} ${count(mask)}`);
  assert.equal(areas, PINNED_AREAS);
});

test.run();

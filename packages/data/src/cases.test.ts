import {createRandom} from "@claps/core";
import type {Random} from "@claps/core";
import {createImage, createMask} from "@claps/image";
import {cfp} from "@claps/modalities";
import type {Augmentations, Modality} from "@claps/modalities";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {augment} from "./augment.js";
import type {LoadedCase} from "./case.js";
import {halfOf} from "./half-of.js";

const STILL: Augmentations = {
  flipHorizontal: false,
  flipVertical: false,
  rotate: 0,
  scale: 0,
  brightness: 0,
  contrast: 0,
  saturation: 0,
  noise: 0,
};

function modality(augmentations: Partial<Augmentations>): Modality {
  return {...cfp, augmentations: {...STILL, ...augmentations}};
}

/** A picture whose green channel is 200 inside the mask and 100 outside. */
function makeCase(rows: readonly string[], augmentations: Partial<Augmentations> = {}): LoadedCase {
  const height = rows.length;
  const width = (rows[0] as string).length;
  const mask = Uint8Array.from(rows.join(""), (letter) => (letter === "#" ? 1 : 0));
  const data = new Uint8Array(height * width * 3).fill(100);
  mask.forEach((value, at) => {
    data[3 * at + 1] = value === 1 ? 200 : 100;
  });
  return {
    id: "a",
    dataset: "made-up",
    modality: modality(augmentations),
    image: createImage({data, height, width}),
    labels: new Map([
      ["hard-exudate", {state: "positive", mask: createMask({data: mask, height, width})}],
      ["optic-disc", {state: "unlabelled"}],
    ]),
  };
}

function rowsOf(loaded: LoadedCase): string[] {
  const mask = loaded.labels.get("hard-exudate")?.mask;
  assert.ok(mask);
  const text = [...mask.pixels.data].map((value) => (value === 1 ? "#" : ".")).join("");
  return Array.from({length: mask.height}, (_, row) => text.slice(row * mask.width, (row + 1) * mask.width));
}

function greenRows(loaded: LoadedCase): string[] {
  const {height, width, pixels} = loaded.image;
  return Array.from({length: height}, (_, row) =>
    Array.from({length: width}, (__, column) =>
      (pixels.data[3 * (row * width + column) + 1] as number) > 150 ? "#" : ".",
    ).join(""),
  );
}

const SHAPE = ["#...", "##..", "...."];

test("halves of an odd width leave the middle column to neither", () => {
  const image = createImage({data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), height: 2, width: 5});
  assert.equal([...halfOf(image, "left").pixels.data], [1, 2, 6, 7]);
  assert.equal([...halfOf(image, "right").pixels.data], [4, 5, 9, 10]);
});

test("augment: nothing allowed changes nothing, and leaves the case alone", () => {
  const original = makeCase(SHAPE);
  const before = [...original.image.pixels.data];
  const result = augment(original, createRandom(1));
  assert.equal([...result.image.pixels.data], before);
  assert.equal(rowsOf(result), SHAPE);
  assert.is(result.labels.get("optic-disc")?.state, "unlabelled");
  augment(makeCase(SHAPE, {brightness: 0.5, noise: 0.1}), createRandom(1));
  assert.equal([...original.image.pixels.data], before);
});

test("augment: flips mirror picture and mask together, in about half of the draws", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 30; seed++) {
    const result = augment(makeCase(SHAPE, {flipHorizontal: true, flipVertical: true}), createRandom(seed));
    assert.equal(greenRows(result), rowsOf(result));
    seen.add(rowsOf(result).join("/"));
  }
  const four = ["#.../##../....", "...#/..##/....", "..../##../#...", "..../..##/...#"];
  assert.equal([...seen].sort(), four.sort());
});

test("augment: rotation turns about the centre, by at most the angle allowed", () => {
  const side = 41;
  const rows = Array.from({length: side}, (_, y) =>
    Array.from({length: side}, (__, x) => (y === 20 && x > 20 && x < 36 ? "#" : ".")).join(""),
  );
  let largest = 0;
  for (let seed = 0; seed < 20; seed++) {
    const turned = augment(makeCase(rows, {rotate: 30}), createRandom(seed));
    rowsOf(turned).forEach((row, y) => {
      [...row].forEach((letter, x) => {
        if (letter === "#" && Math.hypot(x - 20, y - 20) > 10) {
          largest = Math.max(largest, Math.abs(Math.atan2(y - 20, x - 20)));
        }
      });
    });
  }
  const degrees = (largest * 180) / Math.PI;
  assert.ok(degrees > 15 && degrees < 36, `${degrees}`);
});

test("augment: light moves inside the limits and never on black", () => {
  const original = makeCase(SHAPE);
  const black = {...original, image: createImage({data: new Uint8Array(36), height: 3, width: 4})};
  for (let seed = 0; seed < 10; seed++) {
    const bright: LoadedCase = {...original, modality: modality({brightness: 0.2})};
    const result = augment(bright, createRandom(seed));
    const shift = (result.image.pixels.data[0] as number) - 100;
    assert.ok(Math.abs(shift) <= 51, `${shift}`);
    const still = augment({...black, modality: modality({brightness: 0.2})}, createRandom(seed));
    assert.ok(still.image.pixels.data.every((value) => value === 0));
  }
});

test("augment: a random crop has the size asked, the same draw the same result", () => {
  const rows = Array.from({length: 20}, (_, y) => (y % 2 === 0 ? "#.".repeat(10) : ".#".repeat(10)));
  const draw = (random: Random): LoadedCase =>
    augment(makeCase(rows, {flipHorizontal: true}), random, {crop: {height: 6, width: 8}});
  const first = draw(createRandom("crop"));
  assert.equal([first.image.height, first.image.width], [6, 8]);
  assert.equal(first.image.pixels.data, draw(createRandom("crop")).image.pixels.data);
  assert.ok(first.fieldOfView?.pixels.data.every((value) => value === 1));
});

test.run();

import {createRandom} from "@claps/core";
import {createImage} from "@claps/image";
import type {Image} from "@claps/image";
import {cfp, oct} from "@claps/modalities";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {findings} from "../findings/findings.js";
import {syntheticCase, syntheticFundus} from "../synthetic/synthetic-picture.js";
import {disguise, drawTint, tintImage, turnGrey} from "./colour-changes.js";
import {labelPicture, labelsIn} from "./labelled-picture.js";
import type {LabelledPicture} from "./labelled-picture.js";
import {varyPicture} from "./vary-picture.js";
import type {PictureVariation} from "./vary-picture.js";

const STILL: PictureVariation = {geometry: 0, light: 0, grey: 0, tint: 0};

/** One white pixel in the upper left corner of 2 x 3 px. */
function corner(change: Partial<LabelledPicture> = {}): LabelledPicture {
  const data = new Uint8Array(18).fill(20);
  data.fill(250, 0, 3);
  return {
    id: "p",
    source: "made up",
    modality: cfp,
    image: createImage({data, height: 2, width: 3}),
    labels: new Map([
      ["cfp/disc-left", "positive"],
      ["cfp/disc-right", "negative"],
      ["cfp/normal", "positive"],
    ]),
    ...change,
  };
}

/** Where the white pixel is. */
function whiteAt({pixels: {data}, width}: Image): string {
  const at = Array.from({length: data.length / 3}, (_, index) => data[3 * index] as number).indexOf(250);
  return `${Math.floor(at / width)},${at % width}`;
}

test("a mirror swaps the sides of the disc with the pixels, and nothing else", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const {labels, relabel, image} = varyPicture(corner(), createRandom(seed), {findings, variation: STILL});
    const place = whiteAt(image());
    seen.add(place);
    const isMirrored = place.endsWith(",2");
    assert.equal(labelsIn({labels}, "positive"), [
      isMirrored ? "cfp/disc-right" : "cfp/disc-left",
      "cfp/normal",
    ]);
    assert.equal(labelsIn({labels}, "negative"), [isMirrored ? "cfp/disc-left" : "cfp/disc-right"]);
    assert.is(relabel("cfp/disc-left"), isMirrored ? "cfp/disc-right" : "cfp/disc-left");
    assert.is(relabel("cfp/normal"), "cfp/normal");
  }
  assert.equal([...seen].sort(), ["0,0", "0,2", "1,0", "1,2"]);
});

test("never mirrored: with a sentence of its own, without the switch, upside down where the modality forbids it", () => {
  const places = (picture: LabelledPicture, variation: PictureVariation): Set<string> =>
    new Set(
      Array.from({length: 30}, (_, seed) =>
        whiteAt(varyPicture(picture, createRandom(seed), {findings, variation}).image()),
      ),
    );
  assert.equal([...places(corner({caption: "disc on the left"}), STILL)], ["0,0"]);
  assert.equal([...places(corner(), {...STILL, mirror: false})], ["0,0"]);
  assert.equal([...places(corner({modality: oct}), STILL)].sort(), ["0,0", "0,2"]);
});

test("the same source gives the same picture, and the original stays as it is", () => {
  const original = corner();
  const before = original.image.pixels.data.slice();
  const draw = (seed: number): Uint8Array =>
    varyPicture(original, createRandom(seed), {findings, variation: {}}).image().pixels.data as Uint8Array;
  assert.equal(draw(4), draw(4));
  assert.not.equal(draw(4), draw(5));
  assert.equal(original.image.pixels.data, before);
  assert.equal(labelsIn(original, "positive"), ["cfp/disc-left", "cfp/normal"]);
});

test("colour: luma in all channels, tint as factors, a drawn tint never brightens", () => {
  const image = createImage({data: Uint8Array.of(100, 50, 200, 10, 10, 10), height: 1, width: 2});
  // 0.299 * 100 + 0.587 * 50 + 0.114 * 200 = 82.05
  assert.equal([...turnGrey(image).pixels.data], [82, 82, 82, 10, 10, 10]);
  assert.equal([...tintImage(image, [1, 0.5, 0.25]).pixels.data], [100, 25, 50, 10, 5, 3]);
  for (let seed = 0; seed < 20; seed++) {
    const tint = drawTint(createRandom(seed));
    assert.is(Math.max(...tint), 1);
    assert.ok(Math.min(...tint) >= 0.35);
  }
});

test("colour is taken away and changed as often as the plan says", () => {
  const data = Uint8Array.of(200, 100, 50);
  const picture = corner({image: createImage({data, height: 1, width: 1})});
  const share = (variation: PictureVariation, holds: (rgb: number[]) => boolean): number => {
    const drawn = Array.from({length: 400}, (_, seed) => {
      const varied = varyPicture(picture, createRandom(seed), {
        findings,
        variation: {...STILL, ...variation},
      });
      return [...varied.image().pixels.data];
    });
    return drawn.filter(holds).length / 400;
  };
  const isGrey = ([r, g, b]: number[]): boolean => r === g && g === b;
  const isSame = (rgb: number[]): boolean => rgb.join() === "200,100,50";
  assert.is(share({}, isSame), 1);
  assert.ok(Math.abs(share({grey: 0.3}, isGrey) - 0.3) < 0.08);
  assert.ok(Math.abs(share({tint: 0.4}, isSame) - 0.6) < 0.08);
  assert.is(share({grey: 1}, isGrey), 1);
});

test("disguise: what has colours loses them, what has none gets an orange", () => {
  const image = createImage({data: Uint8Array.of(200, 200, 200), height: 1, width: 1});
  assert.equal([...disguise(image, oct).pixels.data], [200, 110, 60]);
  const coloured = createImage({data: Uint8Array.of(200, 100, 50), height: 1, width: 1});
  assert.equal([...disguise(coloured, cfp).pixels.data], [124, 124, 124]);
});

test("a case becomes a small picture; its findings are read off at full size", () => {
  const loaded = syntheticCase(syntheticFundus, {size: 96, index: 0, random: createRandom("case")});
  const picture = labelPicture(loaded, {findings, shorterSide: 32});
  assert.equal([picture.image.height, picture.image.width, picture.image.channels], [32, 32, 3]);
  assert.equal(picture.labels, labelPicture(loaded, {findings}).labels);
  assert.is(picture.labels.size, 13);
  assert.equal(labelPicture(loaded, {findings}).image.pixels.data, loaded.image.pixels.data);
});

test.run();

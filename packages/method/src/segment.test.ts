import {ConfigError, countTensors, createRandom} from "@claps/core";
import {createImage} from "@claps/image";
import {startTestEngine} from "@claps/layers/testing";
import {cfp} from "@claps/modalities";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {clapsMicro, noisePicture} from "./claps-micro.twin.js";
import {createClaps} from "./model.js";
import {predictLogits} from "./predict-logits.js";
import {segment} from "./segment.js";
import type {SegmentRequest} from "./segment.js";
import type {Segmentation} from "./segmentation.js";

await startTestEngine();
const claps = createClaps(clapsMicro, {random: createRandom(3)});
test.after(() => claps.dispose());

/** 8-bit, not square, and larger than the model's picture. */
const picture = createImage({
  data: Uint8Array.from({length: 70 * 90 * 3}, (_, index) => (index * 37) % 256),
  height: 70,
  width: 90,
  id: "eye",
});

/** The record without its masks and without what a clock says. */
function plain({seconds, ...record}: Segmentation): unknown {
  assert.ok(seconds >= 0);
  return {
    ...record,
    targets: record.targets.map(({mask, ...rest}) => ({...rest, mask: [mask.height, mask.width]})),
  };
}

test("a record of fixed shape, also when nothing is found", async () => {
  claps.threshold = 1 - 1e-9;
  const result = await segment(claps, picture, {modality: cfp, targets: ["disc", "hard exudates"]});
  claps.threshold = 0.5;
  const scores = result.targets.map((found) => found.scores[0] as number);
  assert.ok(scores.every((score) => score >= 0 && score <= 1));
  const nothing = {
    boxes: [[0, 0, 90, 70]],
    boxSource: "whole field",
    verdict: "absent",
    area: 0,
    mask: [70, 90],
  };
  assert.equal(plain(result), {
    image: {id: "eye", height: 70, width: 90},
    modality: "cfp",
    targets: [
      {
        index: 0,
        target: "optic-disc",
        phrase: "fundus photograph: optic disc",
        scores: [scores[0]],
        ...nothing,
      },
      {
        index: 1,
        target: "hard-exudate",
        phrase: "fundus photograph: hard exudate",
        scores: [scores[1]],
        ...nothing,
      },
    ],
    engine: result.engine,
    notice: "Research software, not a medical device. Not for diagnosis.",
  });
  assert.ok(result.targets.every(({mask}) => !mask.pixels.data.includes(1)));
});

test("something found has the same keys, and its area is what the mask holds", async () => {
  claps.threshold = 1e-9;
  const [found] = (await segment(claps, picture, {modality: cfp, targets: ["disc"]})).targets;
  claps.threshold = 0.5;
  assert.is(found?.area, 70 * 90);
  assert.is.not(found?.verdict, "absent");
  assert.is(found?.mask.pixels.data.filter((value) => value === 1).length, found?.area);
});

test("two boxes: one mask, one score per box, a px belongs to it if either box says so", async () => {
  const boxes = [
    [0, 0, 30, 30],
    [40, 20, 90, 70],
  ] as const;
  const ask = async (some: SegmentRequest["boxes"]): Promise<Segmentation["targets"][number]> =>
    (await segment(claps, picture, {modality: cfp, targets: ["vessel"], boxes: some})).targets[0]!;
  const both = await ask(boxes);
  const [first, second] = [await ask([boxes[0]]), await ask([boxes[1]])];
  assert.is(both.boxSource, "given");
  assert.is(both.scores.length, 2);
  const union = first.mask.pixels.data.map((value, px) => Math.max(value, second.mask.pixels.data[px] ?? 0));
  const differing = union.filter((value, px) => value !== both.mask.pixels.data[px]).length;
  // Two prompts in one graph may round otherwise than one; on the border of a mask that may show.
  assert.ok(differing <= 0.001 * union.length, `${differing} px differ`);
});

test("the same question twice gives the same bytes", async () => {
  const ask = (): Promise<Segmentation> =>
    segment(claps, picture, {modality: cfp, targets: ["disc", "vessel"]});
  const [first, second] = [await ask(), await ask()];
  assert.equal(plain(first), plain(second));
  assert.equal(
    first.targets.map(({mask}) => mask.pixels.data),
    second.targets.map(({mask}) => mask.pixels.data),
  );
});

const wrong: readonly [string, Partial<SegmentRequest>, RegExp][] = [
  ["a box outside", {boxes: [[0, 0, 91, 70]]}, /inside the picture of 90 x 70 px, got \[0, 0, 91, 70\]/],
  ["a box inside out", {boxes: [[20, 0, 10, 70]]}, /expected x0 < x1/],
  ["a box of NaN", {boxes: [[NaN, 0, 10, 70]]}, /boxes: expected/],
  ["no target", {targets: []}, /expected at least one, got none\. Known: optic disc/],
  ["no box", {boxes: []}, /boxes: expected at least one/],
  ["an unknown target", {targets: ["optic disk edge"]}, /unknown target|Unknown target/],
];
for (const [what, request, message] of wrong) {
  test(`${what} is a ConfigError`, async () => {
    const error = await segment(claps, picture, {modality: cfp, targets: ["disc"], ...request}).catch(
      (thrown: unknown) => thrown,
    );
    assert.instance(error, ConfigError);
    assert.match((error as Error).message, message);
  });
}

test("tiles: a picture of one tile gets the logits of the whole view", async () => {
  const tiled = createClaps(
    {...clapsMicro, view: {kind: "tiles", scale: 1, overlap: 16}},
    {random: createRandom(3)},
  );
  const image = noisePicture(64, 64);
  const prompts = [{text: "fundus photograph: optic disc", box: [4, 8, 60, 50] as const}];
  const [whole] = await predictLogits(claps, image, prompts);
  const [tile] = await predictLogits(tiled, image, prompts);
  const largest = Math.max(...whole!.logits.map((value, px) => Math.abs(value - (tile!.logits[px] ?? NaN))));
  assert.ok(largest < 1e-4, `logits differ by ${largest}`);
  const seam = await predictLogits(tiled, noisePicture(80, 100), prompts);
  assert.is(seam[0]?.logits.length, 80 * 100);
  assert.ok(seam[0]?.logits.every((value) => Number.isFinite(value)));
  tiled.dispose();
});

test("thirty-three prompts are asked in two rounds and answered in order", async () => {
  const image = noisePicture(64, 64);
  const prompts = Array.from({length: 33}, (_, index) => ({
    text: "fundus photograph: optic disc",
    box: [index, 0, 64, 64] as const,
  }));
  const all = await predictLogits(claps, image, prompts);
  const [last] = await predictLogits(claps, image, prompts.slice(32));
  assert.is(all.length, 33);
  assert.equal(all[32]?.logits, last?.logits);
});

test("no tensor is left behind", async () => {
  const {leaked} = await countTensors(() =>
    segment(claps, picture, {modality: cfp, targets: ["disc", "cup"]}),
  );
  assert.is(leaked, 0);
});

test.run();

import {createRandom} from "@claps/core";
import type {Label, LoadedCase} from "@claps/data";
import {createImage, createMask} from "@claps/image";
import type {Mask} from "@claps/image";
import {dice} from "@claps/metrics";
import {cfp} from "@claps/modalities";
import {test} from "uvu";
import * as assert from "uvu/assert";
import type {Control, ControlContext} from "../control.js";
import {ellipse, fullBox, truthEllipse} from "./shape-only.js";

const SIZE = {height: 64, width: 80};
const disc = cfp.target("optic disc");
const exudate = cfp.target("hard exudate");

function maskWhere(inside: (x: number, y: number) => boolean): Mask {
  const data = Uint8Array.from({length: SIZE.height * SIZE.width}, (_, px) =>
    inside(px % SIZE.width, Math.floor(px / SIZE.width)) ? 1 : 0,
  );
  return createMask({data, ...SIZE});
}

function caseWith(masks: Record<string, Mask>, fieldOfView?: Mask): LoadedCase {
  const labels = new Map<string, Label>(
    Object.entries(masks).map(([id, mask]) => [id, {state: "positive", mask}]),
  );
  const image = createImage({data: new Uint8Array(SIZE.height * SIZE.width * 3), ...SIZE});
  return {
    id: "one",
    dataset: "made-up",
    modality: cfp,
    image,
    labels,
    ...(fieldOfView === undefined ? {} : {fieldOfView}),
  };
}

/** What a control says of a case; it needs neither model nor training cases. */
async function predict(control: Control, item: LoadedCase): Promise<ReadonlyMap<string, Mask>> {
  const context = {random: createRandom(1)} as ControlContext;
  return (await control.prepare(context))(item, [disc, exudate]);
}

const areaOf = (mask: Mask | undefined): number =>
  mask?.pixels.data.filter((value) => value === 1).length ?? -1;

test("the ellipse in a disc's own box is the disc: Dice above 0.95", async () => {
  const truth = maskWhere((x, y) => (x - 40) ** 2 + (y - 30) ** 2 <= 20 ** 2);
  const masks = await predict(truthEllipse, caseWith({"optic-disc": truth}));
  assert.ok(dice(masks.get("optic-disc")!, truth) > 0.95);
  assert.is(areaOf(masks.get("hard-exudate")), 0, "nothing is there, so there is no box");
});

test("lesions have a box each: two squares of 4 px give two full circles of 12 px", async () => {
  // Of the 16 px of a 4 x 4 box, the centres of the 4 corners are 2.12 from the middle, beyond the radius 2.
  const truth = maskWhere((x, y) => y >= 10 && y < 14 && ((x >= 5 && x < 9) || (x >= 50 && x < 54)));
  const masks = await predict(truthEllipse, caseWith({"hard-exudate": truth, "optic-disc": truth}));
  assert.is(areaOf(masks.get("hard-exudate")), 24);
  // An organ is one thing: one box around both, 49 px wide, whose ellipse leaves out the ends.
  const one = masks.get("optic-disc")!;
  assert.is(one.pixels.data[11 * SIZE.width + 29], 1);
  assert.is(one.pixels.data[10 * SIZE.width + 5], 0);
});

test("the full box is the whole picture, as the model is given it, whatever the field of view", async () => {
  assert.is(areaOf((await predict(fullBox, caseWith({}))).get("optic-disc")), 64 * 80);
  const field = maskWhere((x, y) => x >= 10 && x < 30 && y >= 5 && y < 45);
  assert.is(areaOf((await predict(fullBox, caseWith({}, field))).get("optic-disc")), 64 * 80);
});

test("the ellipse in the field's box covers pi / 4 of it and is symmetric", async () => {
  const mask = (await predict(ellipse, caseWith({}))).get("optic-disc")!;
  assert.ok(Math.abs(areaOf(mask) / (64 * 80) - Math.PI / 4) < 0.01);
  const {data} = mask.pixels;
  assert.equal(Uint8Array.from(data).reverse(), data);
});

test("only the one that looks at the truth says so", () => {
  assert.equal(
    [fullBox, ellipse, truthEllipse].map(({usesTruth}) => usesTruth),
    [false, false, true],
  );
});

test.run();

import {writeFileSync} from "node:fs";
import {join} from "node:path";
import {createRandom} from "@claps/core";
import {openDataset} from "@claps/data";
import type {Mask} from "@claps/image";
import {startTestEngine} from "@claps/layers/testing";
import {createClaps} from "@claps/method";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {clapsMicro} from "./claps-micro.twin.js";
import type {Control} from "./control.js";
import {fullBox, truthEllipse} from "./controls/shape-only.js";
import {evaluate} from "./evaluate.js";
import type {Evaluation} from "./evaluate.js";
import {
  FIELD_WIDTH,
  temporaryFolder,
  tiny,
  tinyDisc,
  tinyField,
  TINY,
  writeTiny,
} from "./tiny-dataset.twin.js";

await startTestEngine();

/** Says the truth of every case, without admitting it. */
const oracle: Control = {
  id: "oracle",
  title: "the truth itself",
  usesTruth: false,
  prepare: () =>
    Promise.resolve(({labels}, targets) =>
      Promise.resolve(new Map(targets.map(({id}) => [id, labels.get(id)?.mask as Mask]))),
    ),
};

async function evaluated(
  controls: readonly Control[],
  damaged: readonly string[] = [],
): Promise<Evaluation & {seen: string[]}> {
  const folder = temporaryFolder();
  await writeTiny(folder, {train: 1, test: 2});
  for (const file of damaged) writeFileSync(join(folder, file), "no picture");
  const dataset = await openDataset(tiny, {root: folder});
  const of = (split: string): {dataset: typeof dataset; references: typeof dataset.cases} => ({
    dataset,
    references: dataset.cases.filter((reference) => reference.split === split),
  });
  const claps = createClaps(clapsMicro, {random: createRandom(1)});
  const seen: string[] = [];
  try {
    const result = await evaluate({
      claps,
      sets: [{dataset, cases: of("test"), training: of("train")}],
      controls,
      random: createRandom(1),
      onCase: ({id}, predicted, records) =>
        seen.push(`${id}: ${predicted.size} masks, ${records.length} records`),
    });
    return {...result, seen};
  } finally {
    claps.dispose();
  }
}

const result = await evaluated([oracle, fullBox, truthEllipse]);

test("each labelled target of each case has one record by the model and by every control", () => {
  // Two cases, two labelled targets, four who predict; vessels and the rest are never asked.
  assert.is(result.records.length, 2 * 2 * 4);
  assert.equal(
    [...new Set(result.records.map(({by}) => by))],
    ["model", "oracle", "full-box", "truth-ellipse"],
  );
  assert.equal(
    result.targets.map(({target}) => target.id),
    ["optic-disc", "hard-exudate"],
  );
  assert.equal(result.seen, ["test-1: 2 masks, 2 records", "test-2: 2 masks, 2 records"]);
});

test("only px inside the field of view count: 24 rows of 24 px", () => {
  for (const {counts} of result.records) {
    const {truePositive, falsePositive, falseNegative, trueNegative} = counts;
    assert.is(truePositive + falsePositive + falseNegative + trueNegative, TINY.height * FIELD_WIDTH);
  }
});

test("the truth itself scores 1; the full box scores what its area says", () => {
  const [disc, exudate] = result.targets;
  assert.is(disc?.controls["oracle"]?.dice.mean, 1);
  const area = tinyDisc.pixels.data.filter(
    (value, px) => value === 1 && tinyField.pixels.data[px] === 1,
  ).length;
  assert.is(disc?.controls["full-box"]?.dice.mean, (2 * area) / (area + TINY.height * FIELD_WIDTH));
  // One case has an exudate and one has none: the oracle's mean is of one case, the other is both empty.
  assert.is(exudate?.controls["oracle"]?.dice.n, 1);
  assert.is(exudate?.controls["oracle"]?.nBothEmpty, 1);
  assert.is(exudate?.controls["full-box"]?.nFalsePresence, 1);
});

test("the model is not above the oracle; a control that uses the truth is no rival", () => {
  for (const {notAbove} of result.targets) {
    assert.ok(notAbove.includes("oracle"));
    assert.not.ok(notAbove.includes("truth-ellipse"));
  }
});

test("means are over targets", () => {
  const {oracle: best, "full-box": box} = result.means;
  assert.equal(best, {dice: 1, iou: 1, targets: 2});
  const [disc, exudate] = result.targets.map(({controls}) => controls["full-box"]?.dice.mean as number);
  assert.is(box?.dice, ((disc as number) + (exudate as number)) / 2);
});

test("a single damaged picture is named and passed over; a second one stops and says which", async () => {
  const one = await evaluated([], ["images/test-2.png"]);
  assert.equal(
    one.skipped.map(({id}) => id),
    ["test-2"],
  );
  const both = ["images/test-1.png", "images/test-2.png"];
  const error = await evaluated([], both).catch((thrown: unknown) => thrown as Error);
  assert.match((error as Error).message, /got 2 of 2; the last one is test-2/);
});

test.run();

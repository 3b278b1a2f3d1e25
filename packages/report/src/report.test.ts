import {mkdtemp, readdir, readFile, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createImage, createMask} from "@claps/image";
import type {Mask} from "@claps/image";
import type {GroupSummary} from "@claps/metrics";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {
  comparison,
  COMPARISON_COLOURS,
  overlay,
  plotCurve,
  scoreTable,
  writeJson,
  writeJsonLines,
  writeReport,
} from "./index.js";
import type {Report, ScoreTable} from "./index.js";

function summary(group: string, dice: number | null): GroupSummary {
  const score = {mean: dice, sd: dice === null ? null : 0.1, pooled: dice, n: dice === null ? 0 : 4};
  return {
    group,
    n: dice === null ? 0 : 4,
    nBothEmpty: 1,
    nFalsePresence: 2,
    nMissed: 3,
    empty: "exclude",
    dice: score,
    iou: score,
    sensitivity: score,
    specificity: score,
    precision: score,
  };
}

const table: ScoreTable = {
  controls: [
    {id: "blind", title: "phrases permuted", usesTruth: false},
    {id: "oracle", title: "ellipse in the truth", usesTruth: true},
  ],
  rows: [
    {
      dataset: "made-up",
      target: {id: "optic-disc", code: "OD", name: "optic disc", colour: [255, 214, 10]},
      model: summary("optic-disc", 0.9),
      controls: {blind: summary("optic-disc", 0.1), oracle: summary("optic-disc", 0.95)},
      notAbove: [],
    },
    {
      dataset: "made-up",
      target: {id: "haemorrhage", code: "HE", name: "haemorrhage", colour: [120, 60, 255]},
      model: summary("haemorrhage", null),
      controls: {blind: summary("haemorrhage", 0.2), oracle: summary("haemorrhage", 0.5)},
      notAbove: ["blind"],
    },
  ],
  means: {
    model: {dice: 0.9, iou: 0.9, targets: 1},
    blind: {dice: 0.15, iou: 0.15, targets: 2},
    oracle: {dice: 0.725, iou: 0.7, targets: 2},
  },
};

function maskOf(values: readonly number[]): Mask {
  return createMask({data: Uint8Array.from(values), height: 2, width: 2});
}

async function inTemporaryFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "claps-report-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, {recursive: true});
  }
}

test("score table: counts, dashes for nothing, marks and names who is not above a control", () => {
  const text = scoreTable(table, {format: "text"});
  const lines = text.split("\n");
  assert.match(lines[2] ?? "", /^made-up +optic disc +4 +1\/2\/3 +0\.900 +0\.100 +0\.900/);
  assert.match(lines[3] ?? "", /haemorrhage \* .*–.*0\.200/);
  assert.match(lines[4] ?? "", /^mean +1 targets .*0\.150 +0\.725$/);
  assert.match(text, /\* Not above a control: haemorrhage in made-up \(blind\)\./);
  assert.match(text, /oracle: ellipse in the truth † uses the truth/);
  assert.match(scoreTable(table, {format: "markdown"}), /^\| dataset +\| target/);
});

test("score table: pooled figures on request, and no verdict where there is no control", () => {
  const pooled = {mean: 0.5, sd: 0.1, pooled: 0.75, n: 4};
  const model: GroupSummary = {...summary("optic-disc", 0.5), empty: "one", dice: pooled, iou: pooled};
  const rows = [{...table.rows[0]!, model, controls: {}}];
  const means = {model: {dice: 0.75, iou: 0.75, targets: 1}};
  const text = scoreTable({controls: [], rows, means, aggregate: "pooled"}, {format: "text"});
  const lines = text.split("\n");
  assert.match(lines[2] ?? "", /optic disc .*0\.500 +0\.100 +0\.750 +0\.750/);
  // One figure below the pooled column, none below Dice and SD.
  assert.match(lines[3] ?? "", /^mean +1 targets +0\.750 +0\.750 *$/);
  assert.match(text, /absent and not found \(Dice 1\)/);
  assert.match(text, /over all pixels\.$/);
  assert.not.match(text, /control/);
});

test("comparison colours hits, misses and false alarms, and leaves ignored px alone", () => {
  const image = createImage({data: new Uint8Array(12), height: 2, width: 2});
  const drawn = comparison(image, maskOf([1, 1, 0, 255]), maskOf([1, 0, 1, 1]));
  const pixel = (index: number): number[] => [...drawn.pixels.data.subarray(index * 3, index * 3 + 3)];
  const shaded = (colour: readonly number[]): number[] => colour.map((value) => Math.round(value * 0.75));
  assert.equal(pixel(0), shaded(COMPARISON_COLOURS.hit));
  assert.equal(pixel(1), shaded(COMPARISON_COLOURS.miss));
  assert.equal(pixel(2), shaded(COMPARISON_COLOURS.falseAlarm));
  assert.equal(pixel(3), [0, 0, 0]);
  assert.throws(
    () => comparison(image, createMask({height: 1, width: 1}), maskOf([0, 0, 0, 0])),
    /expected masks of 2 x 2 px/,
  );
});

test("overlay: an opaque layer gives its colour inside the mask only", () => {
  const image = createImage({data: new Uint8Array(12).fill(7), height: 2, width: 2});
  const drawn = overlay(image, [{mask: maskOf([0, 0, 0, 1]), colour: [1, 2, 3]}], {opacity: 1, outline: 0});
  assert.equal([...drawn.pixels.data], [7, 7, 7, 7, 7, 7, 7, 7, 7, 1, 2, 3]);
});

test("plot: leaves out what is not finite and escapes its texts", () => {
  const svg = plotCurve({
    title: "a < b",
    xLabel: "step",
    yLabel: "loss",
    series: [
      {
        name: "loss",
        points: [
          [0, 2],
          [1, NaN],
          [2, 1],
        ],
      },
    ],
  });
  assert.match(svg, /<title>a &lt; b<\/title>/);
  assert.not.match(svg, /NaN/);
  assert.match(svg, /<path d="M[\d.]+,[\d.]+L[\d.]+,[\d.]+"/);
});

test("page: self-contained, escaped, notice first, one strip per case", async () => {
  await inTemporaryFolder(async (folder) => {
    const target = {
      name: "optic disc",
      colour: [255, 214, 10] as const,
      truth: maskOf([1, 0, 0, 0]),
      prediction: maskOf([1, 1, 0, 0]),
      dice: 2 / 3,
    };
    const report: Report = {
      title: "<first> run",
      lead: ["Trained & scored."],
      notice: "Research software, not a medical device.",
      command: "npx claps run x.ts",
      table,
      curves: [{title: "Training loss", xLabel: "step", yLabel: "loss", series: []}],
      cases: [
        {
          dataset: "made-up",
          id: "a/1",
          image: createImage({data: new Uint8Array(12), height: 2, width: 2}),
          targets: [target],
        },
      ],
      facts: [["engine", "onnx"]],
      notes: [],
    };
    const {page, overlays} = await writeReport(report, folder);
    const html = await readFile(page, "utf8");
    assert.match(html, /<h1>&lt;first&gt; run<\/h1>/);
    assert.ok(html.indexOf("not a medical device") < html.indexOf("<h1>"));
    assert.not.match(html, /<script|https?:\/\/(?!www\.w3\.org)/);
    assert.match(html, /optic disc <b>0\.667<\/b>/);
    assert.equal(await readdir(join(folder, "overlays")), ["made-up-a_1.png"]);
    assert.is(overlays.length, 1);
  });
});

test("json: numbers that are not finite are refused and nothing is written", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = join(folder, "x.json");
    await writeJson(path, {b: 1, a: null});
    assert.is(await readFile(path, "utf8"), '{\n  "b": 1,\n  "a": null\n}\n');
    await writeJson(path, {bad: NaN}).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /"bad": expected a finite number or null, got NaN/),
    );
    assert.is(await readFile(path, "utf8"), '{\n  "b": 1,\n  "a": null\n}\n');
    await writeJsonLines(path, [{a: 1}, {a: 2}]);
    assert.is(await readFile(path, "utf8"), '{"a":1}\n{"a":2}\n');
  });
});

test.run();

import {cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {ConfigError, DataError} from "@claps/core";
import {createImage, createMask, writeImage} from "@claps/image";
import {scoreTable} from "@claps/report";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {silentProgress} from "../progress.js";
import {temporaryFolder, tiny, tinyDisc, tinyExudate, tinyMask, writeTiny} from "../tiny-dataset.twin.js";
import {evaluatePredictions} from "./evaluate-predictions.js";
import type {EvaluatePredictionsOptions} from "./evaluate-predictions.js";
import {evaluationTable, readEvaluation} from "./evaluation-document.js";
import type {EvaluationDocument} from "./evaluation-document.js";
import {mergeEvaluations} from "./merge-evaluations.js";
import {writeDocument} from "./write-document.js";

const root = temporaryFolder();
const data = join(root, "tiny");
await writeTiny(data, {train: 1, test: 4});
const predictions = join(root, "predictions");

/** One column to the right of the truth: 6 of 9 px agree. */
const beside = tinyMask((x, y) => x >= 3 && x < 6 && y >= 2 && y < 5);
const nothing = tinyMask(() => false);
/** The disc and, outside the field of view, four columns more. */
const discAndMore = tinyMask((x, y) => tinyDisc.pixels.data[y * 32 + x] === 1 || x >= 28);

mkdirSync(predictions);
for (const id of ["test-1", "test-2", "test-3", "test-4"]) {
  mkdirSync(join(predictions, id));
  await writeImage(join(predictions, id, "optic-disc.png"), discAndMore);
}
// Cases 2 and 4 have an exudate: found one column aside, and missed. 1 and 3 have none: right, and false alarm.
await writeImage(join(predictions, "test-1", "hard-exudate.png"), nothing);
await writeImage(join(predictions, "test-2", "hard-exudate.png"), beside);
await writeImage(join(predictions, "test-3", "hard-exudate.png"), tinyExudate);
await writeImage(join(predictions, "test-4", "hard-exudate.png"), nothing);

function evaluated(changes: Partial<EvaluatePredictionsOptions> = {}): Promise<EvaluationDocument> {
  const dataRoots = [`tiny=${data}`];
  return evaluatePredictions({predictions, dataset: tiny, dataRoots, progress: silentProgress, ...changes});
}

async function errorOf(changes: Partial<EvaluatePredictionsOptions>): Promise<Error> {
  try {
    await evaluated(changes);
  } catch (error) {
    return error as Error;
  }
  return assert.unreachable() as never;
}

/** A copy of the predictions to be changed. */
function copied(name: string): string {
  const folder = join(root, name);
  cpSync(predictions, folder, {recursive: true});
  return folder;
}

const whole = await evaluated();

test("discs are right inside the field of view; exudates score 2/3, 0 and 0, and one case does not count", () => {
  const [disc, exudate] = whole.targets;
  assert.equal(disc?.scores?.dice, {mean: 1, sd: 0, pooled: 1, n: 4});
  const {n, nBothEmpty, nFalsePresence, nMissed, dice} = exudate?.scores ?? (assert.unreachable() as never);
  assert.equal([n, nBothEmpty, nFalsePresence, nMissed], [4, 1, 1, 1]);
  assert.is(dice.n, 3);
  assert.ok(Math.abs((dice.mean as number) - 2 / 9) < 1e-12);
  // TP 6, FP 3 + 9, FN 3 + 9.
  assert.is(dice.pooled, 12 / (12 + 12 + 12));
  assert.ok(Math.abs((whole.means.dice as number) - (1 + 2 / 9) / 2) < 1e-12);
  assert.is(whole.records.length, 8);
  assert.equal([whole.cases.length, whole.allCases], [4, 4]);
});

test("the table says it without a word about controls", () => {
  const text = scoreTable(evaluationTable(whole), {format: "text"});
  assert.match(text, /tiny +hard exudate +3 +1\/1\/1 +0\.222 +0\.385 +0\.333/);
  assert.not.match(text, /control/);
});

test("--fov off counts the columns outside the field of view too", async () => {
  const {targets} = await evaluated({fieldOfView: false});
  const area = tinyDisc.pixels.data.filter((value) => value === 1).length;
  // 4 columns of 24 px more, none of them in the disc.
  assert.is(targets[0]?.scores?.dice.mean, (2 * area) / (2 * area + 96));
});

test("--empty one and zero count the case in which nothing is and nothing was found", async () => {
  const one = await evaluated({empty: "one"});
  assert.ok(Math.abs((one.targets[1]?.scores?.dice.mean as number) - (1 + 2 / 3) / 4) < 1e-12);
  const zero = await evaluated({empty: "zero"});
  assert.ok(Math.abs((zero.targets[1]?.scores?.dice.mean as number) - 2 / 3 / 4) < 1e-12);
});

test("--aggregate pooled: the mean over targets is of pooled figures", async () => {
  const {means} = await evaluated({aggregate: "pooled"});
  assert.equal(means, {dice: (1 + 1 / 3) / 2, iou: (1 + 6 / 30) / 2, targets: 2});
});

test("--resolution 16: masks at half the size, by nearest", async () => {
  const {records, settings} = await evaluated({longestSide: 16, targets: ["disc"]});
  assert.is(settings.longestSide, 16);
  for (const {counts} of records) {
    const {truePositive, falsePositive, falseNegative, trueNegative} = counts;
    // 12 rows of 16 px, 12 columns of which are inside the field of view.
    assert.is(truePositive + falsePositive + falseNegative + trueNegative, 144);
  }
  assert.equal((await errorOf({longestSide: 0})).name, "ConfigError");
});

test("the three ways to name a file are one", async () => {
  const folder = join(root, "named");
  mkdirSync(join(folder, "optic-disc"), {recursive: true});
  for (const id of ["test-1", "test-2"])
    await writeImage(join(folder, "optic-disc", `${id}.png`), discAndMore);
  mkdirSync(join(folder, "test-3"));
  await writeImage(join(folder, "test-3", "optic-disc.png"), discAndMore);
  await writeImage(join(folder, "test-4__optic-disc.png"), discAndMore);
  const {records} = await evaluated({predictions: folder, targets: ["optic disk"]});
  assert.equal(
    records,
    whole.records.filter(({group}) => group === "optic-disc"),
  );
  renameSync(join(folder, "test-3"), join(folder, "test-1"));
  assert.match(
    (await errorOf({predictions: folder, targets: ["disc"]})).message,
    /expected one mask .*test-1/,
  );
});

test("missing masks are all named, none is skipped", async () => {
  const folder = copied("missing");
  rmSync(join(folder, "test-1", "optic-disc.png"));
  rmSync(join(folder, "test-3"), {recursive: true});
  const error = await errorOf({predictions: folder});
  assert.instance(error, DataError);
  assert.match(error.message, /got none of these 3 of 8:/);
  for (const line of ["  test-1: optic-disc", "  test-3: optic-disc", "  test-3: hard-exudate"]) {
    assert.ok(error.message.split("\n").includes(line), line);
  }
  assert.match(
    error.message,
    /optic-disc\/test-1\.png or test-1\/optic-disc\.png or test-1__optic-disc\.png/,
  );
  assert.match(
    (await errorOf({predictions: join(root, "nowhere")})).message,
    /expected a folder with predictions/,
  );
});

test("a mask of another size, of more than two values, or cut short is refused by its path", async () => {
  const folder = copied("wrong");
  const path = join(folder, "test-2", "optic-disc.png");
  await writeImage(path, createMask({height: 24, width: 31}));
  const size = await errorOf({predictions: folder});
  assert.instance(size, DataError);
  assert.match(size.message, /test-2.optic-disc\.png.*24 x 32 px.*24 x 31 px/s);

  const grey = Uint8Array.from({length: 24 * 32}, (_, px) => px % 3);
  await writeImage(path, createImage({data: grey, height: 24, width: 32}));
  assert.match(
    (await errorOf({predictions: folder})).message,
    /test-2.*got 3 values\. Apply a threshold first/s,
  );

  writeFileSync(path, readFileSync(join(predictions, "test-2", "optic-disc.png")).subarray(0, 60));
  const cut = await errorOf({predictions: folder});
  assert.instance(cut, DataError);
  assert.match(cut.message, /test-2.optic-disc\.png/);
});

test("a split without cases, an unknown target and data that are not there are named", async () => {
  const split = await errorOf({split: "validation"});
  assert.instance(split, ConfigError);
  assert.match(split.message, /--split validation.*There are: test, train/s);
  assert.instance(await errorOf({targets: ["macula"]}), ConfigError);
  // A target of the modality that this dataset does not label.
  assert.match((await errorOf({targets: ["vessel"]})).message, /cases with a truth of retinal blood vessel/);
  assert.instance(await errorOf({dataRoots: [join(root, "nowhere")]}), DataError);
});

test("shards together are the whole, to the last character of the file", async () => {
  const shards = await Promise.all([1, 2].map((index) => evaluated({shard: {index, count: 2}})));
  assert.is((shards[0]?.cases.length ?? 0) + (shards[1]?.cases.length ?? 0), 4);
  assert.ok(shards.every(({allCases}) => allCases === 4));
  const files = ["shard-2.json", "shard-1.json", "deep/er/whole.json"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  await writeDocument(files[0], shards[1]);
  await writeDocument(files[1], shards[0]);
  await writeDocument(files[2], whole);
  const merged = mergeEvaluations([await readEvaluation(files[0]), await readEvaluation(files[1])]);
  assert.equal(merged, whole);
  assert.is(`${JSON.stringify(merged, null, 2)}\n`, readFileSync(files[2], "utf8"));
});

test("a file that cannot be written, and one that is no evaluation", async () => {
  writeFileSync(join(root, "blocked"), "");
  const error = await writeDocument(join(root, "blocked", "a.json"), whole).catch(
    (thrown: unknown) => thrown,
  );
  assert.instance(error, ConfigError);
  writeFileSync(join(root, "other.json"), '{"format": "claps evaluation 0"}');
  for (const name of ["other.json", "blocked", "nowhere.json"]) {
    const thrown = await readEvaluation(join(root, name)).catch((reason: unknown) => reason);
    assert.instance(thrown, DataError);
    assert.match((thrown as Error).message, new RegExp(name));
  }
});

test.run();

import {mkdir, mkdtemp, rename, rm, truncate, unlink, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createRandom, DataError} from "@claps/core";
import {openDataset, synthesizeBscan, synthesizeFundus, verifyDataset} from "@claps/data";
import type {Dataset, DatasetProblem, LoadedCase} from "@claps/data";
import {createImage, readImage, writeImage} from "@claps/image";
import type {Mask} from "@claps/image";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import amdSd from "./amd-sd.js";
import drive from "./drive.js";
import idrid, {createIdrid} from "./idrid.js";

const test = suite<{folder: string}>("adapters", {folder: ""});

test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), "claps-datasets-"));
});

test.after.each(async ({folder}) => {
  await rm(folder, {recursive: true});
});

const data = (mask: Mask | undefined): Uint8Array => {
  assert.ok(mask);
  return mask.pixels.data;
};

async function loadById(dataset: Dataset, id: string): Promise<LoadedCase> {
  const reference = dataset.cases.find((candidate) => candidate.id === id);
  assert.ok(reference, `${id} of ${dataset.cases.map((candidate) => candidate.id).join(", ")}`);
  return dataset.load(reference);
}

const errorsOf = (problems: readonly DatasetProblem[]): string[] =>
  problems.filter(({severity}) => severity === "error").map(({code}) => code);

test("DRIVE: what is written is read back exactly, with split, field and second observer", async ({
  folder,
}) => {
  await drive.writeSynthetic?.(folder, {count: 12, seed: 5, size: 72});
  const dataset = await openDataset(drive, {root: folder});
  const parts = {train: 0, validation: 0, test: 0};
  for (const {split} of dataset.cases) {
    parts[split ?? "test"]++;
  }
  // Six training pictures, of which the last fifth, rounded down, is held out.
  assert.equal(parts, {train: 5, validation: 1, test: 6});
  const made = synthesizeFundus({
    height: 72,
    width: 70,
    random: createRandom(5).fork("drive 21"),
    fieldDiameter: 0.955,
    lesionRate: 0.3,
  });
  const loaded = await loadById(dataset, "21_training");
  assert.equal(loaded.image.pixels.data, made.image.pixels.data);
  assert.equal(
    data(loaded.labels.get("retinal-blood-vessel")?.mask),
    data(made.masks.get("retinal-blood-vessel")),
  );
  assert.equal(data(loaded.fieldOfView), data(made.fieldOfView));
  assert.is(loaded.secondObserver, undefined);
  const tested = await loadById(dataset, "01_test");
  const first = data(tested.labels.get("retinal-blood-vessel")?.mask);
  const second = data(tested.secondObserver?.get("retinal-blood-vessel"));
  assert.ok(first.some((value, at) => value !== second[at]));
  assert.ok(second.every((value, at) => value <= (first[at] as number)));
});

test("DRIVE: held out are 37 to 40 of the official names, alone by name", () => {
  const paths = Array.from({length: 20}, (_, index) => [
    `training/images/${21 + index}_training.tif`,
    `training/1st_manual/${21 + index}_manual1.gif`,
    `training/mask/${21 + index}_training_mask.gif`,
  ]).flat();
  const problems: DatasetProblem[] = [];
  const cases = drive.cases({
    paths: paths.sort(),
    readText: () => Promise.resolve(""),
    report: (problem) => problems.push(problem),
  });
  assert.ok(Array.isArray(cases));
  assert.equal(
    cases.filter(({split}) => split === "validation").map(({id}) => id),
    ["37_training", "38_training", "39_training", "40_training"],
  );
  assert.is(problems.length, 0);
});

test("DRIVE: test pictures without masks, as in the current download, are unlabelled", async ({folder}) => {
  await drive.writeSynthetic?.(folder, {count: 4, seed: 5, size: 72});
  await rm(join(folder, "test", "1st_manual"), {recursive: true});
  const dataset = await openDataset(drive, {root: folder});
  const loaded = await loadById(dataset, "01_test");
  assert.is(loaded.labels.get("retinal-blood-vessel")?.state, "unlabelled");
  assert.ok(dataset.problems.every(({severity}) => severity === "warning"));
});

test("DRIVE: a lost mask, a mask without picture, a truncated picture and a resized mask are all named", async ({
  folder,
}) => {
  await drive.writeSynthetic?.(folder, {count: 8, seed: 5, size: 72});
  await unlink(join(folder, "training", "1st_manual", "21_manual1.gif"));
  await unlink(join(folder, "training", "images", "22_training.tif"));
  await truncate(join(folder, "training", "images", "23_training.tif"), 900);
  const small = createImage({data: new Uint8Array(100), height: 10, width: 10});
  await writeImage(join(folder, "test", "1st_manual", "01_manual1.gif"), small);
  const report = await verifyDataset(drive, {root: folder});
  assert.equal(errorsOf(report.problems).sort(), ["mask-size", "pairing", "pairing", "unreadable"]);
  const text = report.problems.map(({message}) => message).join("\n");
  for (const name of ["21_manual1.gif", "22_manual1.gif", "23_training.tif", "01_manual1.gif"]) {
    assert.ok(text.includes(name), name);
  }
  try {
    await openDataset(drive, {root: folder});
    assert.unreachable();
  } catch (error) {
    assert.instance(error, DataError);
    assert.is((error as DataError).code, "bad-layout");
  }
});

test("DRIVE: the second observer's near-white counts as white, grey does not pass verify", async ({
  folder,
}) => {
  await drive.writeSynthetic?.(folder, {count: 2, seed: 5, size: 72});
  const manual = join(folder, "test", "2nd_manual", "01_manual2.gif");
  const image = await readImage(manual);
  const near = image.pixels.data.map((value) => (value > 0 ? 253 : 3));
  await writeImage(manual, createImage({data: near, height: image.height, width: image.width}));
  const dataset = await openDataset(drive, {root: folder});
  const second = (await loadById(dataset, "01_test")).secondObserver?.get("retinal-blood-vessel");
  assert.equal(
    [...data(second)],
    [...near].filter((_, at) => at % image.channels === 0).map((value) => (value === 253 ? 1 : 0)),
  );
  assert.equal(errorsOf((await dataset.verify()).problems), []);
  const grey = near.map((value) => (value === 253 ? 150 : 3)) as Uint8Array;
  await writeImage(manual, createImage({data: grey, height: image.height, width: image.width}));
  assert.equal(errorsOf((await dataset.verify()).problems), ["values"]);
});

test("IDRiD: masks survive exactly, a missing lesion file is negative, or unlabelled if asked", async ({
  folder,
}) => {
  await idrid.writeSynthetic?.(folder, {count: 6, seed: 2, size: 72});
  const dataset = await openDataset(idrid, {root: folder});
  assert.equal(
    dataset.cases.map(({id, split}) => `${id} ${split ?? ""}`),
    [1, 2, 3, 4].map((number) => `IDRiD_0${number} train`).concat(["IDRiD_55 test", "IDRiD_56 test"]),
  );
  const states = new Set<string>();
  for (const {id} of dataset.cases) {
    const made = synthesizeFundus({
      height: 72,
      width: 108,
      random: createRandom(2).fork(id),
      fieldDiameter: 1.19,
    });
    const loaded = await loadById(dataset, id);
    for (const target of idrid.targets) {
      const label = loaded.labels.get(target);
      assert.equal(data(label?.mask), data(made.masks.get(target)), `${id} ${target}`);
      states.add(label?.state ?? "");
    }
    assert.is(loaded.labels.get("optic-cup")?.state, "unlabelled");
    // JPEG is lossy; the field is told from the picture.
    const wrong = data(loaded.fieldOfView).reduce(
      (sum, value, at) => sum + (value === data(made.fieldOfView)[at] ? 0 : 1),
      0,
    );
    assert.ok(wrong < 0.04 * 72 * 108, `${id}: ${wrong} px of the field differ`);
  }
  assert.equal([...states].sort(), ["negative", "positive"]);
  const cautious = await openDataset(createIdrid({missing: "unlabelled"}), {root: folder});
  const cautiousStates = new Set<string>();
  for (const reference of cautious.cases) {
    const {labels} = await cautious.load(reference);
    idrid.targets.forEach((target) => cautiousStates.add(labels.get(target)?.state ?? ""));
  }
  assert.equal([...cautiousStates].sort(), ["positive", "unlabelled"]);
});

test("IDRiD: a mirror with %20, other spellings, red, palette and RGBA masks", async ({folder}) => {
  const pictures = join(folder, "A.%20Segmentation", "1. Original Images", "a. Training Set");
  const truths = join(folder, "A.%20Segmentation", "2. All Segmentation Ground Truths", "a. Training Set");
  await mkdir(pictures, {recursive: true});
  for (const name of ["1. Microaneurysms", "3. Hard Exudate", "5. Optic Disc"]) {
    await mkdir(join(truths, name), {recursive: true});
  }
  const grey = createImage({data: new Uint8Array(4 * 4 * 3).fill(90), height: 4, width: 4});
  await writeImage(join(pictures, "IDRiD_05.jpg"), grey);
  // The second of 16 pixels is inside; red at full strength, RGBA with alpha 255 everywhere, grey of value 1.
  const red = new Uint8Array(48);
  red[3] = 255;
  const rgba = new Uint8Array(64).map((_, at) => (at % 4 === 3 ? 255 : 0));
  rgba[4] = 255;
  const one = new Uint8Array(16);
  one[1] = 1;
  const size = {height: 4, width: 4};
  await writeImage(join(truths, "1. Microaneurysms", "IDRiD_05_MA.tif"), createImage({data: red, ...size}));
  await writeImage(join(truths, "3. Hard Exudate", "IDRiD_05_EX.tif"), createImage({data: rgba, ...size}));
  await writeImage(join(truths, "5. Optic Disc", "IDRiD_05_OD.tif"), createImage({data: one, ...size}));
  const dataset = await openDataset(idrid, {root: folder});
  assert.equal(dataset.problems, []);
  const {labels, split} = await loadById(dataset, "IDRiD_05");
  assert.is(split, "validation");
  const expected = Array.from({length: 16}, (_, at) => (at === 1 ? 1 : 0));
  for (const target of ["microaneurysm", "hard-exudate", "optic-disc"]) {
    assert.equal([...data(labels.get(target)?.mask)], expected, target);
  }
  assert.is(labels.get("soft-exudate")?.state, "negative");
});

test("IDRiD: other parts of the dataset are left alone; a lost disc and an orphan are errors", async ({
  folder,
}) => {
  await idrid.writeSynthetic?.(folder, {count: 2, seed: 2, size: 72});
  const grading = join(folder, "B. Disease Grading", "1. Original Images", "a. Training Set");
  await mkdir(grading, {recursive: true});
  await writeFile(join(grading, "IDRiD_001.jpg"), "not looked at");
  const truths = join(folder, "A. Segmentation", "2. All Segmentation Groundtruths", "a. Training Set");
  await rename(
    join(truths, "5. Optic Disc", "IDRiD_01_OD.tif"),
    join(truths, "5. Optic Disc", "IDRiD_09_OD.tif"),
  );
  const report = await verifyDataset(idrid, {root: folder});
  assert.is(report.cases, 2);
  assert.equal(errorsOf(report.problems), ["pairing", "pairing"]);
});

test("AMD-SD: scan and masks are parted exactly; patients stay together", async ({folder}) => {
  await amdSd.writeSynthetic?.(folder, {count: 12, seed: 9, size: 80});
  const dataset = await openDataset(amdSd, {root: `amd-sd=${folder}`});
  assert.is(dataset.cases.length, 12);
  // 6 patients: round(6 * 100 / 138) = 4 train, round(6 * 115 / 138) - 4 = 1 validates, 1 tests.
  const parts = {train: 0, validation: 0, test: 0};
  for (const {split} of dataset.cases) {
    parts[split ?? "test"]++;
  }
  assert.equal(parts, {train: 8, validation: 2, test: 2});
  for (const [id, label] of [
    ["0001_001", "amd-sd 0001 001"],
    ["0003_002", "amd-sd 0003 002"],
  ] as const) {
    const made = synthesizeBscan({height: 80, width: 120, random: createRandom(9).fork(label)});
    const loaded = await loadById(dataset, id);
    assert.equal([loaded.image.height, loaded.image.width], [80, 120]);
    const grey = loaded.image.pixels.data.filter((_, at) => at % loaded.image.channels === 0);
    assert.equal([...grey], [...made.image.pixels.data]);
    for (const target of amdSd.targets) {
      assert.equal(data(loaded.labels.get(target)?.mask), data(made.masks.get(target)), `${id} ${target}`);
    }
    assert.is(loaded.labels.get("macular-hole")?.state, "unlabelled");
  }
});

test("AMD-SD: yellow, magenta and white are background; a resized label picture does not pass", async ({
  folder,
}) => {
  await mkdir(join(folder, "images", "7"), {recursive: true});
  // Scan of 1 x 6 px, then labels: red, green, blue, yellow, magenta, white, slightly off as after saving.
  const labels = [250, 4, 0, 3, 255, 9, 0, 0, 251, 255, 255, 0, 255, 0, 255, 255, 255, 255];
  const pixels = Uint8Array.from([...Array.from({length: 18}, () => 60), ...labels]);
  const path = join(folder, "images", "7", "1.png");
  await writeImage(path, createImage({data: pixels, height: 1, width: 12}));
  const dataset = await openDataset(amdSd, {root: folder});
  const loaded = await loadById(dataset, "7_1");
  assert.equal([...data(loaded.labels.get("subretinal-fluid")?.mask)], [1, 0, 0, 0, 0, 0]);
  assert.equal([...data(loaded.labels.get("intraretinal-fluid")?.mask)], [0, 1, 0, 0, 0, 0]);
  assert.equal([...data(loaded.labels.get("pigment-epithelial-detachment")?.mask)], [0, 0, 1, 0, 0, 0]);
  assert.equal(errorsOf((await dataset.verify()).problems), []);
  pixels.fill(128, 18);
  await writeImage(path, createImage({data: pixels, height: 1, width: 12}));
  assert.ok(errorsOf((await dataset.verify()).problems).includes("values"));
});

test("writers refuse a count below 2 by name", async ({folder}) => {
  for (const definition of [drive, idrid, amdSd]) {
    try {
      await definition.writeSynthetic?.(folder, {count: 1, seed: 1});
      assert.unreachable();
    } catch (error) {
      assert.match((error as Error).message, `${definition.title}: count`);
    }
  }
});

test.run();

import {mkdir, mkdtemp, rm, truncate, unlink, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {ConfigError, DataError} from "@claps/core";
import {createImage, createMask, writeImage} from "@claps/image";
import {cfp} from "@claps/modalities";
import {suite} from "uvu";
import * as assert from "uvu/assert";
import {parseDataRoots} from "./data-roots.js";
import {defineDataset} from "./define-dataset.js";
import type {DatasetOptions} from "./define-dataset.js";
import {checkBlackAndWhite, checkOneColour, checkPureColours} from "./mask-checks.js";
import {openDataset, verifyDataset} from "./open-dataset.js";

/** Pictures `a.png`, masks `a_disc.png`; disc always, exudates where a file is, vessels never. */
const options: DatasetOptions = {
  id: "made-up",
  title: "Made Up 2000",
  licence: "none",
  citation: "none",
  homePage: "https://example.org",
  modality: cfp,
  targets: ["optic-disc", "hard-exudate"],
  expected: {total: 3, cases: {train: 3}, positives: {"optic-disc": 3}},
  layout: "pictures/a.png",
  cases: ({paths, report}) =>
    paths.flatMap((path) => {
      const name = /^pictures\/([a-z])\.png$/.exec(path)?.[1];
      if (name === undefined) {
        return [];
      }
      const disc = `masks/${name}_disc.png`;
      const exudate = `masks/${name}_ex.png`;
      if (!paths.includes(disc)) {
        report({severity: "error", code: "pairing", message: `${path}: no ${disc}`, case: name});
      }
      return [
        {
          id: name,
          patient: name,
          image: path,
          split: "train" as const,
          truth: {
            ...(paths.includes(disc)
              ? {"optic-disc": {file: disc, foreground: "nonzero" as const, check: checkBlackAndWhite}}
              : {}),
            "hard-exudate": paths.includes(exudate)
              ? {file: exudate, foreground: "nonzero" as const}
              : ("absent" as const),
          },
        },
      ];
    }),
};
const madeUp = defineDataset(options);

const test = suite<{root: string; home: string}>("open-dataset", {root: "", home: ""});

test.before.each(async (context) => {
  context.root = await mkdtemp(join(tmpdir(), "claps-data-"));
  context.home = join(context.root, "made UP 2000");
  await mkdir(join(context.home, "pictures"), {recursive: true});
  await mkdir(join(context.home, "masks"));
  await writeFile(join(context.home, ".DS_Store"), "noise");
  for (const name of ["a", "b", "c"]) {
    const data = new Uint8Array(4 * 6 * 3).map((_, at) => (at * 7) % 256);
    await writeImage(join(context.home, "pictures", `${name}.png`), createImage({data, height: 4, width: 6}));
    const mask = createMask({data: new Uint8Array(24).map((_, at) => (at < 5 ? 1 : 0)), height: 4, width: 6});
    await writeImage(join(context.home, "masks", `${name}_disc.png`), mask);
  }
  await writeImage(join(context.home, "masks", "a_ex.png"), createMask({height: 4, width: 6}));
});

test.after.each(async ({root}) => {
  await rm(root, {recursive: true});
});

async function errorOf(run: () => Promise<unknown>): Promise<DataError> {
  try {
    await run();
  } catch (error) {
    assert.instance(error, DataError);
    return error as DataError;
  }
  throw new Error("expected an error, got none");
}

test("roots: shared and named, empty ones left out", () => {
  const roots = parseDataRoots(["/data", "", "Drive=/mnt/x=y"]);
  assert.equal(roots.shared, ["/data"]);
  assert.equal([...roots.named], [["drive", "/mnt/x=y"]]);
  assert.throws(
    () => parseDataRoots("drive="),
    (error: unknown) => error instanceof ConfigError,
  );
});

test("found by title in any case, by the folder itself, and by name", async ({root, home}) => {
  for (const place of [root, home, `made-up=${home}`]) {
    const dataset = await openDataset(madeUp, {root: place});
    assert.equal(
      dataset.cases.map(({id}) => id),
      ["a", "b", "c"],
      place,
    );
    assert.is(dataset.folder, home);
  }
});

test("a missing folder says where it was looked for, what was expected, and the way out", async ({root}) => {
  const nowhere = join(root, "nowhere");
  const error = await errorOf(() => openDataset(madeUp, {root: nowhere}));
  assert.is(error.code, "missing-folder");
  for (const part of [nowhere, "pictures/a.png", "https://example.org", "claps data synth made-up"]) {
    assert.ok(error.message.includes(part), part);
  }
  const report = await verifyDataset(madeUp, {root: nowhere});
  assert.is(report.ok, false);
  assert.is(report.problems[0]?.code, "missing-folder");
});

test("three states: positive, negative by an empty file or no file, unlabelled", async ({root}) => {
  const dataset = await openDataset(madeUp, {root});
  const [first, second] = await Promise.all(
    dataset.cases.slice(0, 2).map((reference) => dataset.load(reference)),
  );
  assert.is(first?.labels.get("optic-disc")?.state, "positive");
  assert.is(first?.labels.get("hard-exudate")?.state, "negative");
  assert.is(second?.labels.get("hard-exudate")?.state, "negative");
  assert.is(second?.labels.get("hard-exudate")?.mask?.pixels.data.length, 24);
  assert.equal(second?.labels.get("retinal-blood-vessel"), {state: "unlabelled"});
  assert.is(second?.labels.size, cfp.targets.length);
  assert.is(first?.image.pixels.data[1], 7);
  assert.equal([first?.dataset, first?.split, first?.patient], ["made-up", "train", "a"]);
});

test("verify: an intact copy is ok and counted", async ({root}) => {
  const report = await verifyDataset(madeUp, {root});
  assert.equal(
    report.problems.map(({severity, code}) => `${severity} ${code}`),
    ["warning no-truth"],
  );
  assert.is(report.ok, true);
  assert.equal(report.sizes, {"4 x 6": 3});
  assert.equal(report.rows, [
    {
      split: "train",
      cases: 3,
      expected: 3,
      targets: {
        "optic-disc": {positive: 3, negative: 0, unlabelled: 0},
        "hard-exudate": {positive: 0, negative: 3, unlabelled: 0},
      },
    },
  ]);
});

test("verify: a damaged tree gives every problem at once, in plain words", async ({root, home}) => {
  await unlink(join(home, "masks", "a_disc.png"));
  await writeImage(join(home, "masks", "b_disc.png"), createMask({height: 4, width: 7}));
  await truncate(join(home, "pictures", "c.png"), 40);
  const grey = createImage({data: new Uint8Array(24).fill(90), height: 4, width: 6});
  await writeImage(join(home, "masks", "c_disc.png"), grey);
  const report = await verifyDataset(madeUp, {root});
  assert.is(report.ok, false);
  const found = report.problems.filter(({severity}) => severity === "error");
  assert.equal(found.map(({code, case: id}) => `${id ?? ""} ${code}`).sort(), [
    "a pairing",
    "b mask-size",
    "c unreadable",
    "c values",
  ]);
  const size = found.find(({code}) => code === "mask-size");
  assert.match(size?.message ?? "", /b_disc\.png.*4 x 6.*4 x 7/s);
  assert.match(found.find(({code}) => code === "values")?.message ?? "", /24 samples in between/);
});

test("verify: fewer cases are a partial copy, a warning", async ({root, home}) => {
  await unlink(join(home, "pictures", "b.png"));
  const report = await verifyDataset(madeUp, {root});
  assert.is(report.ok, true);
  assert.match(
    report.problems.find(({code}) => code === "count")?.message ?? "",
    /expected 3 cases, got 2: a partial copy/,
  );
});

test("files that do not fit stop opening, unless lenient", async ({root, home}) => {
  await unlink(join(home, "masks", "a_disc.png"));
  const error = await errorOf(() => openDataset(madeUp, {root}));
  assert.is(error.code, "bad-layout");
  assert.match(error.message, "a.png");
  const dataset = await openDataset(madeUp, {root, lenient: true});
  assert.is(dataset.problems.length, 1);
  const loaded = await dataset.load(dataset.cases[0] as (typeof dataset.cases)[number]);
  assert.is(loaded.labels.get("optic-disc")?.state, "unlabelled");
});

test("loading names the file of a mask of another size and of a truncated picture", async ({root, home}) => {
  await writeImage(join(home, "masks", "b_disc.png"), createMask({height: 4, width: 7}));
  await truncate(join(home, "pictures", "c.png"), 40);
  const dataset = await openDataset(madeUp, {root});
  const size = await errorOf(() => dataset.load(dataset.cases[1] as (typeof dataset.cases)[number]));
  assert.match(size.message, "b_disc.png");
  const damaged = await errorOf(() => dataset.load(dataset.cases[2] as (typeof dataset.cases)[number]));
  assert.match(damaged.message, "c.png");
});

test("two parts of the split with one patient are an error", async ({root}) => {
  const leaky = defineDataset({
    ...options,
    cases: async (files) =>
      (await options.cases(files)).map((reference, index) => ({
        ...reference,
        patient: "same",
        split: index === 0 ? "train" : "test",
      })),
  });
  const report = await verifyDataset(leaky, {root});
  assert.match(report.problems.find(({code}) => code === "split")?.message ?? "", /Patient same/);
  assert.is(report.ok, false);
});

test("defining: an unknown target names the nearest, a bad id is refused", () => {
  assert.throws(() => defineDataset({...options, targets: ["optic-disk"]}), /did you mean "optic-disc"/);
  assert.throws(() => defineDataset({...options, id: "Made Up"}), /lower-case/);
  assert.throws(() => defineDataset({...options, targets: []}), /at least one target/);
});

test("value checks: what passes and what does not", () => {
  const grey = (...data: number[]) =>
    createImage({data: Uint8Array.from(data), height: 1, width: data.length});
  const colour = (...data: number[]) =>
    createImage({data: Uint8Array.from(data), height: 1, width: data.length / 3});
  assert.is(checkBlackAndWhite(grey(0, 3, 253, 255)), undefined);
  assert.match(checkBlackAndWhite(grey(0, 128, 255)) ?? "", /1 samples in between, for example 128/);
  assert.is(checkOneColour(colour(0, 0, 0, 128, 0, 0, 128, 0, 0)), undefined);
  assert.match(checkOneColour(colour(1, 0, 0, 128, 0, 0, 1, 0, 0)) ?? "", /2 colours/);
  assert.is(checkPureColours(colour(255, 0, 0, 250, 250, 2)), undefined);
  assert.match(checkPureColours(colour(255, 0, 0, 128, 0, 0)) ?? "", /50\.0 %/);
});

test.run();

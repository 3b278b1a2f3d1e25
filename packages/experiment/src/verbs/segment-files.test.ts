import {mkdirSync, readFileSync, rmSync, statSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {ConfigError, countTensors, createRandom, DataError} from "@claps/core";
import {readImage, readMask, writeImage} from "@claps/image";
import {startTestEngine} from "@claps/layers/testing";
import {createClaps, saveClaps} from "@claps/method";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {clapsMicro} from "../claps-micro.twin.js";
import {silentProgress} from "../progress.js";
import {temporaryFolder, tinyPicture} from "../tiny-dataset.twin.js";
import {segmentFiles} from "./segment-files.js";
import type {SegmentFilesOptions, SegmentRecord} from "./segment-files.js";

await startTestEngine();
const root = temporaryFolder();
const weights = join(root, "weights");
await saveModel(1);

async function saveModel(seed: number): Promise<void> {
  const claps = createClaps(clapsMicro, {random: createRandom(seed)});
  await saveClaps(claps, weights);
  claps.dispose();
}

/** Three pictures, of which the one in the middle is cut short. */
async function cohort(name: string): Promise<SegmentFilesOptions> {
  const folder = join(root, name);
  mkdirSync(folder);
  for (const number of [1, 2, 3]) await writeImage(join(folder, `eye-${number}.png`), tinyPicture(number));
  const middle = join(folder, "eye-2.png");
  writeFileSync(middle, readFileSync(middle).subarray(0, 200));
  return {
    paths: [folder],
    weights,
    modality: "cfp",
    targets: ["disc", "vessels"],
    out: join(root, `${name}-out`),
    progress: silentProgress,
  };
}

const mask = (options: SegmentFilesOptions, picture: string): string =>
  join(options.out, picture, "optic-disc.png");

test("a cohort: masks of the source's size, overlays, records; the damaged picture is named and passed over", async () => {
  const options = await cohort("first");
  const lines: string[] = [];
  const progress = {...silentProgress, line: (text: string) => void lines.push(text)};
  const {result, leaked} = await countTensors(() => segmentFiles({...options, progress}));
  assert.is(leaked, 0);
  const {records, failed, kept, stopped} = result;
  assert.equal(
    records.map(({image}) => image.file),
    ["eye-1.png", "eye-3.png"].map((name) => join(root, "first", name)),
  );
  assert.equal([kept, stopped], [0, false]);
  assert.equal(
    failed.map(({file}) => file),
    [join(root, "first", "eye-2.png")],
  );
  assert.match(failed[0]?.reason ?? "", /eye-2\.png/);
  assert.match(lines.join(), /skipped .*eye-2\.png/);
  const found = await readMask(mask(options, "eye-1"), {expect: {height: 24, width: 32}});
  const area = found.pixels.data.filter((value) => value === 1).length;
  assert.is(records[0]?.targets[0]?.area, area);
  assert.equal(
    records[0]?.targets.map(({target}) => target),
    ["optic-disc", "retinal-blood-vessel"],
  );
  const drawn = await readImage(join(options.out, "eye-1", "overlay.png"));
  assert.equal([drawn.height, drawn.width, drawn.channels], [24, 32, 3]);
  const written = JSON.parse(
    readFileSync(join(options.out, "eye-1", "record.json"), "utf8"),
  ) as SegmentRecord;
  assert.equal(written, records[0]);
});

test("run again: what is there is kept; a mended or changed picture and a lost mask are done again", async () => {
  const options = await cohort("again");
  await segmentFiles(options);
  const before = statSync(mask(options, "eye-1"), {bigint: true}).mtimeNs;
  await writeImage(join(root, "again", "eye-2.png"), tinyPicture(2));
  const mended = await segmentFiles(options);
  assert.equal([mended.kept, mended.records.length, mended.failed.length], [2, 3, 0]);
  assert.is(
    statSync(mask(options, "eye-1"), {bigint: true}).mtimeNs,
    before,
    "a kept mask is not written again",
  );

  await writeImage(join(root, "again", "eye-1.png"), tinyPicture(9));
  assert.is((await segmentFiles(options)).kept, 2, "the picture is another one");
  rmSync(mask(options, "eye-3"));
  assert.is((await segmentFiles(options)).kept, 2, "a mask is gone");
  assert.is((await segmentFiles(options)).kept, 3);
});

test("another question or other weights in the same folder: nothing is kept", async () => {
  const options = await cohort("question");
  await segmentFiles(options);
  assert.is((await segmentFiles({...options, boxes: [[0, 0, 16, 16]]})).kept, 0);
  await segmentFiles(options);
  await saveModel(2);
  assert.is((await segmentFiles(options)).kept, 0);
  await saveModel(1);
});

test("a request to stop ends before the next picture", async () => {
  const options = await cohort("stop");
  const controller = new AbortController();
  const step = (): void => controller.abort();
  const {records, stopped} = await segmentFiles({
    ...options,
    progress: {...silentProgress, step},
    signal: controller.signal,
  });
  assert.equal([records.length, stopped], [1, true]);
});

test("wrong questions and places are told apart from damaged pictures", async () => {
  const options = await cohort("wrong");
  const blocked = join(root, "a-file");
  writeFileSync(blocked, "");
  const cases: [Partial<SegmentFilesOptions>, typeof ConfigError | typeof DataError, RegExp][] = [
    [{modality: "cpf"}, ConfigError, /nknown modality "cpf": did you mean "cfp"\?/],
    [{targets: ["optik disc"]}, ConfigError, /optic disc/],
    [{targets: []}, ConfigError, /expected at least one/],
    [{weights: join(root, "none")}, ConfigError, /No weights are shipped/],
    [{out: join(blocked, "inside")}, ConfigError, /--out: expected a folder that can be written/],
    [{paths: [options.out]}, DataError, /eye-1|got none/],
    [{paths: [...options.paths, ...options.paths]}, ConfigError, /different names, got "eye-1" twice/],
  ];
  mkdirSync(options.out);
  for (const [change, kind, message] of cases) {
    const error = await segmentFiles({...options, ...change}).catch((thrown: unknown) => thrown);
    assert.instance(error, kind, JSON.stringify(change));
    assert.match((error as Error).message, message);
  }
});

test.run();

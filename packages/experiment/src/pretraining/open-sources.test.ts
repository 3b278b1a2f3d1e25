import {writeFileSync} from "node:fs";
import {join} from "node:path";
import {DataError} from "@claps/core";
import {findings, syntheticBscan} from "@claps/data";
import {writeImage} from "@claps/image";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {temporaryFolder, tiny, tinyPicture, writeTiny} from "../tiny-dataset.twin.js";
import {openSources} from "./open-sources.js";
import type {OpenSourcesOptions, PretrainingPictures} from "./open-sources.js";

const folder = temporaryFolder();
await writeTiny(folder, {train: 8, test: 3});
const options: OpenSourcesOptions = {findings, roots: [folder], seed: "1", final: false, imageSize: 8};

const idsOf = ({training, validation, test: scored}: PretrainingPictures): string[][] =>
  [training, validation, scored].map((pictures) => pictures.map(({id}) => id));

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => assert.unreachable() as never,
    (error: Error) => error,
  );
}

test("a dataset: without final the held-out cases choose and are scored in turn, with it the test cases are", async () => {
  const sources = [{dataset: tiny, holdOut: 4}];
  const held = await openSources(sources, options);
  const [training, validation, scored] = idsOf(held);
  assert.equal([training?.length, validation?.length, scored?.length], [4, 2, 2]);
  assert.ok([...(validation ?? []), ...(scored ?? [])].every((id) => id.startsWith("train-")));
  assert.is(held.sources[0]?.scored, "held out");

  const final = await openSources(sources, {...options, final: true});
  assert.equal(
    idsOf(final).map((ids) => ids.length),
    [4, 4, 3],
  );
  assert.ok(final.test.every(({id}) => id.startsWith("test-")));
  assert.is(final.sources[0]?.scored, "test");
});

test("labels come from the masks: what the dataset does not label stays unlabelled", async () => {
  const {training, test: scored} = await openSources([{dataset: tiny, holdOut: 4}], options);
  // The disc lies right of the middle of the field, which ends at column 24; even numbers have an exudate.
  const even = training.find(({id}) => Number(id.slice(6)) % 2 === 0);
  assert.is(even?.labels.get("cfp/hard-exudate"), "positive");
  assert.is(even?.labels.get("cfp/disc-right"), "positive");
  assert.is(even?.labels.get("cfp/haemorrhage"), "unlabelled");
  assert.is(even?.labels.get("cfp/normal"), "unlabelled");
  // Kept at the model's size to train on, at twice that to be scored.
  assert.is(Math.min(even?.image.height ?? 0, even?.image.width ?? 0), 8);
  assert.is(Math.min(scored[0]?.image.height ?? 0, scored[0]?.image.width ?? 0), 16);
});

test("made-up pictures: other ones for every use, the same ones for the same seed", async () => {
  const sources = [{synthetic: syntheticBscan, train: 3, validation: 2, test: 2, size: 64}];
  const told: [number, number][] = [];
  const onPicture = (done: number, total: number): void => void told.push([done, total]);
  const made = await openSources(sources, {...options, onPicture});
  const ids = idsOf(made).flat();
  assert.is(new Set(ids).size, 7);
  assert.equal(told.at(-1), [7, 7]);
  const again = await openSources(sources, options);
  assert.equal(
    again.test.map(({image}) => image.pixels.data),
    made.test.map(({image}) => image.pixels.data),
  );
  const other = await openSources(sources, {...options, seed: "2"});
  assert.not.equal(other.test[0]?.image.pixels.data, made.test[0]?.image.pixels.data);
});

test("a list without splits is divided by patient", async () => {
  const rows = ["image,modality,labels,patient"];
  for (let index = 0; index < 40; index++) {
    await writeImage(join(folder, `p${index}.png`), tinyPicture(index));
    rows.push(`p${index}.png,cfp,${index % 2 === 0 ? "normal" : "-normal"},eye ${index % 20}`);
  }
  const pictures = join(folder, "eyes.csv");
  writeFileSync(pictures, rows.join("\n"));
  const {
    training,
    validation,
    test: scored,
    skipped,
  } = await openSources([{pictures}], {...options, final: true});
  const patients = [training, validation, scored].map((part) => new Set(part.map(({patient}) => patient)));
  // Of 20 patients 14, 2 and 4; a patient has two pictures, both normal or both not.
  assert.equal([patients[1]?.size, patients[2]?.size], [2, 4]);
  assert.is(new Set(patients.flatMap((part) => [...part])).size, (patients[0]?.size ?? 0) + 6);
  // Known to be not normal says nothing that a sentence could name: left out of training alone.
  assert.ok(training.every(({labels}) => labels.get("cfp/normal") === "positive"));
  assert.is(training.length + skipped.length, 28);
  assert.match(skipped[0] ?? "", /eyes p\d+: no finding of it is known to be there/);
  assert.is(scored.length, 8);
});

test("nothing to score or to train on is said with the way out", async () => {
  const none = await errorOf(openSources([{dataset: tiny, holdOut: 0}], options));
  assert.instance(none, DataError);
  assert.match(none.message, /expected pictures to score, got none from tiny\. Set holdOut, give --final/);
  const silent = await errorOf(
    openSources([{dataset: tiny, holdOut: 2}], {...options, findings: findings.slice(0, 1)}),
  );
  assert.match(
    silent.message,
    /expected pictures to train on, got none from tiny\. Left out: tiny train-\d: no finding/,
  );
});

test.run();

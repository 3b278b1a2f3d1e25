import {ConfigError, DataError} from "@claps/core";
import {createImage} from "@claps/image";
import {cfp} from "@claps/modalities";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {batches, epochOrder} from "./batches.js";
import type {Batch, BatchOptions, SkippedCase} from "./batches.js";
import type {CaseReference, LoadedCase} from "./case.js";
import {split} from "./split.js";

const references = (count: number): CaseReference[] =>
  Array.from({length: count}, (_, index) => ({id: `c${index}`, image: `${index}.png`, truth: {}}));

function loader(unreadable: readonly string[] = []): (reference: CaseReference) => Promise<LoadedCase> {
  return ({id}) =>
    unreadable.includes(id)
      ? Promise.reject(new DataError(`${id}.png: expected a PNG, got a truncated file.`))
      : Promise.resolve({
          id,
          dataset: "made-up",
          modality: cfp,
          image: createImage({data: Uint8Array.of(0), height: 1, width: 1}),
          labels: new Map(),
        });
}

async function collect(options: BatchOptions, limit = Infinity): Promise<Batch[]> {
  const result: Batch[] = [];
  for await (const batch of batches(options)) {
    result.push(batch);
    if (result.length >= limit) {
      break;
    }
  }
  return result;
}

const idsOf = (found: readonly Batch[]): string[] => found.flatMap(({cases}) => cases.map(({id}) => id));

async function errorOf(run: () => Promise<unknown>): Promise<Error> {
  try {
    await run();
  } catch (error) {
    assert.instance(error, Error);
    return error as Error;
  }
  throw new Error("expected an error, got none");
}

test("order: a permutation, the same for the same seed and epoch, another for another epoch", () => {
  const order = epochOrder(50, 7, 0);
  assert.equal(
    [...order].sort((a, b) => a - b),
    Array.from({length: 50}, (_, index) => index),
  );
  assert.equal(order, epochOrder(50, 7, 0));
  assert.not.equal(order, epochOrder(50, 7, 1));
  assert.not.equal(order, epochOrder(50, 8, 0));
});

test("batches: each case once an epoch, batches run over the end of one", async () => {
  const options = {cases: references(5), load: loader(), batchSize: 2, seed: 1, epochs: 2};
  const found = await collect(options);
  assert.equal(
    found.map(({cases}) => cases.length),
    [2, 2, 2, 2, 2],
  );
  const expected = [0, 1].flatMap((epoch) => epochOrder(5, 1, epoch).map((index) => `c${index}`));
  assert.equal(idsOf(found), expected);
  assert.equal(found[2]?.positions, [
    {epoch: 0, index: 4},
    {epoch: 1, index: 0},
  ]);
});

test("batches: going on from a position gives what the uninterrupted run gives", async () => {
  const options = {cases: references(7), load: loader(), batchSize: 3, seed: "s"};
  const whole = await collect(options, 8);
  const head = await collect(options, 3);
  const tail = await collect({...options, from: (head[2] as Batch).next}, 5);
  assert.equal(idsOf([...head, ...tail]), idsOf(whole));
});

test("batches: an unreadable case is named, left out and replaced by the next, told once", async () => {
  const told: SkippedCase[] = [];
  const options = {
    cases: references(40),
    load: loader(["c3", "c9"]),
    batchSize: 19,
    seed: 2,
    epochs: 2,
    onSkip: (skipped: SkippedCase): void => {
      told.push(skipped);
    },
  };
  const found = await collect(options);
  assert.equal(
    found.map(({cases}) => cases.length),
    [19, 19, 19, 19],
  );
  const expected = [0, 1].flatMap((epoch) =>
    epochOrder(40, 2, epoch).filter((index) => index !== 3 && index !== 9),
  );
  assert.equal(
    idsOf(found),
    expected.map((index) => `c${index}`),
  );
  assert.equal(told.map(({id}) => id).sort(), ["c3", "c9"]);
  assert.match(told[0]?.message ?? "", /truncated/);
  assert.is(found[3]?.skipped.length, 2);
});

test("batches: more than one in twenty unreadable stops with all their names", async () => {
  const bad = ["c1", "c2", "c3"];
  const error = await errorOf(() =>
    collect({cases: references(40), load: loader(bad), batchSize: 4, seed: 1, epochs: 1}),
  );
  assert.instance(error, DataError);
  assert.is((error as DataError).code, "too-many-unreadable");
  for (const id of bad) {
    assert.match(error.message, `${id}.png`);
  }
});

test("batches: one bad case of few does not stop the run, a dataset of bad ones does", async () => {
  const found = await collect({cases: references(3), load: loader(["c0"]), batchSize: 2, seed: 1, epochs: 1});
  assert.equal(idsOf(found).sort(), ["c1", "c2"]);
  const error = await errorOf(() =>
    collect({cases: references(1), load: loader(["c0"]), batchSize: 1, seed: 1}),
  );
  assert.instance(error, DataError);
});

test("batches: other errors than bad data pass through; nonsense is refused", async () => {
  const broken = (): Promise<LoadedCase> => Promise.reject(new TypeError("a fault in the program"));
  assert.instance(
    await errorOf(() => collect({cases: references(9), load: broken, batchSize: 1, seed: 1})),
    TypeError,
  );
  const load = loader();
  assert.instance(await errorOf(() => collect({cases: [], load, batchSize: 1, seed: 1})), ConfigError);
  assert.instance(
    await errorOf(() => collect({cases: references(2), load, batchSize: 0, seed: 1})),
    ConfigError,
  );
});

test("split: no patient in two parts, shares as asked, order of the cases does not matter", () => {
  const cases = Array.from({length: 40}, (_, index) => ({id: `${index}`, patient: `p${index % 10}`}));
  const parts = split(cases, {seed: 3});
  // 10 patients of 4 cases: 7, 1 and 2 patients.
  assert.equal([parts.train.length, parts.validation.length, parts.test.length], [28, 4, 8]);
  const homes = new Map<string, Set<string>>();
  for (const [name, items] of Object.entries(parts)) {
    for (const {patient} of items) {
      homes.set(patient, (homes.get(patient) ?? new Set()).add(name));
    }
  }
  assert.ok([...homes.values()].every((names) => names.size === 1));
  const reversed = split([...cases].reverse(), {seed: 3});
  assert.equal(reversed.test.map(({id}) => id).sort(), parts.test.map(({id}) => id).sort());
  assert.not.equal(split(cases, {seed: 4}).test, parts.test);
});

test("split: cases without a patient stand alone; wrong shares are refused", () => {
  const parts = split(
    Array.from({length: 10}, (_, index) => ({id: `${index}`})),
    {seed: 1},
  );
  assert.equal([parts.train.length, parts.validation.length, parts.test.length], [7, 1, 2]);
  assert.throws(() => split([], {seed: 1, shares: {train: 0.5, validation: 0.1, test: 0.1}}), /add up to 1/);
});

test.run();

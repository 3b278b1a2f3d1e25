import {DataError} from "@claps/core";
import type {CaseReference, Dataset, LoadedCase} from "@claps/data";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {readCases} from "./read-cases.js";
import {tiny} from "./tiny-dataset.twin.js";

const references = Array.from({length: 30}, (_, index): CaseReference => ({
  id: `${index}`,
  image: "",
  truth: {},
}));

/** A dataset of which some cases cannot be read. */
function damagedAt(ids: readonly string[], error: Error): Dataset {
  const load = ({id}: CaseReference): Promise<LoadedCase> =>
    ids.includes(id) ? Promise.reject(error) : Promise.resolve({id} as LoadedCase);
  return {definition: tiny, cases: references, load} as unknown as Dataset;
}

async function read(dataset: Dataset): Promise<{read: string[]; skipped: string[]; error?: Error}> {
  const result = {read: [] as string[], skipped: [] as string[]};
  try {
    for await (const {id} of readCases({dataset, references}, (id, reason) =>
      result.skipped.push(`${id}: ${reason}`),
    )) {
      result.read.push(id);
    }
  } catch (error) {
    return {...result, error: error as Error};
  }
  return result;
}

test("one of thirty in the middle is named and passed over, and the others are read in order", async () => {
  const {read: done, skipped, error} = await read(damagedAt(["14"], new DataError("cut short")));
  assert.is(error, undefined);
  assert.equal(skipped, ["14: cut short"]);
  assert.equal(
    done,
    references.map(({id}) => id).filter((id) => id !== "14"),
  );
});

test("two of thirty are more than 5 %: the second stops with its reason", async () => {
  const {read: done, skipped, error} = await read(damagedAt(["3", "20"], new DataError("cut short")));
  assert.instance(error, DataError);
  assert.match(
    error?.message ?? "",
    /at most 5 % unreadable cases, got 2 of 30; the last one is 20: cut short/,
  );
  assert.equal(skipped, ["3: cut short", "20: cut short"]);
  assert.is(done.length, 19);
});

test("an error of the program itself is not passed over", async () => {
  const {error, skipped} = await read(damagedAt(["14"], new TypeError("x is undefined")));
  assert.instance(error, TypeError);
  assert.equal(skipped, []);
});

test.run();

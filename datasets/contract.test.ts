import {existsSync, readdirSync} from "node:fs";
import {basename, join} from "node:path";
import {fileURLToPath} from "node:url";
import {openDataset} from "@claps/data";
import type {DatasetDefinition} from "@claps/data";
import {test} from "uvu";
import * as assert from "uvu/assert";

const home = fileURLToPath(new URL(".", import.meta.url));
const files = readdirSync(home).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));

test("there are datasets", () => {
  assert.ok(files.length >= 3, `${files.length} files`);
});

for (const file of files) {
  const id = basename(file, ".ts");
  const folder = join(home, "fixtures", id);

  test(`${id}: a definition of that name, with terms, citation and home page`, async () => {
    const definition = await load(file);
    assert.is(definition.id, id);
    for (const text of [definition.title, definition.licence, definition.citation, definition.layout]) {
      assert.ok(text.length > 3, text);
    }
    assert.match(definition.homePage, /^https:\/\//);
    const known = definition.modality.targets.map((target) => target.id);
    assert.ok(definition.targets.every((target) => known.includes(target)));
    const parts = Object.values(definition.expected.cases ?? {}).reduce((sum, count) => sum + count, 0);
    assert.ok(parts === 0 || parts === definition.expected.total);
  });

  test(`${id}: its fixture loads; masks fit their picture; only its own targets are labelled`, async () => {
    assert.ok(existsSync(folder), `${folder}: expected two made-up cases`);
    const definition = await load(file);
    const dataset = await openDataset(definition, {root: folder});
    assert.is(dataset.cases.length, 2);
    assert.is(new Set(dataset.cases.map((reference) => reference.id)).size, 2);
    const states = new Set<string>();
    for (const reference of dataset.cases) {
      const {image, labels, fieldOfView, secondObserver} = await dataset.load(reference);
      assert.is(image.height * image.width * image.channels, image.pixels.data.length);
      assert.is(labels.size, definition.modality.targets.length);
      for (const [target, {state, mask}] of labels) {
        states.add(state);
        assert.is(definition.targets.includes(target), state !== "unlabelled", `${reference.id} ${target}`);
        if (mask !== undefined) {
          assert.equal([mask.height, mask.width], [image.height, image.width], target);
          assert.is(mask.pixels.data.includes(1), state === "positive", target);
        } else {
          assert.is(state, "unlabelled");
        }
      }
      for (const mask of [fieldOfView, ...(secondObserver?.values() ?? [])]) {
        assert.ok(mask === undefined || (mask.height === image.height && mask.width === image.width));
      }
    }
    assert.ok(states.has("positive") && states.has("unlabelled"), [...states].join(", "));
  });

  test(`${id}: verify finds no error in the fixture and calls it a partial copy`, async () => {
    const report = await (await openDataset(await load(file), {root: folder})).verify();
    assert.is(report.ok, true, report.problems.map(({message}) => message).join("\n"));
    assert.ok(report.problems.some(({code}) => code === "count"));
  });

  test(`${id}: no patient is in two parts of the split`, async () => {
    const dataset = await openDataset(await load(file), {root: folder});
    const homes = new Map<string, Set<string>>();
    for (const {patient, id: name, split} of dataset.cases) {
      assert.ok(split !== undefined);
      const key = patient ?? name;
      homes.set(key, (homes.get(key) ?? new Set()).add(split));
    }
    assert.ok([...homes.values()].every((parts) => parts.size === 1));
  });
}

async function load(file: string): Promise<DatasetDefinition> {
  const module = (await import(new URL(file, import.meta.url).href)) as {default: DatasetDefinition};
  return module.default;
}

test.run();

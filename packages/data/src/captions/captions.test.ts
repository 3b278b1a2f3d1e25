import {mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {ConfigError, DataError} from "@claps/core";
import {cfp, oct} from "@claps/modalities";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {defineFinding} from "../findings/define-finding.js";
import {findings} from "../findings/findings.js";
import {captionFor, captionsOf} from "./caption-for.js";
import {defaultCaptions} from "./captions.js";
import type {Captions} from "./captions.js";
import {parseCaptions, readCaptions, writeCaptions} from "./read-captions.js";

const two = [
  defineFinding({id: "drusen", modality: cfp, phrases: ["drusen", "yellow drusen", "soft drusen"]}),
  defineFinding({id: "fluid", modality: oct, phrases: ["fluid", "retinal fluid", "much fluid"]}),
];
const good = {
  cfp: {drusen: ["fundus photograph: drusen", "drusen, Fundus photograph"]},
  oct: {fluid: ["OCT B-scan: fluid"]},
};

function refusal(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  try {
    parseCaptions(text, {findings: two, where: "c.json"});
  } catch (error) {
    assert.instance(error, DataError);
    return (error as Error).message;
  }
  return assert.unreachable() as never;
}

test("ten different sentences for every finding, each with the signature of its modality", () => {
  const captions = defaultCaptions(findings);
  for (const {label, modality} of findings) {
    const sentences = captionsOf(captions, label);
    assert.is(sentences.length, 10);
    assert.is(new Set(sentences).size, 10, label);
    assert.ok(sentences.every((sentence) => sentence.includes(modality.signature)));
  }
  assert.equal(captionsOf(defaultCaptions(two), "cfp/drusen").slice(0, 4), [
    "fundus photograph: drusen",
    "yellow drusen, fundus photograph",
    "this fundus photograph shows soft drusen",
    "fundus photograph with drusen",
  ]);
});

test("without signature no sentence tells the modality, and the same words are left", () => {
  const captions = defaultCaptions(two, {signature: false});
  assert.is(captionsOf(captions, "oct/fluid")[0], "picture: fluid");
  assert.not.match(JSON.stringify(captions), /photograph|B-scan/);
  const text = JSON.stringify(captions);
  assert.equal(parseCaptions(text, {findings: two, where: "c.json", signature: false}), captions);
  assert.match(refusal(captions), /"cfp", "drusen", sentence 1: expected the signature "fundus photograph"/);
});

test("written and read again they are the same, and the file can be edited line by line", async () => {
  const folder = mkdtempSync(join(tmpdir(), "claps-captions-"));
  const path = join(folder, "captions.json");
  const captions: Captions = defaultCaptions(findings);
  await writeCaptions(path, captions);
  assert.equal(await readCaptions(path, {findings}), captions);
  const edited = readFileSync(path, "utf8").replace(
    '"fundus photograph: haemorrhage"',
    '"blood, fundus photograph"',
  );
  writeFileSync(path, `\uFEFF${edited}`);
  assert.is((await readCaptions(path, {findings}))["cfp"]?.["haemorrhage"]?.[0], "blood, fundus photograph");
  rmSync(folder, {recursive: true});
});

test("what is wrong is named with its place", () => {
  assert.equal(parseCaptions(JSON.stringify(good), {findings: two, where: "c.json"}), good);
  const cfpWith = (drusen: unknown): unknown => ({...good, cfp: {drusen}});
  const cases: [unknown, RegExp][] = [
    [{...good, cpf: {}}, /c\.json: Unknown modality "cpf": did you mean "cfp"\? Known: cfp, oct/],
    [{...good, cfp: {drussen: ["x"]}}, /c\.json, "cfp": Unknown finding "drussen": did you mean "drusen"/],
    [{cfp: good.cfp}, /expected sentences for every finding, got none for oct\/fluid/],
    [cfpWith([]), /c\.json, "cfp", "drusen": expected a list of at least one sentence, got an empty list/],
    [cfpWith("drusen"), /expected a list of at least one sentence, got the text "drusen"/],
    [
      cfpWith(["fundus photograph: drusen", " "]),
      /"drusen", sentence 2: expected a sentence, got an empty text/,
    ],
    [cfpWith([7]), /sentence 1: expected a sentence, got the number 7/],
    [
      cfpWith(["fundus photograph: a", "fundus photograph: b", "Fundus photograph: A "]),
      /sentence 3: "Fundus photograph: A " is sentence 1 again/,
    ],
    [
      cfpWith(["OCT B-scan: drusen"]),
      /expected the signature "fundus photograph" in it, got "OCT B-scan: drusen"/,
    ],
    [[], /expected an object of modalities, got an empty list/],
    ['{\n"cfp": {\n"drusen": ["a" "b"]}}', /c\.json, line 3: expected JSON/],
    ['{\n"cfp": {\n', /c\.json, line 3: expected JSON/],
    ['{\n"cfp": }\n}', /c\.json, line 2: expected JSON/],
    ['{\n"cfp": {},\n"oct": {},\n"cfp": {}\n}', /c\.json, line 4: the key "cfp" is there twice/],
  ];
  for (const [value, message] of cases) assert.match(refusal(value), message);
  const quoted = cfpWith(['fundus photograph: "drusen": yes']);
  assert.ok(parseCaptions(JSON.stringify(quoted), {findings: two, where: "c.json"}));
});

test("a draw depends on seed, epoch and index alone, and reaches every sentence about equally often", () => {
  const captions = defaultCaptions(two);
  const draw = {seed: 7, epoch: 3, index: 12};
  assert.is(captionFor(captions, "cfp/drusen", draw), captionFor(captions, "cfp/drusen", {...draw}));
  const counts = new Map<string, number>();
  for (let index = 0; index < 1000; index++) {
    const sentence = captionFor(captions, "cfp/drusen", {seed: 1, epoch: index % 7, index});
    counts.set(sentence, (counts.get(sentence) ?? 0) + 1);
  }
  assert.is(counts.size, 10);
  // A share of 0.1 of 1000 has a standard deviation of 9.5.
  assert.ok([...counts.values()].every((count) => Math.abs(count - 100) < 40));
  const series = (seed: number): string[] =>
    Array.from({length: 20}, (_, index) => captionFor(captions, "cfp/drusen", {seed, epoch: 0, index}));
  assert.not.equal(series(1), series(2));
});

test("a label without sentences is refused, also one that every object has", () => {
  const captions = defaultCaptions(two);
  const ask = (label: string) => () => captionsOf(captions, label);
  assert.throws(
    ask("cfp/druzen"),
    (error: Error) => error instanceof ConfigError && /cfp\/drusen/.test(error.message),
  );
  assert.throws(ask("cfp/constructor"), /Unknown label/);
  assert.throws(ask("toString"), /Unknown label/);
});

test.run();

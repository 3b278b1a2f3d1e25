import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {DataError} from "@claps/core";
import {createImage, writeImage} from "@claps/image";
import {cfp, oct} from "@claps/modalities";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {defineFinding} from "../findings/define-finding.js";
import {findings} from "../findings/findings.js";
import {csvRows} from "./csv-rows.js";
import {loadListedPicture, readPictureList} from "./picture-list.js";
import type {ListedPicture} from "./picture-list.js";

const folder = mkdtempSync(join(tmpdir(), "claps-list-"));
process.on("exit", () => rmSync(folder, {recursive: true, force: true}));
mkdirSync(join(folder, "eyes"));
const grey = createImage({data: new Uint8Array(40 * 20).fill(51), height: 40, width: 20});
for (const name of ["a.png", "b.png", "eyes/c, left.png"]) await writeImage(join(folder, name), grey);
const path = join(folder, "list.csv");

function read(text: string, known = findings): Promise<readonly ListedPicture[]> {
  writeFileSync(path, text);
  return readPictureList(path, {findings: known});
}

async function refusal(text: string): Promise<string> {
  return read(text).then(
    () => assert.unreachable() as never,
    (error: unknown) => {
      assert.instance(error, DataError);
      return (error as DataError).message;
    },
  );
}

test("rows: quotes, doubled quotes, commas and line ends inside, CRLF, mark, empty lines", () => {
  const text = '\uFEFFa,b\r\n"x, ""y""",\r\n\r\n"two\nlines",z\r\nlast,"";';
  assert.throws(() => csvRows(text, "t.csv"), /t\.csv, line 6: .*a quote in the wrong place/);
  assert.equal(csvRows(text.slice(0, -1), "t.csv"), [
    {line: 1, cells: ["a", "b"]},
    {line: 2, cells: ['x, "y"', ""]},
    {line: 4, cells: ["two\nlines", "z"]},
    {line: 6, cells: ["last", ""]},
  ]);
  assert.throws(() => csvRows('a\nb,"c\nd', "t.csv"), /t\.csv, line 2: .*a quote that is never closed/);
  assert.throws(() => csvRows('a,b"c', "t.csv"), /line 1: .*wrong place/);
  assert.equal(csvRows("", "t.csv"), []);
});

test("a list of every kind: columns in any order, labels in any spelling, absent ones, own sentences", async () => {
  const text =
    "\uFEFFpatient,Image,labels,modality,split,caption\r\n" +
    'P1,a.png,"hemorrhages; -hard exudate;disc-left",cfp,train,\r\n' +
    ",b.png,oct/normal,OCT,val,\r\n" +
    '"P,2","eyes/c, left.png",,fundus photograph,Test,"fundus photograph, ""clear"""\r\n';
  const [first, second, third] = await read(text);
  assert.is(first?.id, "a");
  assert.is(first?.file, join(folder, "a.png"));
  assert.is(first?.modality, cfp);
  assert.equal(
    [...(first?.labels ?? [])],
    [
      ["cfp/haemorrhage", "positive"],
      ["cfp/hard-exudate", "negative"],
      ["cfp/disc-left", "positive"],
    ],
  );
  assert.equal([first?.patient, first?.split, first?.caption], ["P1", "train", undefined]);
  assert.is(second?.modality, oct);
  assert.equal([...(second?.labels ?? [])], [["oct/normal", "positive"]]);
  assert.equal([second?.patient, second?.split, second?.line], [undefined, "validation", 3]);
  assert.is(third?.id, "eyes/c, left");
  assert.equal([third?.patient, third?.split, third?.caption], ["P,2", "test", 'fundus photograph, "clear"']);
});

test("a finding of one's own is understood as soon as it is declared", async () => {
  const drusen = defineFinding({
    id: "drusen",
    modality: cfp,
    phrases: ["drusen", "soft drusen", "hard drusen"],
  });
  const text = "image,modality,labels\na.png,cfp,soft drusen\n";
  assert.equal(
    [...((await read(text, [...findings, drusen]))[0]?.labels ?? [])],
    [["cfp/drusen", "positive"]],
  );
  assert.match(await refusal(text), /line 2: unknown label "soft drusen".*declared with defineFinding/);
});

test("a listed picture is read, prepared and made small", async () => {
  const [entry] = await read("image,modality,labels\na.png,oct,macular hole\n");
  const picture = await loadListedPicture(entry as ListedPicture, {source: "mine", shorterSide: 10});
  assert.equal([picture.image.height, picture.image.width, picture.image.channels], [20, 10, 3]);
  assert.ok(picture.image.pixels.data.every((sample) => sample === 51));
  assert.equal([picture.id, picture.source], ["a", "mine"]);
});

test("what is wrong with the table is said with line and way out", async () => {
  assert.match(await refusal(""), /expected a line of column names and at least one picture, got nothing/);
  assert.match(await refusal("image,modality,labels\n"), /got column names alone/);
  assert.match(
    await refusal("image;modality;labels\na.png;cfp;normal\n"),
    /line 1: expected commas .* got semicolons/,
  );
  assert.match(await refusal("image\tmodality\tlabels\na\tb\tc\n"), /got tabs/);
  assert.match(
    await refusal("image,modality,label\na.png,cfp,normal\n"),
    /Unknown column "label": did you mean "labels"/,
  );
  assert.match(await refusal("image,labels\na.png,normal\n"), /got none named modality/);
  assert.match(await refusal("image,image,modality,labels\na,a,cfp,normal\n"), /"image" is there twice/);
});

test("all rows that cannot be used are named together", async () => {
  const message = await refusal(
    "image,modality,labels,split\n" +
      "a.png,cpf,normal,\n" +
      "b.png,cfp,nromal,\n" +
      ",cfp,normal,\n" +
      "a.png,cfp,normal;-normal,\n" +
      "a.png,cfp,,\n" +
      "a.png,cfp,normal,exam\n" +
      "a.png,cfp,normal,train,more\n" +
      "a.png,oct,haemorrhage,\n",
  );
  for (const expected of [
    /8 rows cannot be used/,
    /line 2: Unknown modality "cpf": did you mean "cfp"/,
    /line 3: unknown label "nromal": did you mean "normal"/,
    /line 4: expected the path of a picture/,
    /line 5: the label "normal" is there twice/,
    /line 6: expected at least one label or a caption/,
    /line 7: expected train, validation or test as split, got "exam"/,
    /line 8: expected 4 cells, got 5\. A cell with a comma in it needs quotes/,
    /line 9: unknown label "haemorrhage"/,
  ]) {
    assert.match(message, expected);
  }
});

test("missing pictures are listed together, and so are those that are there twice", async () => {
  const missing = await refusal(
    "image,modality,labels\nx.png,cfp,normal\na.png,cfp,normal\ny.png,cfp,normal\n",
  );
  assert.match(missing, /2 files of 3 missing/);
  assert.match(missing, /line 2: .*x\.png\n {2}line 4: .*y\.png/);
  const twice = await refusal(
    "image,modality,labels\na.png,cfp,normal\nb.png,cfp,normal\n./a.png,cfp,normal\n",
  );
  assert.match(twice, /1 picture there more than once:\n {2}lines 2, 4: .*a\.png/);
});

test.run();

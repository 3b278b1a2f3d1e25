import {cpSync, mkdirSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {adaptersFolder, runCommand, temporaryFolder, writeDots} from "./run-command.twin.js";
import type {Ended} from "./run-command.twin.js";

const folder = temporaryFolder();
const adapters = adaptersFolder();
const data = join(folder, "data");
await writeDots(adapters, join(data, "dots"), 4);
// Whoever made these is right in all cases but the last, where the disc of the first is given: 3 columns aside.
const predictions = join(folder, "predictions", "optic-disc");
mkdirSync(predictions, {recursive: true});
for (const number of [1, 2, 3, 4]) {
  const source = number === 4 ? 1 : number;
  cpSync(join(data, "dots", "discs", `${source}.png`), join(predictions, `${number}.png`));
}

function evaluate(...words: string[]): Promise<Ended> {
  const common = ["--adapters", adapters, "--dataset", "dots", "--data-root", data];
  return runCommand("evaluate", "--predictions", join(folder, "predictions"), ...common, ...words);
}

const file = (name: string): string => join(folder, name);
const [first, second, whole] = await Promise.all([
  evaluate("--shard", "1/2", "--out", file("1.json"), "--json"),
  evaluate("--shard", "2/2", "--out", file("2.json")),
  evaluate("--out", file("whole.json"), "--quiet"),
]);
const [merged, compared] = await Promise.all([
  runCommand("evaluate", "merge", file("2.json"), file("1.json"), "--out", file("all.json")),
  runCommand("evaluate", "compare", file("whole.json"), file("whole.json")),
]);

test("with --json a shard's stdout is the document of its file", () => {
  assert.is(first.code, 0, first.stderr);
  assert.equal(JSON.parse(first.stdout), JSON.parse(readFileSync(file("1.json"), "utf8")));
  assert.is(second.code, 0, second.stderr);
});

test("merged: three right and one half right, 18 of 36 px, give 0.875", () => {
  assert.is(merged.code, 0, merged.stderr);
  assert.match(merged.stdout, /dots +optic disc +4 +0\/0\/0 +0\.875 +0\.250 +0\.875/);
  assert.match(merged.stdout, /not a medical device/);
  assert.is(readFileSync(file("all.json"), "utf8"), readFileSync(file("whole.json"), "utf8"));
  assert.is(whole.code, 0);
  assert.is(whole.stderr, "", "--quiet");
});

test("compare: a set with itself differs by nothing", () => {
  const {code, stdout, stderr} = compared;
  assert.is(code, 0, stderr);
  assert.match(
    stdout,
    /optic disc: 0\.875 - 0\.875 = 0\.000, 95 % interval 0\.000 to 0\.000 \(4 cases, 4 drawn from\)/,
  );
});

test.run();

import {existsSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {encodeSafetensors} from "@claps/weights";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {adaptersFolder, runCommand, temporaryFolder, writeDots} from "./run-command.twin.js";

const folder = temporaryFolder();
const adapters = adaptersFolder();
const damaged = join(folder, "damaged.safetensors");
const whole = encodeSafetensors(
  new Map([["weight", {dtype: "F32", shape: [2], data: Float32Array.of(1, 2)}]]),
);
writeFileSync(damaged, whole.subarray(0, whole.length - 3));

await writeDots(adapters, join(folder, "there", "Dots"), 3);
const here = ["--adapters", adapters, "--json", "--data-root"];

const [broken, traced, missing, synth, verified] = await Promise.all([
  runCommand("weights", "inspect", damaged, "--json"),
  runCommand("weights", "inspect", damaged, "--debug"),
  runCommand("data", "verify", "dots", ...here, join(folder, "none")),
  runCommand("data", "synth", "dots", "--adapters", adapters, "--out", join(folder, "dots"), "--count", "3"),
  runCommand("data", "verify", ...here, join(folder, "there")),
]);

test("a damaged weight file: exit code 3, its name, no stack, and nothing on stdout", () => {
  assert.is(broken.code, 3);
  assert.match(broken.stderr, /^claps: .*damaged\.safetensors/);
  assert.not.match(broken.stderr, /^\s+at /m);
  assert.is(broken.stdout, "");
});

test("--debug adds the stack and changes nothing else", () => {
  assert.is(traced.code, 3);
  assert.match(traced.stderr, /damaged\.safetensors/);
  assert.match(traced.stderr, /^\s+at /m);
});

test("data verify of a folder that is not there: exit code 3, and stdout is one JSON document", () => {
  assert.is(missing.code, 3);
  const [report] = JSON.parse(missing.stdout) as {ok: boolean; problems: {code: string; message: string}[]}[];
  assert.is(report?.ok, false);
  assert.is(report?.problems[0]?.code, "missing-folder");
  assert.match(report?.problems[0]?.message ?? "", /Dots.*pictures\/1\.png.*none/);
});

test("data synth writes with an adapter of another folder", () => {
  assert.is(synth.code, 0, synth.stderr);
  assert.match(synth.stdout, /3 made-up cases in the layout of Dots/);
  assert.ok(existsSync(join(folder, "dots", "discs", "3.png")));
});

test("data verify without a name finds what is there; three of the official four are no fault", () => {
  assert.is(verified.code, 0, verified.stderr);
  const [report, ...others] = JSON.parse(verified.stdout) as {ok: boolean; rows: {cases: number}[]}[];
  assert.is(others.length, 0);
  assert.is(report?.ok, true);
  assert.is(
    report?.rows.reduce((sum, {cases}) => sum + cases, 0),
    3,
  );
});

test.run();

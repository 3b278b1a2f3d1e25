import {mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";

import {test} from "uvu";
import * as assert from "uvu/assert";

import {engineFailure} from "./engine-error.twin.js";
import {checkTarget, writeTogether} from "./export-file.node.js";

const folder = mkdtempSync(join(tmpdir(), "export-file-"));
test.after(() => rmSync(folder, {recursive: true, force: true}));

const failure = (run: () => unknown): string => engineFailure(run, "export");

function* breaking(): Generator<Uint8Array> {
  yield Uint8Array.of(1, 2);
  throw new Error("out of numbers");
}

test("pieces are written in order, old files replaced", () => {
  const [model, data] = [join(folder, "a.onnx"), join(folder, "a.onnx.data")];
  writeFileSync(model, "old");
  writeTogether([
    {path: data, pieces: [Uint8Array.of(7)]},
    {path: model, pieces: [Uint8Array.of(1, 2), Uint8Array.of(), new Uint8Array(Float32Array.of(1).buffer)]},
  ]);
  assert.equal([...readFileSync(model)], [1, 2, 0, 0, 128, 63]);
  assert.equal([...readFileSync(data)], [7]);
  assert.equal(readdirSync(folder), ["a.onnx", "a.onnx.data"]);
});

test("a failure in either file leaves old files as they were and no others", () => {
  const [model, data] = [join(folder, "a.onnx"), join(folder, "a.onnx.data")];
  writeFileSync(model, "model");
  writeFileSync(data, "data");
  for (const files of [
    [
      {path: data, pieces: breaking()},
      {path: model, pieces: [Uint8Array.of(1)]},
    ],
    [
      {path: data, pieces: [Uint8Array.of(1)]},
      {path: model, pieces: breaking()},
    ],
  ]) {
    assert.match(
      failure(() => writeTogether(files)),
      /cannot write .*a\.onnx: out of numbers/,
    );
    assert.is(readFileSync(model, "utf8") + readFileSync(data, "utf8"), "modeldata");
    assert.equal(readdirSync(folder), ["a.onnx", "a.onnx.data"]);
  }
});

test("a place that cannot take a file is refused with what is there", () => {
  mkdirSync(join(folder, "taken"), {recursive: true});
  const messageFor = (path: string): string => failure(() => checkTarget(path));
  assert.match(
    messageFor(join(folder, "nowhere", "m.onnx")),
    /there is no folder .*nowhere.*Create the folder/,
  );
  assert.match(messageFor(join(folder, "a.onnx", "m.onnx")), /there is no folder/);
  assert.match(messageFor(join(folder, "taken")), /expected a file or nothing there, got a folder/);
  assert.match(messageFor(""), /got an empty text/);
  checkTarget(join(folder, "new.onnx"));
  checkTarget("relative.onnx");
});

test.run();

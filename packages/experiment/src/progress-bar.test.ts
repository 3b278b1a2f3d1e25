import {test} from "uvu";
import * as assert from "uvu/assert";
import {createProgress} from "./progress-bar.js";

/** A stream that is no terminal and keeps what is written. */
function fakeStream(): {stream: NodeJS.WriteStream; written: string[]} {
  const written: string[] = [];
  const stream = {isTTY: false, write: (text: string) => written.push(text) > 0};
  return {stream: stream as unknown as NodeJS.WriteStream, written};
}

test("without a terminal: a line for the stage, none for each step, one for the last", () => {
  const {stream, written} = fakeStream();
  const progress = createProgress({stream});
  progress.stage("training", 10);
  for (let step = 1; step <= 10; step++) progress.step(step, `loss ${step}`);
  progress.line("saved");
  progress.end();
  assert.is(written[0], "training (10)\n");
  assert.is(written.at(-2), "training: 10/10 loss 10, 0 s left\n");
  assert.is(written.at(-1), "saved\n");
  assert.ok(
    written.every((text) => !text.includes("\u001b")),
    "no escape codes in a file",
  );
});

test("a stage of unknown length says its name only", () => {
  const {stream, written} = fakeStream();
  const progress = createProgress({stream});
  progress.stage("reading data");
  assert.equal(written, ["reading data\n"]);
});

test("quiet says nothing at all", () => {
  const {stream, written} = fakeStream();
  const progress = createProgress({stream, quiet: true});
  progress.stage("training", 1);
  progress.step(1);
  progress.line("a line");
  progress.end();
  assert.equal(written, []);
});

test.run();

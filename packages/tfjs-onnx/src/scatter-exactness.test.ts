import {spawn, type ChildProcess} from "node:child_process";

import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients.
import "@tensorflow/tfjs-layers";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {compile} from "./compile.js";
import {wave} from "./oracle.twin.js";
import {registerOnnxBackend} from "./register.js";

registerOnnxBackend({threads: 2});
await tf.setBackend("onnx");

const ROWS = 200_000;
const PLACES = 64;
const RUNS = 50;

/** Places in an order without pattern that a scheduler could be kind to. */
const places = Int32Array.from({length: ROWS}, (_, row) => (row * 7919 + (row >> 5)) % PLACES);
const whole = Float32Array.from({length: ROWS}, (_, row) => (row % 11) - 3);

/** Sums of whole numbers below 2^24, which float32 holds exactly. */
const expected = new Float32Array(PLACES);
places.forEach((place, row) => (expected[place] = (expected[place] as number) + (whole[row] as number)));

const ids = tf.tensor1d(places, "int32");
const rows = tf.tensor1d(whole);
const fractions = tf.tensor2d(wave([ROWS, 2], 0.37), [ROWS, 2]);
const table = tf.zeros([PLACES]);

/** The sums by every way that leads to them, and one of numbers that are not whole. */
function sums(addends: tf.Tensor, where: tf.Tensor, broken: tf.Tensor, looked: tf.Tensor): tf.Tensor[] {
  const gathered = tf.grad((x: tf.Tensor) => tf.sum(tf.mul(tf.gather(x, where as tf.Tensor1D), addends)));
  return [
    gathered(looked),
    tf.unsortedSegmentSum(addends, where as tf.Tensor1D, PLACES),
    tf.scatterND(tf.reshape(where, [ROWS, 1]), addends, [PLACES]),
    tf.unsortedSegmentSum(broken, where as tf.Tensor1D, PLACES),
  ];
}

/** Runs a computation many times; the whole sums must be exact, all of them equal byte by byte. */
function checkRuns(compute: () => tf.Tensor[], what: string): void {
  let first: Float32Array | undefined;
  for (let run = 0; run < RUNS; run++) {
    const results = compute();
    const values = results.map((tensor) => tensor.dataSync<"float32">());
    tf.dispose(results);
    values.slice(0, 3).forEach((sum, index) => {
      const wrong = sum.findIndex((value, place) => value !== expected[place]);
      assert.is(wrong, -1, `${what}, run ${run}, way ${index}: ${sum[wrong]} at ${wrong}`);
    });
    const broken = values[3] as Float32Array;
    first ??= broken.slice();
    assert.equal(Buffer.from(broken.buffer, broken.byteOffset, broken.byteLength), Buffer.from(first.buffer));
  }
}

/** Processes that use a core each until they are ended, or for a minute if that does not happen. */
function startBusyProcesses(): ChildProcess[] {
  const program = "const end = Date.now() + 60000; while (Date.now() < end);";
  return [1, 2].map(() => spawn(process.execPath, ["-e", program], {stdio: "ignore"}));
}

function checkAll(when: string): void {
  checkRuns(() => tf.tidy(() => sums(rows, ids, fractions, table)), `at once, ${when}`);
  const compiled = compile(sums, {check: "once", threads: 2});
  checkRuns(() => compiled(rows, ids, fractions, table), `compiled, ${when}`);
  compiled.dispose();
}

test("200 000 rows onto 64 places are exact and the same in fifty runs", () => {
  // 200 000 rows, each of -3..7 about equally often.
  assert.is(
    expected.reduce((sum, value) => sum + value, 0),
    whole.reduce((sum, value) => sum + value, 0),
  );
  checkAll("idle");
});

test("and so they are while other processes keep every core busy", () => {
  const busy = startBusyProcesses();
  try {
    checkAll("busy");
  } finally {
    for (const child of busy) child.kill("SIGKILL");
  }
});

test("a row too wide for one thread is added number by number, exactly and always alike", () => {
  const width = 2 ** 17 + 3;
  const wide = tf.tensor2d(wave([5, width], 0.37), [5, width]);
  const where = tf.tensor1d([1, 0, 1, 2, -1], "int32");
  const cells = wide.dataSync();
  const cell = (row: number, column: number): number => cells[row * width + column] as number;
  const compiled = compile((updates: tf.Tensor, ids: tf.Tensor) =>
    tf.unsortedSegmentSum(updates, ids as tf.Tensor1D, 2),
  );
  for (let call = 0; call < 5; call++) {
    const sums = compiled(wide, where);
    const [values] = [sums.dataSync()];
    const wrong = values.findIndex((value, place) => {
      const column = place % width;
      return value !== Math.fround(place < width ? cell(1, column) : cell(0, column) + cell(2, column));
    });
    assert.is(wrong, -1);
    sums.dispose();
  }
  compiled.dispose();
});

test.run();

import {spawn, type ChildProcess} from "node:child_process";
import {currentEngine, startEngine} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {gridSample} from "./grid-sample.js";

await startEngine({engine: "onnx", threads: 2});

const SIDE = 8;
const POINTS = 200_000;
const RUNS = 50;
/** Runs of single kernels, of which none that adds has more than one thread. */
const EAGER_RUNS = 5;

/** Points on the centres of cells, so that each adds a whole number to exactly one of them. */
const points = new Float32Array(2 * POINTS);
const numbers = new Float32Array(POINTS);
const expected = new Float32Array(SIDE * SIDE);
for (let point = 0; point < POINTS; point++) {
  const cell = (point * 7919 + (point >> 5)) % (SIDE * SIDE);
  const [row, column] = [Math.floor(cell / SIDE), cell % SIDE];
  points[2 * point] = (2 * column + 1) / SIDE - 1;
  points[2 * point + 1] = (2 * row + 1) / SIDE - 1;
  numbers[point] = (point % 17) - 8;
  expected[cell]! += (point % 17) - 8;
}

/** The gradient of sampled values with respect to the grid. */
function gradient(input: tf.Tensor, at: tf.Tensor, slope: tf.Tensor): tf.Tensor {
  return tf.engine().gradients(() => gridSample(input, at), [input], slope, false).grads[0]!;
}

function checkRuns(fn: (...inputs: tf.Tensor[]) => tf.Tensor, runs: number, what: string): void {
  tf.tidy(() => {
    const inputs = [
      tf.zeros([1, SIDE, SIDE, 1]),
      tf.tensor(points, [1, 1, POINTS, 2]),
      tf.tensor(numbers, [1, 1, POINTS, 1]),
    ];
    for (let run = 0; run < runs; run++) {
      const sums = tf.tidy(() => fn(...inputs).dataSync<"float32">());
      const wrong = sums.findIndex((value, cell) => value !== expected[cell]);
      assert.is(
        wrong,
        -1,
        `${what}, run ${run}: ${sums[wrong]} instead of ${expected[wrong]} in cell ${wrong}`,
      );
    }
  });
}

function checkAll(when: string): void {
  checkRuns(gradient, EAGER_RUNS, `at once, ${when}`);
  const compiled = currentEngine().compile(gradient);
  checkRuns(compiled, RUNS, `compiled, ${when}`);
  compiled.dispose();
}

/** Processes that use a core each until they are ended, or for a minute if that does not happen. */
function startBusyProcesses(): ChildProcess[] {
  const program = "const end = Date.now() + 60000; while (Date.now() < end);";
  return [1, 2].map(() => spawn(process.execPath, ["-e", program], {stdio: "ignore"}));
}

test("200 000 points on 64 cells: fifty equal gradients, exact to the last bit", () => {
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

test.run();

import * as tf from "@tensorflow/tfjs-core";

import {compile} from "./compile.js";
import {OnnxEngineError} from "./errors.js";

interface ScatterCheck {
  readonly rows: number;
  readonly groups: number;
}

/** The larger one takes several nodes, each as large as one thread adds. */
const SCATTER_CHECKS: readonly ScatterCheck[] = [
  {rows: 20_000, groups: 64},
  {rows: 200_000, groups: 2048},
];

function expectNumbers(what: string, tensor: tf.Tensor, expected: ArrayLike<number>): void {
  const actual = tensor.dataSync();
  tensor.dispose();
  for (let index = 0; index < expected.length; index++) {
    if (actual[index] === expected[index]) continue;
    throw new OnnxEngineError(
      "self-check",
      `ONNX Runtime computes wrongly on this machine: ${what} gave ${actual[index]} instead of ` +
        `${expected[index]} (element ${index}). Choose another engine`,
    );
  }
}

function checkMatMul(): void {
  const left = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
  const right = tf.tensor2d([7, 8, 9, 10, 11, 12], [3, 2]);
  expectNumbers("a matrix product", tf.matMul(left, right), [58, 64, 139, 154]);
  expectNumbers("a transposed product", tf.matMul(left, left, false, true), [14, 32, 32, 77]);
}

/**
 * Sums of many rows that fall onto few: the gradient of every look-up. One of ONNX Runtime's own
 * scatter operators loses additions when it runs on several threads, so the sums are compared exactly.
 */
function checkScatter({rows, groups}: ScatterCheck, repeats: number): void {
  const numbers = new Float32Array(rows);
  const places = new Int32Array(rows);
  const expected = new Float32Array(groups);
  for (let row = 0; row < rows; row++) {
    const group = (row * 7) % groups;
    numbers[row] = (row % 5) + 1;
    places[row] = group;
    expected[group] = (expected[group] as number) + (row % 5) + 1;
  }
  const [values, ids] = [tf.tensor1d(numbers), tf.tensor1d(places, "int32")];
  const scatter = compile(
    (addends: tf.Tensor, segments: tf.Tensor) =>
      tf.unsortedSegmentSum(addends, segments as tf.Tensor1D, groups),
    {check: "once"},
  );
  try {
    for (let repeat = 0; repeat < repeats; repeat++) {
      expectNumbers(`the gradient of a look-up in ${groups} rows`, scatter(values, ids), expected);
    }
  } finally {
    scatter.dispose();
  }
}

/** A variable that is updated in its own memory while other values are computed from its old value. */
function checkUpdateInPlace(): void {
  const size = 512;
  const weight = tf.variable(tf.ones([size]));
  const step = compile(
    (change: tf.Tensor) => {
      const before = tf.sum(weight);
      weight.assign(tf.add(weight, change));
      return [before, tf.sum(weight)];
    },
    {check: "once"},
  );
  try {
    for (let call = 1; call <= 3; call++) {
      const [before, after] = step(tf.ones([size])) as [tf.Tensor, tf.Tensor];
      expectNumbers("the old value of a variable", before, [size * call]);
      expectNumbers("the new value of a variable", after, [size * (call + 1)]);
    }
  } finally {
    step.dispose();
    weight.dispose();
  }
}

/**
 * Checks with a few small computations that the engine computes rightly on this machine.
 *
 * The backend `onnx` must be the active one.
 *
 * @param options - `repeats`: how often the scatter is done, for its fault shows in some runs only. Default 1; tests take fifty.
 * @throws OnnxEngineError `self-check` with the computation that went wrong; `native-library` if
 *   ONNX Runtime cannot be loaded.
 */
export function selfCheck({repeats = 1}: {repeats?: number} = {}): void {
  tf.tidy(() => {
    checkMatMul();
    for (const check of SCATTER_CHECKS) checkScatter(check, repeats);
    checkUpdateInPlace();
  });
}

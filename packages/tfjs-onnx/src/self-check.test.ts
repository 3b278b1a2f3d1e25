import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {compile} from "./compile.js";
import {registerOnnxBackend} from "./register.js";
import {selfCheck} from "./self-check.js";

registerOnnxBackend({threads: 2});
await tf.setBackend("onnx");

const ROWS = 200_000;
const GROUPS = 64;

/** Rows of ones fall onto 64 places, so that place g gets as many as there are rows with row % 64 = g: 3125. */
function scattered(): {ones: tf.Tensor1D; groups: tf.Tensor1D; expected: number[]} {
  const groups = Int32Array.from({length: ROWS}, (_, row) => row % GROUPS);
  return {
    ones: tf.ones([ROWS]),
    groups: tf.tensor1d(groups, "int32"),
    expected: new Array<number>(GROUPS).fill(3125),
  };
}

test("sums of 200 000 rows onto 64 are exact in fifty runs, compiled on two threads and eagerly", () => {
  const {ones, groups, expected} = scattered();
  const sum = (values: tf.Tensor, ids: tf.Tensor): tf.Tensor[] => [
    tf.unsortedSegmentSum(values, ids as tf.Tensor1D, GROUPS),
    tf.scatterND(tf.expandDims<tf.Tensor2D>(ids, 1), values, [GROUPS]),
  ];
  const compiled = compile(sum);
  for (let run = 0; run < 50; run++) {
    for (const tensor of compiled(ones, groups)) {
      assert.equal(Array.from(tensor.dataSync()), expected, `run ${run}`);
      tensor.dispose();
    }
  }
  for (const tensor of sum(ones, groups)) assert.equal(Array.from(tensor.dataSync()), expected);
});

test("the self-check passes and leaves nothing behind", () => {
  selfCheck();
  const before = [tf.memory().numTensors, tf.memory().numDataBuffers];
  selfCheck();
  assert.equal([tf.memory().numTensors, tf.memory().numDataBuffers], before);
});

test.run();

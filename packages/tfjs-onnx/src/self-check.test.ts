import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {compile} from "./compile.js";
import {registerOnnxBackend} from "./register.js";
import {selfCheck} from "./self-check.js";

registerOnnxBackend({threads: 2});
await tf.setBackend("onnx");

const ROWS = 200_000;

/** Rows of ones fall onto places, place g getting as many as there are rows with row % places = g. */
function scattered(places: number): {ones: tf.Tensor1D; ids: tf.Tensor1D; expected: number[]} {
  const ids = Int32Array.from({length: ROWS}, (_, row) => row % places);
  const least = Math.floor(ROWS / places);
  return {
    ones: tf.ones([ROWS]),
    ids: tf.tensor1d(ids, "int32"),
    expected: Array.from({length: places}, (_, place) => least + (place < ROWS % places ? 1 : 0)),
  };
}

// 64 places are summed by a product with a one-hot matrix, 2048 by ScatterElements.
for (const places of [64, 2048]) {
  test(`sums of 200 000 rows onto ${places} are exact in fifty runs, compiled on two threads and eagerly`, () => {
    const {ones, ids, expected} = scattered(places);
    const sum = (values: tf.Tensor, segments: tf.Tensor): tf.Tensor[] => [
      tf.unsortedSegmentSum(values, segments as tf.Tensor1D, places),
      tf.scatterND(tf.expandDims<tf.Tensor2D>(segments, 1), values, [places]),
    ];
    const compiled = compile(sum);
    for (let run = 0; run < 50; run++) {
      for (const tensor of compiled(ones, ids)) {
        assert.equal(Array.from(tensor.dataSync()), expected, `run ${run}`);
        tensor.dispose();
      }
    }
    for (const tensor of sum(ones, ids)) assert.equal(Array.from(tensor.dataSync()), expected);
    compiled.dispose();
  });
}

test("fifty sums of whole numbers, which take ScatterElements however few the places are, are exact", () => {
  const {ones, ids, expected} = scattered(64);
  const compiled = compile((values: tf.Tensor, segments: tf.Tensor) =>
    tf.scatterND(tf.expandDims<tf.Tensor2D>(segments, 1), values, [64]),
  );
  const whole = tf.cast(ones, "int32");
  for (let run = 0; run < 50; run++) {
    const tensor = compiled(whole, ids);
    assert.equal(Array.from(tensor.dataSync()), expected, `run ${run}`);
    tensor.dispose();
  }
  compiled.dispose();
});

test("the self-check passes and leaves nothing behind", () => {
  selfCheck();
  const before = [tf.memory().numTensors, tf.memory().numDataBuffers];
  selfCheck();
  assert.equal([tf.memory().numTensors, tf.memory().numDataBuffers], before);
});

test.run();

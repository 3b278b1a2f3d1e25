import {startTestEngine, expectClose} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {windowPartition, windowUnpartition} from "./window-partition.js";

await startTestEngine();

test("windows of 2 over a grid of 3 by 2, padded below", () => {
  const grid = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 3, 2, 1]);
  const windows = windowPartition(grid, 2);
  assert.equal(windows.shape, [2, 2, 2, 1]);
  expectClose(windows, [1, 2, 3, 4, 5, 6, 0, 0]);
  expectClose(windowUnpartition(windows, {height: 3, width: 2}), [1, 2, 3, 4, 5, 6]);
});

test("windows go row by row, and images stay apart", () => {
  const grid = tf.reshape(tf.range(0, 16), [2, 2, 4, 1]);
  expectClose(windowPartition(grid, 2), [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]);
  expectClose(windowUnpartition(windowPartition(grid, 2), {height: 2, width: 4}), grid);
});

test.run();

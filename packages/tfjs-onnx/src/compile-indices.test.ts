import "@tensorflow/tfjs-backend-cpu";

import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";

import {compile} from "./compile.js";
import {OnnxEngineError} from "./errors.js";
import {registerOnnxBackend} from "./register.js";

registerOnnxBackend({threads: 2});
await tf.setBackend("onnx");

/** A table whose rows tell their numbers: 0 1, 10 11, 20 21. */
const table = tf.tensor2d([0, 1, 10, 11, 20, 21], [3, 2]);

type Lookup = (indices: tf.Tensor) => tf.Tensor;

/** A look-up, indices that it takes with what they give, and indices that lie outside. */
const LOOKUPS: Record<string, {run: Lookup; good: [number[][], number[]]; bad: number[][][]}> = {
  gather: {
    run: (indices) => tf.gather(table, tf.reshape(indices, [2])),
    good: [[[2, 0]], [20, 21, 0, 1]],
    bad: [[[0, 3]], [[-1, 0]], [[2 ** 31 - 1, 0]], [[-(2 ** 31), 0]]],
  },
  "gather along the last axis": {
    run: (indices) => tf.gather(table, tf.reshape(indices, [2]), 1),
    good: [[[1, 0]], [1, 0, 11, 10, 21, 20]],
    bad: [[[0, 2]], [[0, -1]]],
  },
  "gather inside batches": {
    run: (indices) => tf.gather(table, tf.reshape(indices, [3, 1]), 1, 1),
    good: [
      [[1], [0], [1]],
      [1, 10, 21],
    ],
    // The first would reach the row of the next entry.
    bad: [
      [[2], [0], [0]],
      [[0], [-1], [0]],
    ],
  },
  gatherND: {
    run: (indices) => tf.gatherND(table, indices),
    good: [[[1, 1]], [11]],
    // The first would reach the next row when positions are flattened.
    bad: [[[0, 2]], [[3, 0]], [[1, -1]], [[-1, 1]]],
  },
  tensorScatterUpdate: {
    run: (indices) => tf.tensorScatterUpdate(table, indices, tf.tensor1d([5])),
    good: [[[1, 0]], [0, 1, 5, 11, 20, 21]],
    bad: [[[0, 2]], [[3, 0]], [[1, -1]], [[-1, 1]]],
  },
};

test("a row of indices is one tuple to gatherND", () => {
  const run = (where: tf.Tensor): tf.Tensor => tf.gatherND(table, where);
  const compiled = compile(run, {threads: 2});
  for (const way of [run, compiled]) {
    const cell = way(tf.tensor1d([2, 1], "int32"));
    assert.equal([cell.shape, [...cell.dataSync()]], [[], [21]]);
    assert.equal([...way(tf.tensor1d([2], "int32")).dataSync()], [20, 21]);
    assert.throws(() => way(tf.tensor1d([2, 2], "int32")), /2,2 does not index into|index lies outside/);
  }
});

test("variables beside a sum of guarded segments are still updated in their own memory", () => {
  const weight = tf.variable(tf.zeros([3, 2]));
  const step = compile((rows: tf.Tensor, where: tf.Tensor) => {
    weight.assign(tf.add(weight, tf.unsortedSegmentSum(rows, where as tf.Tensor1D, 3)));
    return tf.sum(weight);
  });
  step(tf.ones([4, 2]), tf.tensor1d([0, 2, 5, -1], "int32")).dispose();
  assert.equal([...weight.dataSync()], [1, 1, 0, 0, 1, 1]);
  assert.equal([...step.report().variables.values()], ["aliased"]);
});

test("whole numbers clipped by maximum and minimum are seen to lie inside", () => {
  const weight = tf.variable(tf.zeros([2]));
  const step = compile((where: tf.Tensor) => {
    const inside = tf.minimum(tf.maximum(where, tf.scalar(0, "int32")), tf.scalar(2, "int32"));
    weight.assign(tf.add<tf.Tensor1D>(weight, tf.sum(tf.gather(table, inside), 0)));
    return tf.sum(weight);
  });
  step(tf.tensor1d([-7, 9], "int32")).dispose();
  assert.equal([...weight.dataSync()], [20, 22]);
  assert.equal([...step.report().variables.values()], ["aliased"]);
});

function tuples(indices: number[][]): tf.Tensor2D {
  return tf.tensor2d(indices, [indices.length, (indices[0] as number[]).length], "int32");
}

for (const [name, {run, good, bad}] of Object.entries(LOOKUPS)) {
  test(`${name}: an index outside is an error of the call, compiled and at once`, () => {
    const [indices, expected] = good;
    const compiled = compile((where: tf.Tensor) => run(where), {threads: 2});
    assert.equal([...compiled(tuples(indices)).dataSync()], expected);
    for (const outside of bad) {
      assert.throws(
        () => compiled(tuples(outside)),
        (error: unknown) => {
          assert.instance(error, OnnxEngineError);
          assert.is((error as OnnxEngineError).code, "run");
          assert.match(
            (error as Error).message,
            /index lies outside.*(Gather|GatherND|ScatterElements).*clip/,
          );
          return true;
        },
        `${name} [${outside.join()}]`,
      );
      assert.throws(
        () => run(tuples(outside)),
        /not in \[0|does not index into/,
        `${name} [${outside.join()}]`,
      );
      // The same function goes on working.
      assert.equal([...compiled(tuples(indices)).dataSync()], expected);
    }
  });
}

test("sums leave out what lies outside when they are compiled; at once scatterND refuses it", () => {
  const updates = tf.tensor1d([1, 2, 4, 8]);
  const scatter = compile((where: tf.Tensor) => tf.scatterND(where, updates, [3, 2]));
  const where = [
    [0, 1],
    [0, 2],
    [-1, 0],
    [2, 0],
  ];
  assert.equal([...scatter(tuples(where)).dataSync()], [0, 1, 0, 0, 8, 0]);
  assert.throws(
    () => tf.scatterND(tuples(where), updates, [3, 2]),
    /Invalid indices: 0,2 does not index into 3,2/,
  );
  const segments = compile((ids: tf.Tensor) => tf.unsortedSegmentSum(updates, ids as tf.Tensor1D, 2));
  const ids = tf.tensor1d([1, -1, 2, 1], "int32");
  assert.equal([...segments(ids).dataSync()], [0, 9]);
  assert.equal([...tf.unsortedSegmentSum(updates, ids, 2).dataSync()], [0, 9]);
});

test("a variable that is updated before the look-up keeps its value when that fails", () => {
  const weight = tf.variable(tf.tensor1d([1, 2, 3]));
  const moment = tf.variable(tf.tensor1d([0, 0, 0]));
  const step = compile((change: tf.Tensor, where: tf.Tensor) => {
    weight.assign(tf.add<tf.Tensor1D>(weight, change));
    const row = tf.gather(table, where);
    moment.assign(tf.add<tf.Tensor1D>(moment, tf.sum(row)));
    return row;
  });
  const change = tf.tensor1d([1, 1, 1]);
  for (let call = 0; call < 3; call++) step(change, tf.tensor1d([1], "int32")).dispose();
  assert.equal([...weight.dataSync(), ...moment.dataSync()], [4, 5, 6, 63, 63, 63]);
  for (const outside of [3, -1]) {
    assert.throws(() => step(change, tf.tensor1d([outside], "int32")), /Variables keep their values/);
    assert.equal([...weight.dataSync(), ...moment.dataSync()], [4, 5, 6, 63, 63, 63]);
  }
  step(change, tf.tensor1d([0], "int32")).dispose();
  assert.equal([...weight.dataSync(), ...moment.dataSync()], [5, 6, 7, 64, 64, 64]);
  // The one that waits for the look-up is updated in place, the other is not.
  assert.equal([...step.report().variables.values()], ["double-buffered", "aliased"]);
});

test("indices that cannot lie outside cost nothing: constants, clipped ones, the largest few", () => {
  const nodes = (run: (where: tf.Tensor) => tf.Tensor): number => {
    const compiled = compile(run, {check: "once"});
    compiled(tf.tensor1d([0.2, 0.9, 0.4])).dispose();
    return [...compiled.report().signatures.values()][0]?.nodes as number;
  };
  const gather = (where: tf.Tensor): tf.Tensor => tf.gather(table, where);
  assert.is(
    nodes((x) => tf.mul(tf.sum(x), gather(tf.tensor1d([2, 1], "int32")))),
    3,
  );
  assert.is(
    nodes((x) => gather(tf.topk(x, 2).indices)),
    3,
  );
  const clipped = nodes((x) => gather(tf.cast(tf.clipByValue(x, 0, 2), "int32")));
  const free = nodes((x) => gather(tf.cast(x, "int32")));
  assert.is(free - clipped, 1, "a bound of two sides less, a comparison and a choice more");
});

test("NaN and infinity reach the sum of their own place only", () => {
  const addends = tf.tensor2d([1, 2, NaN, 4, 5, Infinity, -Infinity, 7, Infinity, 9], [5, 2]);
  const ids = tf.tensor1d([0, 1, 2, 3, 3], "int32");
  const wanted = [1, 2, NaN, 4, 5, Infinity, NaN, 16];
  const ways: ((rows: tf.Tensor, where: tf.Tensor) => tf.Tensor)[] = [
    (rows, where) => tf.unsortedSegmentSum(rows, where as tf.Tensor1D, 4),
    (rows, where) => tf.scatterND(tf.reshape(where, [5, 1]), rows, [4, 2]),
  ];
  for (const way of ways) {
    const compiled = compile(way);
    for (const result of [compiled(addends, ids), way(addends, ids)]) {
      assert.equal([...result.dataSync()], wanted);
    }
    // Nothing of it stays behind in the next call.
    assert.equal([...compiled(tf.ones([5, 2]), ids).dataSync()], [1, 1, 1, 1, 1, 1, 2, 2]);
  }
});

test.run();

import {ConfigError, createRandom, currentEngine, ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkGradients, expectClose, startTestEngine} from "../testing.js";
import {throughCompiler} from "../testing/through-compiler.js";
import {gridSample} from "./grid-sample.js";
import type {GridSampleOptions} from "./grid-sample.js";
import {gridSampleTwin, slopesOf} from "./sampling.twin.js";

await startTestEngine();
const random = createRandom("grid-sample");

/** Points whose positions keep away from the centres of cells, where the gradient jumps; some lie outside. */
function awayFromCentres(label: string, size: {height: number; width: number}, count: number): Float32Array {
  const source = random.fork(label);
  const coordinate = (length: number): number => {
    const cell = source.integer(length + 5) - 3;
    const position = cell + source.uniform(0.2, 0.8);
    return (2 * position + 1) / length - 1;
  };
  return Float32Array.from(
    Array.from({length: count}, () => [coordinate(size.width), coordinate(size.height)]).flat(),
  );
}

const everySetting = (["bilinear", "nearest"] as const).flatMap((mode) =>
  (["zeros", "border", "reflection"] as const).flatMap((padding) =>
    [false, true].map((alignCorners) => ({mode, padding, alignCorners})),
  ),
);

test("the middle of four cells is their mean, an outer edge half of the cell inside", () => {
  const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
  const points = tf.tensor4d([0, 0, -1, -0.5, -1, -0.5], [1, 1, 3, 2]);
  expectClose(gridSample(x, points), [2.5, 0.5, 0.5]);
  expectClose(gridSample(x, points, {padding: "border"}), [2.5, 1, 1]);
  // With aligned corners -1 is the first centre and -0.5 a quarter of the way down: 1 + (3 - 1) / 4.
  expectClose(gridSample(x, points, {alignCorners: true}), [2.5, 1.5, 1.5]);
});

test("beyond the border: zeros, the border's cell, or the grid mirrored", () => {
  const x = tf.tensor4d([1, 2, 4], [1, 1, 3, 1]);
  // Columns -1, 3 and 4.25, from centres: reflection gives 0, 2 and 0.75 from the right, which is 1.25.
  const columns = [-1, 3, 4.25].flatMap((column) => [(2 * column + 1) / 3 - 1, 0]);
  const points = tf.tensor4d(columns, [1, 1, 3, 2]);
  expectClose(gridSample(x, points), [0, 0, 0]);
  expectClose(gridSample(x, points, {padding: "border"}), [1, 4, 4]);
  // 4.25 lies 1.75 behind the edge at 2.5, so it is mirrored to 0.75: 1 + 0.75.
  expectClose(gridSample(x, points, {padding: "reflection"}), [1, 4, 1.75], 1e-5);
});

test("nearest takes even cells at ties, as rounding does", () => {
  const x = tf.tensor4d([1, 2, 3, 4], [1, 1, 4, 1]);
  const points = tf.tensor4d(
    [0.5, 1.5, -0.5, 3.5].flatMap((column) => [(2 * column + 1) / 4 - 1, 0]),
    [1, 1, 4, 2],
  );
  expectClose(gridSample(x, points, {mode: "nearest"}), [1, 3, 1, 0]);
});

test("values and gradients equal the slow 64-bit version in every setting, eager and compiled", () => {
  for (const [height, width] of [
    [4, 5],
    [1, 1],
  ] as const) {
    const shape = [2, height, width, 3] as const;
    const x = random.fork("x").normalArray(2 * height * width * 3);
    const points = awayFromCentres("points", {height, width}, 2 * 6);
    const weights = random.fork("weights").normalArray(2 * 6 * 3);
    for (const options of everySetting) {
      // Aligned corners move the positions; a single aligned cell has no positions at all.
      const grid =
        options.alignCorners && width > 1
          ? points.map((value, index) => {
              const size = index % 2 === 0 ? width : height;
              return (value * size) / (size - 1);
            })
          : points;
      const settings = {shape, ...options};
      const run = (input: tf.Tensor, at: tf.Tensor): tf.Tensor => gridSample(input, at, options);
      const compiled = throughCompiler(run);
      const tensors = [tf.tensor(x, [...shape]), tf.tensor(grid, [2, 2, 3, 2])];
      const value = gridSampleTwin(x, grid, settings);
      const bySlow = [
        slopesOf((moved) => gridSampleTwin(moved, grid, settings), x, weights),
        slopesOf((moved) => gridSampleTwin(x, moved, settings), grid, weights),
      ];
      for (const fn of [run, compiled.fn]) {
        expectClose(fn(...(tensors as [tf.Tensor, tf.Tensor])), value, 1e-5, JSON.stringify(settings));
        const loss = (...moved: tf.Tensor[]): tf.Tensor =>
          tf.sum(tf.mul(fn(...(moved as [tf.Tensor, tf.Tensor])), tf.tensor(weights, [2, 2, 3, 3])));
        tf.grads(loss)(tensors).forEach((gradient, index) => {
          expectClose(gradient, bySlow[index]!, 1e-4, `${JSON.stringify(settings)} gradient ${index}`);
        });
      }
      compiled.dispose();
    }
  }
});

test("gradients agree with difference quotients, eager and compiled", () => {
  const x = tf.tensor(random.fork("input").normalArray(2 * 4 * 5 * 2), [2, 4, 5, 2]);
  const inside = awayFromCentres("quotients", {height: 4, width: 5}, 2 * 4);
  const points = tf.tensor(inside, [2, 2, 2, 2]);
  for (const padding of ["zeros", "border", "reflection"] as const) {
    const run = (input: tf.Tensor, at: tf.Tensor): tf.Tensor => gridSample(input, at, {padding});
    const compiled = throughCompiler(run);
    checkGradients(run, [x, points], {samples: 12});
    checkGradients(compiled.fn, [x, points], {samples: 12});
    compiled.dispose();
  }
});

/** Many points at the centres of 64 cells of a grid of the given width, and a whole number for each. */
function crowded(width: number): {points: Float32Array; numbers: Float32Array; sums: Float32Array} {
  const source = random.fork("crowd");
  // TensorFlow.js's plain JavaScript goes over all points once per cell of the table.
  const count = currentEngine().name === "cpu" ? 2000 : 200_000;
  const points = new Float32Array(2 * count);
  const numbers = new Float32Array(count);
  const sums = new Float32Array(8 * width);
  for (let point = 0; point < count; point++) {
    const [column, row] = [source.integer(8), source.integer(8)];
    points[2 * point] = (2 * column + 1) / width - 1;
    points[2 * point + 1] = (2 * row + 1) / 8 - 1;
    const number = source.integer(17) - 8;
    numbers[point] = number;
    sums[row * width + column]! += number;
  }
  return {points, numbers, sums};
}

test("200 000 points on 64 cells: the gradient is exact and the same in every run, eager and compiled", () => {
  // Of a small grid, and of one whose table has too many rows for a product with a one-hot matrix.
  for (const width of [8, 256]) {
    const {points, numbers, sums} = crowded(width);
    const grid = tf.tensor(points, [1, 1, numbers.length, 2]);
    const dy = tf.tensor(numbers, [1, 1, numbers.length, 1]);
    const x = tf.zeros([1, 8, width, 1]);
    const gradient = (input: tf.Tensor, at: tf.Tensor, slope: tf.Tensor): tf.Tensor =>
      tf.engine().gradients(() => gridSample(input, at), [input], slope, false).grads[0]!;
    const compiled = currentEngine().compile(gradient);
    for (let run = 0; run < 3; run++) {
      for (const fn of [gradient, compiled]) {
        const result = tf.tidy(() => fn(x, grid, dy).dataSync<"float32">().slice());
        assert.ok(
          result.every((value, index) => value === sums[index]),
          `run ${run} at width ${width}`,
        );
      }
    }
    compiled.dispose();
    tf.dispose([grid, dy, x]);
  }
});

test("shares of a cell between points: equal bytes in every run", () => {
  const source = random.fork("bytes");
  const grid = tf.tensor(source.uniformArray(2 * 20_000, -1.2, 1.2), [1, 100, 200, 2]);
  const x = tf.tensor(source.normalArray(64 * 64 * 2), [1, 64, 64, 2]);
  const gradient = (input: tf.Tensor, at: tf.Tensor): tf.Tensor =>
    tf.grad((moved: tf.Tensor) => tf.sum(tf.square(gridSample(moved, at))))(input);
  const compiled = currentEngine().compile(gradient);
  const once = tf.tidy(() => compiled(x, grid).dataSync<"float32">().slice());
  for (let run = 0; run < 3; run++) {
    assert.equal(
      tf.tidy(() => compiled(x, grid).dataSync<"float32">().slice()),
      once,
    );
  }
  expectClose(gradient(x, grid), once, 1e-4);
  compiled.dispose();
});

test("a coordinate that is no number shows in its value and harms no other", () => {
  const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
  const points = tf.tensor4d([NaN, 0, 0, 0, Infinity, 0, 0, -Infinity], [1, 1, 4, 2]);
  const values = gridSample(x, points).dataSync();
  assert.ok(Number.isNaN(values[0]!));
  assert.equal([...values.slice(1)], [2.5, 0, 0]);
});

test("shapes and names that do not fit are refused", () => {
  const x = tf.zeros([2, 3, 3, 1]);
  assert.throws(
    () => gridSample(x, tf.zeros([1, 1, 1, 2])),
    (error: unknown) => error instanceof ShapeError && /points \[N, h, w, 2\]/.test(error.message),
  );
  assert.throws(
    () => gridSample(x, tf.zeros([2, 1, 1, 2]), {mode: "bicubic"} as unknown as GridSampleOptions),
    (error: unknown) => error instanceof ConfigError && /bicubic/.test(error.message),
  );
  assert.throws(
    () => gridSample(x, tf.zeros([2, 1, 1, 2]), {padding: "boarder"} as unknown as GridSampleOptions),
    /border/,
  );
});

test.run();

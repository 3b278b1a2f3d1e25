import {ConfigError, createRandom, ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkGradients, expectClose, startTestEngine} from "../testing.js";
import {throughCompiler} from "../testing/through-compiler.js";
import {resamplingMatrix} from "./resampling-matrix.js";
import {resizeBilinear} from "./resize-bilinear.js";
import {resize, resizeLinear} from "./resize.js";
import type {Resize2dOptions} from "./resize.js";
import {resizeTwin} from "./resize.twin.js";

await startTestEngine();
const random = createRandom("resize");
const sample = (label: string, shape: number[]): tf.Tensor =>
  tf.tensor(random.fork(label).normalArray(tf.util.sizeFromShape(shape)), shape);

const settings = (["bilinear", "bicubic"] as const)
  .flatMap((mode) =>
    [false, true].flatMap((alignCorners) =>
      [false, true].map((antialias) => ({mode, alignCorners, antialias})),
    ),
  )
  .concat(
    (["nearest", "nearestExact", "area"] as const).map(
      (mode) => ({mode, alignCorners: false, antialias: false}) as never,
    ),
  );

test("linear, nearest and area by hand", () => {
  const row = tf.tensor4d([0, 4, 8], [1, 1, 3, 1]);
  const to = (width: number, options: Resize2dOptions): tf.Tensor => resize(row, {height: 1, width}, options);
  expectClose(to(6, {}), [0, 1, 3, 5, 7, 8]);
  expectClose(to(5, {alignCorners: true}), [0, 2, 4, 6, 8]);
  expectClose(to(6, {mode: "nearest"}), [0, 0, 4, 4, 8, 8]);
  // Two from three: centres 0.75 and 2.25 lie in the pixels 0 and 2, the left ends 0 and 1.5 in 0 and 1.
  expectClose(to(2, {mode: "nearestExact"}), [0, 8]);
  expectClose(to(2, {mode: "nearest"}), [0, 4]);
  expectClose(to(2, {mode: "area"}), [2, 6]);
  // The triangle 1.5 wide on either side of 0.75 gives 5/6, 1/2 and nothing: 4 (1/2) / (4/3).
  expectClose(to(2, {antialias: true}), [1.5, 6.5]);
});

test("cubic by hand: a quarter of a pixel on either side", () => {
  const row = tf.tensor4d([0, 0, 1, 0], [1, 1, 4, 1]);
  // 4 to 8, sixth value: position 2.25, a quarter from the one: with -0.75, 1.25/64 - 2.25/16 + 1.
  const result = resize(row, {height: 1, width: 8}, {mode: "bicubic"});
  expectClose(tf.slice(result, [0, 0, 5, 0], [1, 1, 1, 1]), [0.87890625]);
});

test("every row of every matrix sums to 1", () => {
  for (const options of settings) {
    for (const [from, to] of [
      [7, 12],
      [9, 4],
      [1, 3],
      [3, 1],
      [5, 5],
    ] as const) {
      const matrix = resamplingMatrix({from, to, ...options});
      for (let row = 0; row < to; row++) {
        const sum = matrix.slice(row * from, (row + 1) * from).reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum - 1) < 1e-5, `${JSON.stringify(options)} ${from} to ${to}`);
      }
    }
  }
});

test("values equal the slow 64-bit version along both axes, up and down, with a scale of its own", () => {
  const x = random.fork("x").normalArray(2 * 7 * 5 * 3);
  const at = (image: number, y: number, column: number, channel: number): number =>
    x[((image * 7 + y) * 5 + column) * 3 + channel]!;
  for (const options of settings) {
    for (const [height, width, scale] of [
      [12, 9, undefined],
      [3, 2, undefined],
      [10, 2, undefined],
      [1, 5, undefined],
      [9, 6, 1.3],
      [3, 2, 0.45],
    ] as const) {
      const own = scale === undefined ? {} : {scale: {height: scale, width: scale}};
      const alongAxis = {...options, ...(scale !== undefined && {scale})};
      const wanted: number[][][][] = [0, 1].map((image) => {
        const columns = [0, 1, 2].map((channel) =>
          [0, 1, 2, 3, 4].map((column) =>
            resizeTwin(
              [0, 1, 2, 3, 4, 5, 6].map((y) => at(image, y, column, channel)),
              height,
              alongAxis,
            ),
          ),
        );
        return Array.from({length: height}, (_, y) => {
          const rows = columns.map((lines) =>
            resizeTwin(
              lines.map((line) => line[y]!),
              width,
              alongAxis,
            ),
          );
          return Array.from({length: width}, (_unused, column) => rows.map((row) => row[column]!));
        });
      });
      expectClose(
        resize(tf.tensor(x, [2, 7, 5, 3]), {height, width}, {...options, ...own}),
        wanted.flat(3),
        1e-5,
        `${JSON.stringify(options)} ${height} x ${width}`,
      );
    }
  }
});

test("gradients agree with difference quotients, eager and compiled", () => {
  for (const options of settings) {
    for (const [size, shape] of [
      [{height: 5, width: 2}, [2, 3, 4, 2]],
      [{height: 2, width: 7}, [1, 3, 4, 1]],
    ] as const) {
      const run = (x: tf.Tensor): tf.Tensor => resize(x, size, options);
      const compiled = throughCompiler(run);
      checkGradients(run, [sample("g", [...shape])], {samples: 6});
      checkGradients(compiled.fn, [sample("g", [...shape])], {samples: 6});
      compiled.dispose();
    }
  }
});

test("the same size gives the same numbers; sequences are grids of width 1", () => {
  const x = sample("same", [1, 3, 4, 2]);
  expectClose(resize(x, {height: 3, width: 4}, {mode: "bicubic"}), x, 0);
  const row = random.fork("row").normalArray(9);
  for (const length of [13, 5]) {
    const result = resizeLinear(tf.tensor(row, [1, 9, 1]), length);
    assert.equal(result.shape, [1, length, 1]);
    expectClose(result, resizeTwin(row, length, {mode: "bilinear"}));
  }
  const run = (sequence: tf.Tensor): tf.Tensor => resizeLinear(sequence, 5, {mode: "area"});
  checkGradients(run, [sample("sequence", [2, 7, 3])]);
});

test("resizeBilinear is resize with its defaults", () => {
  const x = sample("x", [1, 3, 4, 2]);
  const size = {height: 5, width: 2};
  expectClose(resizeBilinear(x, size), resize(x, size), 0);
  expectClose(resizeBilinear(x, size, {alignCorners: true}), resize(x, size, {alignCorners: true}), 0);
});

test("another rank or an unknown mode is refused", () => {
  assert.throws(
    () => resize(tf.zeros([2, 3, 4]), {height: 1, width: 1}),
    (error: unknown) => error instanceof ShapeError,
  );
  assert.throws(
    () =>
      resize(tf.zeros([1, 2, 2, 1]), {height: 1, width: 1}, {mode: "lanczos"} as unknown as Resize2dOptions),
    (error: unknown) => error instanceof ConfigError && /lanczos/.test(error.message),
  );
});

test.run();

import {createRandom, ShapeError} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkGradients, expectClose, startTestEngine} from "../testing.js";
import {throughCompiler} from "../testing/through-compiler.js";
import {gridSample} from "./grid-sample.js";
import {multiScaleDeformableAttention} from "./multi-scale-deformable-attention.js";
import {deformableAttentionTwin, slopesOf} from "./sampling.twin.js";

await startTestEngine();
const random = createRandom("deformable-attention");
const sizes = {
  images: 2,
  queries: 5,
  heads: 2,
  channels: 3,
  points: 2,
  levels: [
    {height: 4, width: 3},
    {height: 1, width: 2},
    {height: 1, width: 1},
  ],
};
const places = 15;
const perSample = [sizes.images, sizes.queries, sizes.heads, sizes.levels.length, sizes.points];
const value = random.fork("value").normalArray(sizes.images * places * sizes.heads * sizes.channels);
const weights = random.fork("weights").uniformArray(tf.util.sizeFromShape(perSample), 0, 1);
const locations = awayFromCentres();

/** Locations whose cells keep away from centres, where the gradient jumps; a quarter lie outside. */
function awayFromCentres(): Float32Array {
  const source = random.fork("locations");
  const result: number[] = [];
  for (let group = 0; group < sizes.images * sizes.queries * sizes.heads; group++) {
    for (const {height, width} of sizes.levels) {
      for (let point = 0; point < sizes.points; point++) {
        for (const length of [width, height]) {
          const cell = source.integer(length + 3) - 2;
          result.push((cell + source.uniform(0.2, 0.8) + 0.5) / length);
        }
      }
    }
  }
  return Float32Array.from(result);
}

const tensors = (): [tf.Tensor, tf.Tensor, tf.Tensor] => [
  tf.tensor(value, [sizes.images, places, sizes.heads, sizes.channels]),
  tf.tensor(locations, [...perSample, 2]),
  tf.tensor(weights, perSample),
];

const run =
  (maxNumbers?: number) =>
  (...[features, points, attention]: tf.Tensor[]): tf.Tensor =>
    multiScaleDeformableAttention(
      features!,
      sizes.levels,
      points!,
      attention!,
      maxNumbers === undefined ? {} : {maxNumbers},
    );

test("by hand: the middle of four cells, then a corner of one, weighted", () => {
  const features = tf.tensor4d([1, 2, 3, 4, 10], [1, 5, 1, 1]);
  const levels = [
    {height: 2, width: 2},
    {height: 1, width: 1},
  ];
  // The corner of the single cell sees a quarter of it.
  const points = tf.tensor([0.5, 0.5, 0, 0], [1, 1, 1, 2, 1, 2]);
  const attention = tf.tensor([0.5, 2], [1, 1, 1, 2, 1]);
  const result = multiScaleDeformableAttention(features, levels, points, attention);
  assert.equal(result.shape, [1, 1, 1]);
  expectClose(result, [0.5 * 2.5 + 2 * 2.5]);
});

test("values and gradients equal the slow 64-bit version; whole, in chunks, compiled", () => {
  const wanted = deformableAttentionTwin(value, locations, weights, sizes);
  const factors = random.fork("factors").normalArray(wanted.length);
  const slopes = [
    slopesOf((moved) => deformableAttentionTwin(moved, locations, weights, sizes), value, factors),
    slopesOf((moved) => deformableAttentionTwin(value, moved, weights, sizes), locations, factors),
    slopesOf((moved) => deformableAttentionTwin(value, locations, moved, sizes), weights, factors),
  ];
  const compiled = throughCompiler(run());
  const compiledChunks = throughCompiler(run(500));
  // Two queries at a time need 2 * 2 * 2 * 6 * 4 * 3 = 576 numbers, one 288.
  for (const fn of [run(), run(500), run(576), compiled.fn, compiledChunks.fn]) {
    const result = fn(...tensors());
    assert.equal(result.shape, [2, 5, 6]);
    expectClose(result, wanted, 1e-5);
    const loss = (...moved: tf.Tensor[]): tf.Tensor =>
      tf.sum(tf.mul(fn(...moved), tf.tensor(factors, [2, 5, 6])));
    tf.grads(loss)(tensors()).forEach((gradient, index) => {
      expectClose(gradient, slopes[index]!, 1e-4, `gradient ${index}`);
    });
  }
  compiled.dispose();
  compiledChunks.dispose();
});

test("gradients agree with difference quotients, eager and compiled", () => {
  const compiled = throughCompiler(run());
  checkGradients(run(), tensors(), {samples: 12, step: 5e-3});
  checkGradients(compiled.fn, tensors(), {samples: 12, step: 5e-3});
  compiled.dispose();
});

test("one level, head and point is gridSample at 2 location - 1", () => {
  const features = tf.tensor(random.fork("features").normalArray(2 * 20 * 3), [2, 4, 5, 3]);
  const points = tf.tensor(random.fork("points").uniformArray(2 * 6 * 2, -0.2, 1.2), [2, 6, 2]);
  const sampled = gridSample(features, tf.reshape(tf.sub(tf.mul(points, 2), 1), [2, 6, 1, 2]));
  const attended = multiScaleDeformableAttention(
    tf.reshape(features, [2, 20, 1, 3]),
    [{height: 4, width: 5}],
    tf.reshape(points, [2, 6, 1, 1, 1, 2]),
    tf.ones([2, 6, 1, 1, 1]),
  );
  expectClose(attended, sampled, 1e-5);
});

test("all queries on the same few cells: the gradient is exact", () => {
  const count = 4096;
  const source = random.fork("crowd");
  const columns = Array.from({length: count}, () => source.integer(4));
  const numbers = Float32Array.from({length: count}, () => source.integer(17) - 8);
  const points = Float32Array.from(columns.flatMap((column) => [(column + 0.5) / 4, 0.5]));
  const wanted = [0, 0, 0, 0];
  columns.forEach((column, index) => (wanted[column]! += numbers[index]!));
  const gradient = tf.grad((features: tf.Tensor) =>
    tf.sum(
      tf.mul(
        multiScaleDeformableAttention(
          features,
          [{height: 1, width: 4}],
          tf.tensor(points, [1, count, 1, 1, 1, 2]),
          tf.ones([1, count, 1, 1, 1]),
          {maxNumbers: 4000},
        ),
        tf.tensor(numbers, [1, count, 1]),
      ),
    ),
  )(tf.zeros([1, 4, 1, 1]));
  assert.equal([...gradient.dataSync()], wanted);
});

test("chunks need the memory of one chunk", async () => {
  const peak = async (maxNumbers: number): Promise<number> => {
    const before = tf.memory().numBytes;
    const {peakBytes} = await tf.profile(() => tf.dispose(tf.grads(run(maxNumbers))(tensors())));
    return peakBytes - before;
  };
  const [chunks, whole] = [await peak(288), await peak(2 ** 20)];
  assert.ok(chunks < 0.6 * whole, `${chunks} and ${whole} bytes`);
});

test("shapes that do not belong together are refused, with both", () => {
  const [features, points, attention] = tensors();
  assert.throws(
    () => multiScaleDeformableAttention(features, [{height: 4, width: 4}], points, attention),
    (error: unknown) => error instanceof ShapeError && /\[2, any, 2, 1, any\]/.test(error.message),
  );
  const wrong = sizes.levels.map(({height, width}) => ({height: height + 1, width}));
  assert.throws(
    () => multiScaleDeformableAttention(features, wrong, points, attention),
    /expected 21 places, the cells of its 3 levels, got 15/,
  );
});

test.run();

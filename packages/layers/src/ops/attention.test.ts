import {createRandom} from "@claps/core";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkGradients, expectClose, startTestEngine} from "../testing.js";
import {attention} from "./attention.js";

await startTestEngine();
const random = createRandom("attention");
const sample = (label: string, shape: number[]): tf.Tensor =>
  tf.tensor(random.fork(label).normalArray(tf.util.sizeFromShape(shape)), shape);
const query = sample("q", [2, 2, 5, 4]);
const key = sample("k", [2, 2, 3, 4]);
const value = sample("v", [2, 2, 3, 6]);

test("two keys by hand: scores ln 1 and ln 3 weigh 1/4 and 3/4", () => {
  const result = attention(
    tf.tensor3d([[[1, 0]]]),
    tf.tensor3d([
      [
        [0, 5],
        [Math.log(3), 7],
      ],
    ]),
    tf.tensor3d([[[8], [16]]]),
    {scale: 1},
  );
  assert.equal(result.shape, [1, 1, 1]);
  expectClose(result, [14]);
});

test("the default scale is 1 / sqrt(width)", () => {
  expectClose(attention(query, key, value), attention(query, key, value, {scale: 0.5}), 1e-6);
});

test("a masked key has no part", () => {
  const mask = tf.tensor([0, 0, -1e9], [1, 1, 1, 3]);
  const first = tf.slice(key, [0, 0, 0, 0], [2, 2, 2, 4]);
  const firstValues = tf.slice(value, [0, 0, 0, 0], [2, 2, 2, 6]);
  expectClose(attention(query, key, value, {mask}), attention(query, first, firstValues), 1e-6);
});

test("chunks of queries change nothing, with and without a mask", () => {
  expectClose(attention(query, key, value, {maxScores: 24}), attention(query, key, value), 1e-6);
  const mask = sample("mask", [1, 1, 5, 3]);
  expectClose(
    attention(query, key, value, {mask, maxScores: 24}),
    attention(query, key, value, {mask}),
    1e-6,
  );
});

test("gradients, whole and in chunks", () => {
  for (const maxScores of [1 << 20, 24]) {
    checkGradients((q, k, v) => attention(q, k, v, {maxScores}), [query, key, value], {samples: 10});
  }
});

test("a mask gets its gradient, repeated or not, whole and in chunks", () => {
  for (const shape of [[2, 2, 5, 3], [1, 2, 5, 3], [1, 1, 1, 3], [5, 3], [3], []]) {
    const mask = sample(`mask ${shape.join()}`, shape);
    for (const maxScores of [1 << 20, 24]) {
      checkGradients((q, m) => attention(q, key, value, {mask: m, maxScores}), [query, mask], {samples: 10});
    }
  }
});

test("the gradient of long attention holds a chunk of the scores at a time, not all of them", async () => {
  const long = (label: string): tf.Tensor => sample(label, [1, 1, 256, 4]);
  const [q, k, v] = [long("long q"), long("long k"), long("long v")];
  const largest = async (maxScores: number): Promise<number> => {
    const {kernels} = await tf.profile(() => {
      tf.dispose(tf.grads((...inputs: tf.Tensor[]) => attentionOf(inputs, maxScores))([q, k, v]));
      return tf.scalar(0);
    });
    const sizes = kernels.flatMap(({outputShapes}) =>
      outputShapes.map((shape) => tf.util.sizeFromShape(shape)),
    );
    return Math.max(...sizes);
  };
  const attentionOf = (inputs: tf.Tensor[], maxScores: number): tf.Tensor =>
    attention(inputs[0]!, inputs[1]!, inputs[2]!, {maxScores});
  assert.is(await largest(1 << 20), 256 * 256);
  assert.is(await largest(256 * 32), 256 * 32);
});

test.run();

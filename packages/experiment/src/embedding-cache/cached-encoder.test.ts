import {existsSync, mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {ConfigError} from "@claps/core";
import {createImage} from "@claps/image";
import type {Image} from "@claps/image";
import {startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {cachedEncoder} from "./cached-encoder.js";
import type {FrozenEncoder} from "./cached-encoder.js";
import {EmbeddingCache} from "./embedding-cache.js";
import {embeddingKey, hashWeights} from "./embedding-key.js";

await startTestEngine();

const parent = mkdtempSync(join(tmpdir(), "claps-cached-"));
process.on("exit", () => rmSync(parent, {recursive: true, force: true}));
let folders = 0;
const newFolder = (): string => join(parent, String(folders++));

function picture(level: number, id = "picture"): Image {
  return createImage({data: Uint8Array.of(level, 2, 3, 4), height: 2, width: 2, id});
}

/** A model of one weight: a picture's vector is its first sample times it, and its grid [1, 2, 1] twice and thrice that. */
function oneWeight(
  weight = 1,
  preprocess: unknown = {size: 2, mean: [0]},
): FrozenEncoder & {
  readonly computed: number[][];
  readonly weight: tf.Variable;
} {
  const variable = tf.variable(tf.scalar(weight));
  const computed: number[][] = [];
  return {
    computed,
    weight: variable,
    vision: {namedWeights: () => new Map([["vision_model.weight", variable]])},
    config: {vision: {width: 1}, projectionWidth: 2, preprocess},
    encodeText: (texts) => Promise.resolve({vectors: new Float32Array(texts.length * 2), truncated: 1}),
    encodeImage: (images, {features = false} = {}) => {
      const firsts = images.map(({pixels}) => pixels.data[0] as number);
      computed.push(firsts);
      const factor = variable.dataSync()[0] as number;
      const vectors = Float32Array.from(firsts.flatMap((first) => [first * factor, 1]));
      const grid = Float32Array.from(firsts.flatMap((first) => [2 * first * factor, 3 * first * factor]));
      return Promise.resolve(features ? {vectors, grid, gridShape: [images.length, 1, 2, 1]} : {vectors});
    },
  };
}

test("only misses are computed, equal pictures once, in batches; answers are in order", async () => {
  const model = oneWeight();
  const cache = new EmbeddingCache({folder: newFolder()});
  const encoder = cachedEncoder(model, cache);
  const first = await encoder.encodeImage([picture(5), picture(6), picture(5, "again")], {batch: 1});
  assert.equal([...first.vectors], [5, 1, 6, 1, 5, 1]);
  assert.equal(model.computed, [[5], [6]]);
  const second = await encoder.encodeImage([picture(7), picture(6), picture(8), picture(9)], {batch: 2});
  assert.equal([...second.vectors], [7, 1, 6, 1, 8, 1, 9, 1]);
  assert.equal(model.computed.slice(2), [[7, 8], [9]]);
  assert.equal([cache.counts.hits, cache.counts.misses, cache.counts.written], [1, 5, 5]);
});

test("another process with the same model, preprocessing and pictures computes nothing", async () => {
  const folder = newFolder();
  await cachedEncoder(oneWeight(), new EmbeddingCache({folder})).encodeImage([picture(5)]);
  const again = oneWeight(1, {mean: [0], size: 2});
  const {vectors} = await cachedEncoder(again, new EmbeddingCache({folder})).encodeImage([picture(5)]);
  assert.equal([...vectors], [5, 1]);
  assert.equal(again.computed, []);
});

test("grids are kept beside vectors: a vector alone is no answer to both", async () => {
  const model = oneWeight();
  const encoder = cachedEncoder(model, new EmbeddingCache({folder: newFolder()}));
  await encoder.encodeImage([picture(5)]);
  const both = await encoder.encodeImage([picture(5), picture(6)], {features: true});
  assert.equal([...(both.grid ?? [])], [10, 15, 12, 18]);
  assert.equal(both.gridShape, [2, 1, 2, 1]);
  const again = await encoder.encodeImage([picture(6), picture(5)], {features: true});
  assert.equal([...(again.grid ?? [])], [12, 18, 10, 15]);
  assert.equal(model.computed, [[5], [5, 6]]);
});

test("a weight that was replaced gives other keys, and so does other preprocessing", async () => {
  const folder = newFolder();
  const model = oneWeight();
  const encoder = cachedEncoder(model, new EmbeddingCache({folder}));
  await encoder.encodeImage([picture(5)]);
  model.weight.assign(tf.scalar(2));
  assert.equal([...(await encoder.encodeImage([picture(5)])).vectors], [10, 1]);
  assert.equal(model.computed, [[5], [5]]);
  const other = oneWeight(1, {size: 3, mean: [0]});
  await cachedEncoder(other, new EmbeddingCache({folder})).encodeImage([picture(5)]);
  assert.equal(other.computed, [[5]]);
});

test("a damaged entry is computed and written again", async () => {
  const folder = newFolder();
  const model = oneWeight();
  const said: string[] = [];
  const encoder = cachedEncoder(model, new EmbeddingCache({folder, report: (line) => said.push(line)}));
  await encoder.encodeImage([picture(5)]);
  const key = embeddingKey({
    image: picture(5),
    weights: await hashWeights(model.vision.namedWeights(), {
      architecture: {width: 1},
      projectionWidth: 2,
    }),
    preprocess: {mean: [0], size: 2},
    output: "vector",
  });
  const path = join(folder, key.slice(0, 2), `${key}.safetensors`);
  assert.ok(existsSync(path));
  writeFileSync(path, "damaged");
  assert.equal([...(await encoder.encodeImage([picture(5)])).vectors], [5, 1]);
  assert.equal([...(await encoder.encodeImage([picture(5)])).vectors], [5, 1]);
  assert.equal(model.computed, [[5], [5]]);
  assert.is(said.length, 1);
});

test("sentences pass through, an empty list is the model's own answer, a batch below 1 is refused", async () => {
  const model = oneWeight();
  const encoder = cachedEncoder(model, new EmbeddingCache({folder: newFolder()}));
  assert.is((await encoder.encodeText(["a"])).truncated, 1);
  assert.is((await encoder.encodeImage([])).vectors.length, 0);
  const error = await encoder.encodeImage([picture(1)], {batch: 0}).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.instance(error, ConfigError);
});

test("the key: every part of picture, weights, preprocessing and result counts, the name does not", () => {
  const base = {image: picture(5), weights: "w", preprocess: {a: 1, b: {c: [1, 2], d: 2}}, output: "vector"};
  const own = embeddingKey(base);
  assert.match(own, /^[0-9a-f]{64}$/);
  assert.is(embeddingKey({...base, image: picture(5, "other name")}), own);
  assert.is(embeddingKey({...base, preprocess: {b: {d: 2, c: [1, 2]}, a: 1}}), own);
  const data = Uint8Array.of(5, 2, 3, 4);
  const others = [
    embeddingKey({...base, image: picture(6)}),
    embeddingKey({...base, image: createImage({data, height: 1, width: 4})}),
    embeddingKey({...base, image: createImage({data, height: 2, width: 2, white: 15})}),
    embeddingKey({...base, image: createImage({data: Uint16Array.of(0x0205, 0x0403), height: 1, width: 2})}),
    embeddingKey({...base, weights: "v"}),
    embeddingKey({...base, preprocess: {a: 1, b: {c: [2, 1], d: 2}}}),
    embeddingKey({...base, output: "grid"}),
  ];
  assert.is(new Set([own, ...others]).size, others.length + 1);
});

test("the hash of weights: order does not count; names, shapes, numbers and architecture do", async () => {
  const tensors = {one: tf.tensor1d([1, 2]), two: tf.tensor1d([3, 4]), tall: tf.tensor2d([[1], [2]])};
  const hash = (entries: [string, tf.Tensor][], architecture?: unknown): Promise<string> =>
    hashWeights(new Map(entries), architecture);
  const own = await hash([
    ["a", tensors.one],
    ["b", tensors.two],
  ]);
  const same = await hash([
    ["b", tensors.two],
    ["a", tensors.one],
  ]);
  assert.is(same, own);
  const others = await Promise.all([
    hash([
      ["a", tensors.two],
      ["b", tensors.one],
    ]),
    hash([
      ["a", tensors.tall],
      ["b", tensors.two],
    ]),
    hash([["a", tensors.one]]),
    hash(
      [
        ["a", tensors.one],
        ["b", tensors.two],
      ],
      {activation: "gelu"},
    ),
  ]);
  assert.is(new Set([own, ...others]).size, 5);
  tf.dispose(tensors);
});

test.run();

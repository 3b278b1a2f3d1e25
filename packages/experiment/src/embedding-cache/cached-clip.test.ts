import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {clipTiny, createClip} from "@claps/clip";
import {countTensors, createRandom} from "@claps/core";
import {createImage} from "@claps/image";
import type {Image} from "@claps/image";
import {startTestEngine} from "@claps/layers/testing";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {evaluateClip} from "../zero-shot/evaluate-clip.js";
import type {EvaluationItem} from "../zero-shot/evaluation-item.js";
import {cachedEncoder} from "./cached-encoder.js";
import {EmbeddingCache} from "./embedding-cache.js";

await startTestEngine();

const folder = mkdtempSync(join(tmpdir(), "claps-cached-clip-"));
process.on("exit", () => rmSync(folder, {recursive: true, force: true}));

function noise(seed: number, channels: 1 | 3): Image {
  const data = Uint8Array.from({length: 20 * 24 * channels}, (_, at) => (at * seed) % 251);
  return createImage({data, height: 20, width: 24, id: String(seed)});
}

const captions = {
  cfp: {drusen: ["fundus photograph: drusen"], normal: ["fundus photograph: nothing unusual"]},
  oct: {fluid: ["OCT B-scan: fluid"], normal: ["OCT B-scan: nothing unusual"]},
};
const items: EvaluationItem[] = [3, 5, 7, 11].map((seed, at) => {
  const modality = at % 2 === 0 ? "cfp" : "oct";
  const [first, second] = Object.keys(captions[modality]).map((label) => `${modality}/${label}`) as [
    string,
    string,
  ];
  const [positive, negative] = at < 2 ? [first, second] : [second, first];
  return {
    id: String(seed),
    image: noise(seed, modality === "cfp" ? 3 : 1),
    labels: {positive: [positive], negative: [negative]},
    caption: `${modality} ${positive}`,
  };
});

const clip = createClip(clipTiny, {random: createRandom(1)});

test("an untrained CLIP is evaluated, with a cache or without, with the same record", async () => {
  const plain = await evaluateClip(clip, {items, captions, batch: 4});
  const cache = new EmbeddingCache({folder});
  const encoder = cachedEncoder(clip, cache);
  const first = await evaluateClip(encoder, {items, captions, batch: 4});
  const second = await evaluateClip(encoder, {items, captions, batch: 4});
  assert.equal([first, second], [plain, plain]);
  assert.equal([cache.counts.misses, cache.counts.hits, cache.counts.written], [4, 4, 4]);
  assert.is(plain.macro.labelsUsed, 4);
});

test("vectors and grids from the disk are the model's own, bit by bit; no tensor is left behind", async () => {
  const images = items.map(({image}) => image);
  const own = await clip.encodeImage(images, {batch: 4, features: true});
  const {leaked} = await countTensors(async () => {
    const encoder = cachedEncoder(clip, new EmbeddingCache({folder}));
    await encoder.encodeImage(images, {batch: 4, features: true});
    const kept = await encoder.encodeImage(images, {batch: 4, features: true});
    assert.equal(kept.vectors, own.vectors);
    assert.equal(kept.grid, own.grid);
    assert.equal([...(kept.gridShape ?? [])], [...(own.gridShape ?? [])]);
  });
  assert.is(leaked, 0);
});

test("another model has other keys", async () => {
  const other = createClip(clipTiny, {random: createRandom(2)});
  const cache = new EmbeddingCache({folder});
  await cachedEncoder(other, cache).encodeImage([items[0]!.image]);
  assert.equal([cache.counts.hits, cache.counts.misses], [0, 1]);
  other.dispose();
});

test.run();

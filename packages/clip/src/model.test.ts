import {ConfigError, countTensors, createRandom} from "@claps/core";
import {createImage} from "@claps/image";
import type {Image} from "@claps/image";
import {addLora, blankRandom, mergeLora} from "@claps/layers";
import {checkRegistration, expectClose, startTestEngine} from "@claps/layers/testing";
import {createBertTokenizer} from "@claps/text";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import type {BertTextConfig} from "./bert-text-config.js";
import {
  clipSmall,
  clipTiny,
  clipUniMedB16,
  clipVitB16,
  clipVitB32,
  clipVitL14,
  clipVitL14At336,
  countClipParameters,
} from "./config.js";
import type {ClipConfig} from "./config.js";
import {clipMicro} from "./clip-micro.twin.js";
import {defaultTokenizer} from "./default-tokenizer.js";
import {createClip} from "./model.js";

await startTestEngine();

const bertText: BertTextConfig = {
  kind: "bert",
  contextLength: 40,
  encoder: {
    vocabularySize: 9,
    contextLength: 48,
    typeCount: 2,
    width: 16,
    depth: 1,
    heads: 2,
    mlpWidth: 24,
    activation: "gelu",
    epsilon: 1e-12,
    hasPooler: false,
    padId: 0,
  },
  pooling: "mean",
  projection: "mlp",
  projectionWidth: 12,
};
const bertMicro: ClipConfig = {...clipMicro, text: bertText};
const vocabulary = new Map(
  ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "optic", "disc", "##s", "cup"].map((word, id) => [word, id]),
);

const make = (config = clipMicro): ReturnType<typeof createClip> =>
  createClip(config, {random: createRandom("clip"), report: () => undefined});

const picture = (seed: number, height: number, width: number): Image =>
  createImage({
    data: Uint8Array.from(createRandom(seed).uniformArray(height * width * 3, 0, 255)),
    height,
    width,
    white: 255,
  });

test("the presets count as published, without being built", () => {
  assert.is(countClipParameters(clipVitB32), 151_277_313);
  assert.is(countClipParameters(clipVitB16), 149_620_737);
  assert.is(countClipParameters(clipVitL14), 427_616_513);
  assert.is(countClipParameters(clipVitL14At336), 427_944_193);
  // BERT-base without pooler has 108 891 648, the projection 640 × (768 + 512), the picture side of B/16 86 192 640.
  assert.is(countClipParameters(clipUniMedB16), 108_891_648 + 819_200 + 86_192_640 + 1);
});

test("counting from the configuration equals counting weights", () => {
  const variants: BertTextConfig[] = [
    bertText,
    {...bertText, encoder: {...bertText.encoder, hasPooler: true}, pooling: "pooler", projection: "linear"},
    {...bertText, projection: "none", projectionWidth: 16},
  ];
  const configs = [clipTiny, clipSmall, clipMicro].concat(
    variants.map((text) => ({...clipMicro, text, projectionWidth: text.projectionWidth})),
  );
  for (const config of configs) {
    const clip = createClip(config, {random: blankRandom});
    assert.is(clip.countParameters(), countClipParameters(config));
    clip.dispose();
  }
});

test("weights carry the published names, towers register all their parts, freezing and low-rank changes see them", () => {
  const clip = make();
  const names = [...clip.namedWeights().keys()];
  for (const name of [
    "vision_model.embeddings.class_embedding",
    "vision_model.pre_layrnorm.weight",
    "vision_model.encoder.layers.0.self_attn.q_proj.weight",
    "visual_projection.weight",
    "text_model.embeddings.token_embedding.weight",
    "text_projection.weight",
    "logit_scale",
  ]) {
    assert.ok(names.includes(name), name);
  }
  assert.is(new Set(names).size, names.length);
  checkRegistration(clip.vision, "vision");
  checkRegistration(clip.text, "text");
  assert.is(clip.setTrainable(/^vision_model\.encoder/, false), 16);
  assert.equal(addLora(clip, {pattern: /^text_model.*q_proj$/, rank: 2, random: createRandom(3)}), [
    "text_model.encoder.layers.0.self_attn.q_proj",
  ]);
  assert.ok(clip.namedWeights().has("text_model.encoder.layers.0.self_attn.q_proj.lora_a"));
  clip.dispose();
  const bert = make(bertMicro);
  for (const name of [
    "text_model.encoder.layer.0.attention.self.query.weight",
    "text_projection.0.weight",
    "text_projection.2.weight",
  ]) {
    assert.ok(bert.namedWeights().has(name), name);
  }
  bert.dispose();
});

test("nothing stays behind when a model is made, used and disposed", async () => {
  const {leaked} = await countTensors(async () => {
    const clip = make();
    await clip.encodeImage([picture(1, 20, 30)], {features: true});
    await clip.encodeText(["optic disc"]);
    const pixels = clip.preparePixels([picture(2, 9, 9)]);
    const ids = tf.tensor2d(clip.prepareTexts(["cup"]).ids, [1, 32], "int32");
    const {image, text, logits} = clip.forward(pixels, ids);
    tf.dispose([pixels, ids, {...image}, {...text}, logits]);
    clip.dispose();
  });
  assert.is(leaked, 0);
});

test("pictures: unit vectors that do not depend on batch, padding or neighbours; few graphs", async () => {
  const clip = make();
  const images = [1, 2, 3, 4, 5].map((seed) => picture(seed, 20 + seed, 30 - seed));
  const all = await clip.encodeImage(images, {batch: 4, features: true});
  assert.equal(all.shape, [5, 12]);
  assert.equal(all.gridShape, [5, 2, 2, 16]);
  assert.is(all.grid?.length, 5 * 4 * 16);
  const alone = await clip.encodeImage([images[4]!], {features: true});
  expectClose(alone.vectors, all.vectors.slice(48), 1e-5);
  expectClose(alone.grid!, all.grid!.slice(4 * 64), 1e-5);
  const threes = await clip.encodeImage(images, {batch: 3});
  assert.is(threes.grid, undefined);
  expectClose(threes.vectors, all.vectors, 1e-5);
  for (let row = 0; row < 5; row++) {
    const squares = all.vectors.slice(row * 12, row * 12 + 12).reduce((sum, value) => sum + value * value, 0);
    assert.ok(Math.abs(squares - 1) < 1e-5);
  }
  const none = await clip.encodeImage([]);
  assert.equal([none.vectors.length, none.shape], [0, [0, 12]]);
  clip.dispose();
});

test("pictures of every kind: grey, 16-bit, 1 x 1", async () => {
  const clip = make();
  const grey = createImage({
    data: Uint8Array.from({length: 64}, (_, i) => i * 4),
    height: 8,
    width: 8,
    white: 255,
  });
  const deep = createImage({
    data: Uint16Array.from({length: 64}, (_, i) => i * 4 * 257),
    height: 8,
    width: 8,
    white: 65535,
  });
  const dot = createImage({data: Uint8Array.of(9, 9, 9), height: 1, width: 1, white: 255});
  const {vectors} = await clip.encodeImage([grey, deep, dot]);
  assert.ok(vectors.every(Number.isFinite));
  const cosine = clip.similarity(vectors.slice(0, 12), vectors.slice(12, 24))[0] ?? 0;
  assert.ok(cosine > 0.999, `${cosine}`);
  clip.dispose();
});

test("texts: vectors do not depend on batch, padding or neighbours, CLIP's tower and BERT", async () => {
  for (const config of [clipMicro, bertMicro]) {
    const tokenizer = config.text.kind === "bert" ? createBertTokenizer(vocabulary) : undefined;
    const clip = createClip(config, {random: createRandom("clip"), tokenizer, report: () => undefined});
    const texts = ["optic disc", "cup", "optic cup disc discs", "", "disc ".repeat(30)];
    const all = await clip.encodeText(texts);
    assert.is(all.empty, 1);
    const one = await clip.encodeText(texts.slice(0, 1));
    expectClose(one.vectors, all.vectors.slice(0, 12), 1e-5);
    const pairs = await clip.encodeText(texts, {batch: 2});
    expectClose(pairs.vectors, all.vectors, 1e-5);
    assert.is(pairs.truncated, all.truncated);
    assert.ok(all.vectors.every(Number.isFinite));
    clip.dispose();
  }
});

test("too long texts are cut after a word, counted, and said once", async () => {
  const lines: string[] = [];
  const clip = createClip(clipMicro, {random: createRandom(1), report: (line) => lines.push(line)});
  const long = `${"optic disc ".repeat(40)}`;
  const prepared = clip.prepareTexts([long, "optic disc", ""]);
  assert.equal(prepared.shape, [3, 32]);
  assert.is(prepared.truncated, 1);
  assert.is(prepared.empty, 1);
  const tokenizer = defaultTokenizer();
  const words = tokenizer.decode(prepared.ids.slice(0, 32));
  assert.match(words, /^(optic disc ?)*(optic)?$/);
  assert.equal([...prepared.ids.slice(64, 66)], [tokenizer.startId, tokenizer.endId]);
  assert.is(
    prepared.mask.slice(64).reduce((sum, value) => sum + value, 0),
    2,
  );
  const encoded = await clip.encodeText([long, long]);
  assert.is(encoded.truncated, 2);
  assert.is(lines.length, 1);
  assert.match(lines[0] ?? "", /1 of 3 texts are longer than 32 tokens and were cut after a word/);
  assert.equal(clip.prepareTexts(["cup"], {length: "shortest"}).shape, [1, 16]);
  assert.throws(() => clip.prepareTexts(["cup"], {length: 33}), /length of prepared texts/);
  clip.dispose();
});

test("new weights count at once, and so do low-rank changes", async () => {
  const clip = make();
  const image = picture(7, 16, 16);
  const before = await clip.encodeImage([image]);
  const {weight} = clip.vision.projection;
  tf.tidy(() => weight.assign(tf.neg(weight)));
  const after = await clip.encodeImage([image]);
  expectClose(
    after.vectors,
    before.vectors.map((value) => -value),
    1e-6,
  );
  addLora(clip, {pattern: /^visual_projection$/, rank: 2, random: createRandom(4)});
  const up = clip.namedWeights().get("visual_projection.lora_b")!;
  tf.tidy(() => up.assign(tf.ones(up.shape)));
  const changed = await clip.encodeImage([image]);
  assert.ok(clip.similarity(after.vectors, changed.vectors)[0]! < 0.9999);
  mergeLora(clip);
  expectClose((await clip.encodeImage([image])).vectors, changed.vectors, 1e-5);
  clip.dispose();
});

test("similarity by hand; the whole forward agrees with the parts", async () => {
  const clip = make();
  const images = [picture(1, 16, 16), picture(2, 16, 16)];
  const texts = ["optic disc", "cup", "macula"];
  const [a, b] = [await clip.encodeImage(images), await clip.encodeText(texts)];
  const cosines = clip.similarity(a.vectors, b.vectors);
  const pixels = clip.preparePixels(images);
  const {ids, shape} = clip.prepareTexts(texts);
  const {logits} = clip.forward(pixels, tf.tensor2d(ids, shape, "int32"));
  // exp(2.6592) = 14.285.
  expectClose(
    logits,
    cosines.map((value) => value * 14.28486),
    1e-4,
  );
  assert.throws(
    () => clip.similarity(a.vectors, b.vectors.slice(1)),
    /expected vectors of 12 numbers, got 35/,
  );
  clip.dispose();
});

test("a tokenizer of another kind or size, and no tokenizer at all, are refused", () => {
  const refused = (action: () => unknown, message: RegExp): void => {
    assert.throws(action, (error: unknown) => error instanceof ConfigError && message.test(error.message));
  };
  const random = blankRandom;
  refused(
    () =>
      createClip(
        {...clipMicro, text: {...clipMicro.text, vocabularySize: 1001} as never},
        {random, tokenizer: defaultTokenizer()},
      ),
    /vocabulary size of the embedding, 1001, got 1000/,
  );
  refused(() => createClip(bertMicro, {random, tokenizer: defaultTokenizer()}), /the kind bert, got clip/);
  const padded = {...bertMicro, text: {...bertText, encoder: {...bertText.encoder, padId: 1}}};
  refused(
    () => createClip(padded, {random, tokenizer: createBertTokenizer(vocabulary)}),
    /padding id 1, got 0/,
  );
  const bare = createClip(bertMicro, {random});
  refused(() => bare.prepareTexts(["disc"]), /expected a tokenizer for texts, got a model without/);
  bare.dispose();
});

test("numbers that do not fit together are refused by name", () => {
  const wrong: [ClipConfig, RegExp][] = [
    [{...clipMicro, projectionWidth: 13}, /text.projectionWidth: expected the width 13/],
    [
      {...clipMicro, preprocess: {...clipMicro.preprocess, imageSize: 20}},
      /multiples of the patch size 8, got 20 x 20/,
    ],
    [{...bertMicro, text: {...bertText, pooling: "pooler"}}, /expected an encoder with hasPooler/],
    [{...bertMicro, text: {...bertText, projection: "none" as const}}, /from width 16 to 12, got "none"/],
    [{...bertMicro, text: {...bertText, contextLength: 49}}, /contextLength/],
    [
      {...bertMicro, text: {...bertText, pooling: "max" as "mean"}},
      /pooling: expected first token, mean, pooler, got "max"/,
    ],
  ];
  for (const [config, message] of wrong) {
    assert.throws(
      () => createClip(config, {random: blankRandom}),
      (error: unknown) => error instanceof ConfigError && message.test(error.message),
      String(message),
    );
  }
});

test.run();

import {ConfigError, createRandom, ShapeError} from "@claps/core";
import {createImage, createMask} from "@claps/image";
import type {Box} from "@claps/image";
import {checkLayer, expectClose, startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkSamConfig, samBase, samMicro, samTiny} from "./config.js";
import type {SamConfig} from "./config.js";
import {MaskDecoder} from "./mask-decoder.js";
import {createSam, Sam} from "./model.js";
import {PromptEncoder} from "./prompt-encoder.js";

await startTestEngine();
const random = createRandom("sam");
const sam = createSam(samMicro, {random});
const sample = (label: string, shape: number[]): tf.Tensor =>
  tf.tensor(random.fork(label).normalArray(tf.util.sizeFromShape(shape)), shape);
const width = samMicro.promptWidth;
const embedding = sample("embedding", [2, 8, 8, width]);
const boxes = tf.tensor3d(
  [4, 4, 40, 50, 10, 0, 60, 30, 1, 2, 3, 4, 4, 4, 40, 50, 0, 0, 64, 64, 20, 20, 30, 40],
  [2, 3, 4],
);

/** Parameters of prompt encoder and decoder by arithmetic from the configuration, independent of the code. */
function countByHand({promptWidth: D, maskChannels: C, decoder}: SamConfig): {
  prompts: number;
  decoder: number;
} {
  const {depth, mlpWidth: M, downsampling, proposals, iouDepth, iouWidth: I} = decoder;
  const inner = D / downsampling;
  const masks = proposals + 1;
  const attention = (width: number): number => 3 * (D * width + width) + width * D + D;
  const block = attention(D) + 2 * attention(inner) + (2 * D * M + M + D) + 8 * D;
  const hyper = 2 * (D * D + D) + (D * D) / 8 + D / 8;
  const iou = D * I + I + (iouDepth - 2) * (I * I + I) + I * masks + masks;
  const upscaling = D * D + D / 4 + D / 2 + (D / 4) * (D / 2) + D / 8;
  return {
    prompts: D + 6 * D + (C + C / 4) + C / 2 + (C * C + C) + 2 * C + (C * D + D),
    decoder: D + masks * D + depth * block + attention(inner) + 2 * D + masks * hyper + iou + upscaling,
  };
}

test("the published decoder and prompt encoder have their number of parameters", () => {
  // 4 058 340 and 6 220 as PyTorch counts them for ViT-B, L and H alike; 256 fixed frequencies come on top.
  const decoder = new MaskDecoder(samBase, {random});
  assert.is(decoder.countParameters(), 4_058_340);
  assert.is(countByHand(samBase).decoder, 4_058_340);
  decoder.dispose();
  const prompts = new PromptEncoder(samBase, {random});
  assert.is(prompts.countParameters(), 6_220 + 256);
  assert.is(countByHand(samBase).prompts, 6_220 + 256);
  prompts.dispose();
});

test("contract: a gradient for every weight that the proposals need", () => {
  checkLayer({
    build: (source) => new Sam(samMicro, {random: source}),
    run: (block) => {
      const input = {prompts: {boxes: tf.slice(boxes, [0, 0, 0], [1, 2, 4])}, multimask: true};
      const {logits, iou} = block.forward(sample("pixels", [1, 64, 64, 3]), input);
      return [logits, iou];
    },
    outputShape: [1, 2, 3, 32, 32],
    // Encoder 37, prompt encoder 17, decoder 2 tokens, 2 blocks of 36, final attention 10, and 36 in its heads.
    weights: 37 + 17 + 2 + 72 + 10 + 36,
    parameters:
      sam.imageEncoder.countParameters() + countByHand(samMicro).prompts + countByHand(samMicro).decoder,
    unreached: [
      ...["point_embed.0", "point_embed.1", "not_a_point_embed"].map(
        (name) => `prompt_encoder.${name}.weight`,
      ),
      ...["conv1", "conv2", "conv3", "layer_norm1", "layer_norm2"].flatMap((name) =>
        ["weight", "bias"].map((kind) => `prompt_encoder.mask_embed.${name}.${kind}`),
      ),
      ...["proj_in", "layers.0", "proj_out"].flatMap((name) =>
        ["weight", "bias"].map((kind) => `mask_decoder.output_hypernetworks_mlps.0.${name}.${kind}`),
      ),
      ...[0, 1].flatMap((layer) =>
        ["self_attn", "cross_attn_token_to_image", "cross_attn_image_to_token"].map(
          (name) => `mask_decoder.transformer.layers.${layer}.${name}.k_proj.bias`,
        ),
      ),
      "mask_decoder.transformer.final_attn_token_to_image.k_proj.bias",
    ],
  });
});

test("prompts of one picture do not see each other, nor do pictures", () => {
  tf.tidy(() => {
    const {logits, iou} = sam.decodeTensors({embedding, prompts: {boxes}});
    assert.equal(logits.shape, [2, 3, 1, 32, 32]);
    for (const [image, prompt] of [
      [0, 2],
      [1, 0],
    ] as const) {
      const alone = sam.decodeTensors({
        embedding: tf.slice(embedding, [image, 0, 0, 0], [1, 8, 8, width]),
        prompts: {boxes: tf.slice(boxes, [image, prompt, 0], [1, 1, 4])},
      });
      expectClose(tf.slice(logits, [image, prompt, 0, 0, 0], [1, 1, 1, 32, 32]), alone.logits, 1e-5);
      expectClose(tf.slice(iou, [image, prompt, 0], [1, 1, 1]), alone.iou, 1e-5);
    }
  });
});

test("a mask shared by the prompts equals the same mask given to each", () => {
  tf.tidy(() => {
    const masks = sample("masks", [2, 1, 32, 32]);
    const shared = sam.decodeTensors({embedding, prompts: {boxes, masks}});
    const each = sam.decodeTensors({embedding, prompts: {boxes, masks: tf.tile(masks, [1, 3, 1, 1])}});
    expectClose(shared.logits, each.logits, 1e-5);
    const alone = sam.decodeTensors({embedding, prompts: {masks}});
    assert.equal(alone.logits.shape, [2, 1, 1, 32, 32]);
  });
});

test("the single mask and the proposals are different outputs of the same tokens", () => {
  tf.tidy(() => {
    const one = sam.decodeTensors({embedding, prompts: {boxes}});
    const three = sam.decodeTensors({embedding, prompts: {boxes}, multimask: true});
    assert.equal(three.iou.shape, [2, 3, 3]);
    assert.ok(one.iou.dataSync()[0] !== three.iou.dataSync()[0]);
  });
});

test("a zero text changes nothing, exactly; another one does; a token is one more prompt", () => {
  tf.tidy(() => {
    const plain = sam.decodeTensors({embedding, prompts: {boxes}});
    const silent = sam.decodeTensors({embedding, prompts: {boxes}, textAdditive: tf.zeros([2, 3, width])});
    expectClose(silent.logits, plain.logits, 0);
    expectClose(silent.iou, plain.iou, 0);
    const textAdditive = sample("text", [2, 3, width]);
    const textTokens = sample("text", [2, 3, 1, width]);
    for (const guided of [
      sam.decodeTensors({embedding, prompts: {boxes}, textAdditive}),
      sam.decodeTensors({embedding, prompts: {boxes}, textTokens}),
    ]) {
      const change = tf.max(tf.abs(tf.sub(guided.logits, plain.logits))).dataSync()[0] as number;
      assert.ok(change > 1e-4);
    }
    assert.throws(
      () => sam.decodeTensors({embedding, prompts: {boxes}, textAdditive: tf.zeros([2, 2, width])}),
      (error: unknown) => error instanceof ShapeError,
    );
  });
});

const picture = createImage({
  data: Uint8Array.from({length: 40 * 50 * 3}, (_, index) => (index * 7) % 256),
  height: 40,
  width: 50,
});

test("encode and decode: ragged prompts, source size, best first, nothing left behind", async () => {
  const first = await sam.encode(picture);
  first.dispose();
  const before = tf.memory().numTensors;
  const encoded = await sam.encode(picture);
  const many: Box[] = Array.from({length: 18}, (_, index) => [index, index, index + 20, index + 15]);
  const results = await sam.decode(encoded, {boxes: many, multimask: true});
  assert.is(results.length, 18);
  for (const candidates of results) {
    assert.is(candidates.length, 3);
    assert.equal([candidates[0]?.mask.height, candidates[0]?.mask.width], [40, 50]);
    const scores = candidates.map(({score}) => score);
    assert.equal(
      scores,
      [...scores].sort((a, b) => b - a),
    );
  }
  const [alone] = await sam.decode(encoded, {boxes: [many[17] as Box], multimask: true});
  expectClose(alone?.[0]?.logits ?? [], results[17]?.[0]?.logits ?? [1], 1e-4);
  const inside = Uint8Array.from(alone?.[0]?.logits ?? [], (value) => (value > 0 ? 1 : 0));
  assert.equal(alone?.[0]?.mask.pixels.data, createMask({data: inside, height: 40, width: 50}).pixels.data);
  encoded.dispose();
  assert.is(tf.memory().numTensors, before);
});

test("encode rejects where it fails and leaves nothing behind", async () => {
  const disposed = createSam(samMicro, {random});
  disposed.dispose();
  const before = tf.memory().numTensors;
  // A throw instead of a rejection would end the test here.
  const encoding = disposed.encode(picture);
  const error = await encoding.catch((reason: unknown) => reason);
  assert.instance(error, Error);
  assert.is(tf.memory().numTensors, before);
});

test("points: prompts with other numbers of points do not change a prompt's answer", async () => {
  const encoded = await sam.encode(picture);
  const one = [{x: 10, y: 12}];
  const two = [
    {x: 30, y: 20},
    {x: 5, y: 35, inside: false},
  ];
  const together = await sam.decode(encoded, {points: [one, two, one]});
  const [alone] = await sam.decode(encoded, {points: [two]});
  expectClose(together[1]?.[0]?.logits ?? [], alone?.[0]?.logits ?? [1], 1e-4);
  expectClose(together[0]?.[0]?.logits ?? [], together[2]?.[0]?.logits ?? [1], 1e-5);
  assert.equal(await sam.decode(encoded, {boxes: []}), []);
  encoded.dispose();
});

test("decode refuses contradictions", async () => {
  const encoded = await sam.encode(picture);
  const message = async (prompts: Parameters<Sam["decode"]>[1]): Promise<string> =>
    sam.decode(encoded, prompts).then(
      () => "no error",
      (error: unknown) =>
        error instanceof ConfigError || error instanceof ShapeError ? error.message : "another",
    );
  assert.match(await message({}), /boxes or points/);
  assert.match(await message({boxes: [[0, 0, 1, 1]], points: []}), /as many lists of points as boxes/);
  assert.match(await message({points: [[]]}), /at least one point/);
  assert.match(await message({boxes: [[0, 0, 1, 1]], textAdditive: tf.zeros([2, width])}), /textAdditive/);
  encoded.dispose();
});

test("configurations are plain data, and numbers that do not fit are refused", () => {
  for (const config of [samTiny, samBase]) {
    assert.equal(JSON.parse(JSON.stringify(config)), config);
    checkSamConfig(config);
  }
  const wrong = {...samMicro, promptWidth: 20};
  assert.throws(() => createSam(wrong, {random}), /promptWidth.*multiple of 8, got 20/);
});

test.run();

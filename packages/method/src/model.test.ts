import {defaultTokenizer} from "@claps/clip";
import {ConfigError, countTensors, createRandom} from "@claps/core";
import {startTestEngine} from "@claps/layers/testing";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {clapsMicro, microWith, noisePicture} from "./claps-micro.twin.js";
import type {ClapsConfig} from "./config.js";
import {createClaps} from "./model.js";
import type {Claps} from "./model.js";
import {normalizePixels} from "@claps/sam";

await startTestEngine();

const PHRASES = ["fundus photograph: optic disc", "fundus photograph: haemorrhage"];

/** Logits and predicted IoU of one picture for two phrases in the same box. */
function answers(claps: Claps): {logits: Float32Array; iou: Float32Array; shapes: number[][]} {
  return tf.tidy(() => {
    const pixels = normalizePixels([noisePicture(64, 64)], claps.config.sam);
    const ids = tf.tensor3d(claps.encodePhrases(PHRASES), [1, 2, 32], "int32");
    const boxes = tf.tensor3d([0, 0, 64, 64, 0, 0, 64, 64], [1, 2, 4]);
    const {logits, iou} = claps.forward({pixels, ids, boxes});
    return {
      logits: logits.dataSync<"float32">().slice(),
      iou: iou.dataSync<"float32">().slice(),
      shapes: [logits.shape, iou.shape],
    };
  });
}

function withClaps<T>(config: ClapsConfig, run: (claps: Claps) => T): T {
  const claps = createClaps(config, {random: createRandom(7)});
  try {
    return run(claps);
  } finally {
    claps.dispose();
  }
}

test("forward: 64 px in patches of 8 give logits of 4 * 8 = 32 px, one mask per phrase", () => {
  const {shapes} = withClaps(clapsMicro, answers);
  assert.equal(shapes, [
    [1, 2, 32, 32],
    [1, 2],
  ]);
});

test("an untrained text that starts with nothing changes nothing, to the last bit", () => {
  const silent = withClaps(microWith({start: "nothing"}), answers);
  const without = withClaps(microWith({form: "off"}), answers);
  assert.equal(silent.logits, without.logits);
  assert.equal(silent.iou, without.iou);
});

for (const form of ["additive", "token"] as const) {
  test(`${form}: another phrase in the same box gives another mask`, () => {
    const {logits} = withClaps(microWith({form}), answers);
    const differs = logits.subarray(0, 1024).some((value, index) => value !== logits[1024 + index]);
    assert.ok(differs);
  });
}

test("without guidance the phrase is not read", () => {
  const {logits} = withClaps(microWith({form: "off"}), answers);
  assert.equal(logits.slice(0, 1024), logits.slice(1024));
});

test("weights: three parts, and the text prompt's 8 * 16 + 16 + 16 * 16 + 16 numbers", () => {
  withClaps(clapsMicro, (claps) => {
    const named = claps.namedWeights();
    const prefixes = new Set([...named.keys()].map((name) => name.split(".")[0]));
    assert.equal([...prefixes], ["sam", "text", "text_prompt"]);
    const parts = claps.sam.countParameters() + claps.text.countParameters();
    assert.is(claps.countParameters(), parts + 416);
  });
  withClaps(microWith({form: "off"}), (claps) => {
    assert.is(claps.countParameters(), claps.sam.countParameters() + claps.text.countParameters());
  });
});

test("the same seed gives the same numbers, another seed others", () => {
  const first = withClaps(clapsMicro, answers);
  assert.equal(withClaps(clapsMicro, answers).logits, first.logits);
  const other = createClaps(clapsMicro, {random: createRandom(8)});
  assert.not.equal(answers(other).logits, first.logits);
  other.dispose();
});

test("phrases become rows of one length that start and end as CLIP's do", () => {
  withClaps(clapsMicro, (claps) => {
    const ids = claps.encodePhrases(["optic disc", "a much longer phrase about the optic disc"]);
    assert.is(ids.length, 2 * 32);
    assert.is(ids[0], ids[32]);
    assert.ok(ids.subarray(0, 32).includes(999));
    assert.ok(ids.subarray(32).includes(999));
  });
});

test("a tokenizer with more tokens than the text tower is refused", () => {
  const {vocabularySize} = defaultTokenizer();
  const small = {...clapsMicro, text: {...clapsMicro.text, vocabularySize: 10, endId: 9}};
  assert.throws(
    () => createClaps(small, {random: createRandom(1)}),
    (error: unknown) => error instanceof ConfigError && error.message.includes(String(vocabularySize)),
  );
});

test("making, running and disposing a model leaves no tensor", async () => {
  const {leaked} = await countTensors(() => void withClaps(clapsMicro, answers));
  assert.is(leaked, 0);
});

test.run();

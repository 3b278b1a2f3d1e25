import {ConfigError, ShapeError, WeightError, createRandom} from "@claps/core";
import {checkLayer, expectClose, startTestEngine} from "@claps/layers/testing";
import {assignWeights, exportWeights} from "@claps/weights";
import type {StoredTensor} from "@claps/weights";
import * as tf from "@tensorflow/tfjs-core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {
  bertBase,
  bertConfigFromHuggingFace,
  bertConfigToHuggingFace,
  bertTiny,
  checkBertConfig,
} from "./bert-config.js";
import type {BertConfig} from "./bert-config.js";
import {BertEncoder} from "./bert-encoder.js";
import {bertRules} from "./bert-rules.js";

await startTestEngine();

const small: BertConfig = {...bertTiny, vocabularySize: 9, contextLength: 5, width: 6, heads: 3, mlpWidth: 8};
const ids = [[1, 4, 2]];

test("keeps the contract of layers", () => {
  checkLayer({
    build: (random) => {
      const bert = new BertEncoder(small, {random});
      // With BERT's first values attention is all but uniform, and its gradients are below rounding.
      for (const variable of bert.namedWeights().values()) {
        if (variable.rank === 2) tf.tidy(() => variable.assign(tf.mul(variable, 25)));
      }
      return bert;
    },
    run: (bert) => {
      const {tokens, pooled} = bert.forward(tf.tensor2d(ids, [1, 3], "int32"));
      return [tokens, pooled as tf.Tensor];
    },
    outputShape: [1, 3, 6],
    weights: 5 + 2 * 16 + 2,
    // Tables 9 + 5 + 2 rows of 6, one norm; per block four 6 × 6 with biases, two norms, 6 → 8 → 6; the pooler.
    unreached: ["encoder.layer.0.attention.self.key.bias", "encoder.layer.1.attention.self.key.bias"],
    parameters: 16 * 6 + 12 + 2 * (4 * 42 + 24 + 56 + 54) + 42,
  });
});

test("hidden tokens change nothing, given defaults equal those left out", () => {
  const bert = new BertEncoder(small, {random: createRandom(3)});
  tf.tidy(() => {
    const short = bert.forward(tf.tensor2d(ids, [1, 3], "int32"));
    const padded = bert.forward(tf.tensor2d([[1, 4, 2, 8, 0]], [1, 5], "int32"), {
      mask: tf.tensor2d([[1, 1, 1, 0, 0]], [1, 5], "int32"),
      typeIds: tf.zeros([1, 5], "int32"),
      positionIds: tf.tensor2d([[0, 1, 2, 3, 4]], [1, 5], "int32"),
    });
    expectClose(tf.slice(padded.tokens, [0, 0, 0], [1, 3, 6]), short.tokens, 1e-6);
    expectClose(padded.pooled as tf.Tensor, short.pooled as tf.Tensor, 1e-6);
  });
  bert.dispose();
});

test("inputs that do not fit are refused", () => {
  const bert = new BertEncoder(small, {random: createRandom(3)});
  const three = tf.tensor2d(ids, [1, 3], "int32");
  const refused = (run: () => unknown, message: RegExp): void => {
    assert.throws(run, (error: unknown) => error instanceof ShapeError && message.test(error.message));
  };
  refused(() => bert.forward(tf.zeros([1, 6], "int32")), /1 to 5 tokens, got \[1, 6\]/);
  refused(() => bert.forward(tf.zeros([3], "int32")), /got \[3\]/);
  refused(() => bert.forward(three, {mask: tf.zeros([1, 2], "int32")}), /mask: expected shape \[1, 3\]/);
  refused(() => bert.forward(three, {mask: tf.zeros([1, 3, 2], "int32")}), /\[1, 3, 3\]/);
  refused(() => bert.forward(three, {typeIds: tf.zeros([3], "int32")}), /typeIds/);
  refused(() => bert.forward(three, {positionIds: tf.zeros([2, 3], "int32")}), /positionIds/);
  bert.dispose();
});

test("configurations: presets, round trip, defaults of the reference", () => {
  checkBertConfig(bertTiny);
  assert.equal(bertConfigFromHuggingFace({}), bertBase);
  assert.equal(bertConfigFromHuggingFace(bertConfigToHuggingFace(bertTiny)), bertTiny);
  assert.is(bertConfigFromHuggingFace({}, {hasPooler: false}).hasPooler, false);
});

test("configurations that this encoder does not compute are refused", () => {
  const refused = (published: unknown, message: RegExp): void => {
    assert.throws(
      () => bertConfigFromHuggingFace(published),
      (error: unknown) => error instanceof ConfigError && message.test(error.message),
    );
  };
  refused(null, /expected a record/);
  refused([], /expected a record/);
  refused({model_type: "roberta"}, /expected model_type "bert", got "roberta"/);
  refused({hidden_act: "gelu_new"}, /hidden_act.*"gelu_new"/);
  refused({position_embedding_type: "relative_key"}, /position_embedding_type/);
  refused({is_decoder: true}, /is_decoder/);
  refused({hidden_size: "768"}, /hidden_size: expected a number, got "768"/);
  refused({num_attention_heads: 7}, /heads: expected a divisor of the width 768/);
  refused({vocab_size: 0}, /vocabularySize/);
  refused({pad_token_id: 30522}, /padId/);
});

test("weights: prefixes, gamma and beta of old files, strict on the rest", async () => {
  const bert = new BertEncoder(small, {random: createRandom(3)});
  const own = await exportWeights(bert, bertRules());
  assert.equal(own.get("encoder.layer.1.intermediate.dense.weight")?.shape, [8, 6]);
  assert.equal(own.get("embeddings.word_embeddings.weight")?.shape, [9, 6]);
  const old = new Map<string, StoredTensor>(
    [...own].map(([name, tensor]) => [
      `bert.${name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")}`,
      tensor,
    ]),
  );
  old.set("bert.embeddings.position_ids", {dtype: "F32", shape: [1], data: new Float32Array(1)});
  const copy = new BertEncoder(small, {random: createRandom(4)});
  assignWeights(copy, old, bertRules("bert."));
  for (const [path, variable] of copy.namedWeights()) {
    expectClose(variable, bert.namedWeights().get(path) as tf.Variable, 0, path);
  }
  const headless = new BertEncoder({...small, hasPooler: false}, {random: createRandom(4)});
  assert.throws(
    () => assignWeights(headless, own, bertRules()),
    (error: unknown) => error instanceof WeightError && /pooler\.dense/.test(error.message),
  );
  for (const each of [bert, copy, headless]) each.dispose();
});

test.run();

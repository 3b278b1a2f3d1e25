import {ConfigError} from "@claps/core";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {checkTextConfig, textBase, textConfigFromHuggingFace, textTiny} from "./text-config.js";

test("presets make sense and an empty published configuration is CLIP ViT-B", () => {
  checkTextConfig(textTiny);
  assert.equal(textConfigFromHuggingFace({}), {...textBase});
});

test("reads a whole CLIP configuration, its own projection width first", () => {
  const config = textConfigFromHuggingFace({
    projection_dim: 24,
    text_config: {
      hidden_size: 20,
      num_attention_heads: 2,
      hidden_act: "gelu",
      projection_dim: 99,
      layer_norm_eps: 1e-6,
    },
  });
  assert.is(config.projectionWidth, 24);
  assert.is(config.width, 20);
  assert.is(config.activation, "gelu");
  assert.is(config.epsilon, 1e-6);
});

test("an end token of 2 means the old rule", () => {
  const config = textConfigFromHuggingFace({eos_token_id: 2});
  assert.is(config.pooling, "largest id");
  assert.is(config.endId, 49407);
});

test("refuses what makes no sense", () => {
  const refused = (action: () => unknown, message: RegExp): void => {
    assert.throws(action, (error: unknown) => error instanceof ConfigError && message.test(error.message));
  };
  refused(() => textConfigFromHuggingFace(null), /expected a record, got null/);
  refused(() => textConfigFromHuggingFace({hidden_act: "silu"}), /expected quick_gelu or gelu, got "silu"/);
  refused(() => textConfigFromHuggingFace({hidden_size: "512"}), /hidden_size: expected a number/);
  refused(() => checkTextConfig({...textTiny, heads: 5}), /divisor of the width 64, got 5/);
  refused(() => checkTextConfig({...textTiny, endId: 1000}), /endId/);
  refused(() => checkTextConfig({...textTiny, depth: 0}), /depth/);
});

test.run();

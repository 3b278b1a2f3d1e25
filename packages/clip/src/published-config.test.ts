import {ConfigError} from "@claps/core";
import {bertBase} from "@claps/text";
import {test} from "uvu";
import * as assert from "uvu/assert";
import {clipTiny, clipUniMedB16, clipVitB16, clipVitB32, clipVitL14At336} from "./config.js";
import type {ClipConfig} from "./config.js";
import {clipConfigFromHuggingFace, clipConfigToHuggingFace} from "./hugging-face-config.js";
import {parseClipConfig} from "./load-clip.js";
import {clipConfigFromOpenClip, clipConfigToOpenClip, openClipTextModel} from "./open-clip-config.js";

function refused(action: () => unknown, message: RegExp, code?: string): void {
  assert.throws(
    action,
    (error: unknown) =>
      error instanceof ConfigError &&
      message.test(error.message) &&
      (code === undefined || error.code === code),
    String(message),
  );
}

/** As `clipVitB16` in open_clip's own words, but for the activation and the rule of the end token. */
const openB16 = {
  embed_dim: 512,
  vision_cfg: {image_size: 224, layers: 12, width: 768, patch_size: 16},
  text_cfg: {context_length: 77, vocab_size: 49408, width: 512, heads: 8, layers: 12},
};

const withoutKind = (text: {kind?: string}): object =>
  Object.fromEntries(Object.entries(text).filter(([name]) => name !== "kind"));

test("an empty published configuration is ViT-B/32, and the presets survive both directions", () => {
  assert.equal(clipConfigFromHuggingFace({}), {...clipVitB32, text: {...clipVitB32.text}});
  for (const preset of [clipVitB32, clipVitB16, clipVitL14At336, clipTiny]) {
    const again = clipConfigFromHuggingFace(JSON.parse(JSON.stringify(clipConfigToHuggingFace(preset))), {
      size: {shortest_edge: preset.preprocess.imageSize},
      crop_size: preset.preprocess.imageSize,
    });
    assert.equal(JSON.parse(JSON.stringify(again)), JSON.parse(JSON.stringify(preset)));
  }
});

test("an old published configuration: file keeping, generation, and differences a second time", () => {
  const config = clipConfigFromHuggingFace({
    _name_or_path: "clip",
    architectures: ["CLIPModel"],
    model_type: "clip",
    projection_dim: 768,
    logit_scale_init_value: 2.5,
    text_config: {hidden_size: 99, num_beams: 1, top_k: 50, id2label: {0: "LABEL_0"}},
    text_config_dict: {hidden_size: 768, num_attention_heads: 12, intermediate_size: 3072},
    vision_config: {
      hidden_size: 1024,
      num_attention_heads: 16,
      image_size: 336,
      patch_size: 14,
      num_channels: 3,
    },
    vision_config_dict: null,
    torch_dtype: "float32",
    transformers_version: null,
  });
  assert.is(config.text.kind, undefined);
  assert.is((config.text as {width: number}).width, 768);
  assert.is(config.vision.imageSize, 336);
  assert.is(config.preprocess.imageSize, 336);
  assert.is(config.initialLogitScale, 2.5);
  assert.is(config.projectionWidth, 768);
});

test("what Hugging Face's files may not say", () => {
  refused(
    () => clipConfigFromHuggingFace({model_type: "siglip"}),
    /expected "clip", got "siglip"/,
    "config-architecture",
  );
  refused(
    () => clipConfigFromHuggingFace({vision_config: {hidden_act: "silu"}}),
    /hidden_act: expected quick_gelu or gelu, got "silu"/,
  );
  refused(
    () => clipConfigFromHuggingFace({vision_config: {num_channels: 1}}),
    /num_channels: expected null or 3/,
  );
  refused(
    () => clipConfigFromHuggingFace({vision_config: {layer_scale: 0.1, rope: true}}),
    /vision_config: expected settings of CLIP, got "layer_scale", "rope"/,
    "config-unknown",
  );
  refused(
    () => clipConfigFromHuggingFace({text_config: {qk_norm: true}}),
    /text_config.*"qk_norm"/,
    "config-unknown",
  );
  refused(
    () => clipConfigFromHuggingFace({vision_config: {hidden_size: "768"}}),
    /hidden_size: expected a number/,
  );
  refused(
    () => clipConfigFromHuggingFace({vision_config: {patch_size: [16, 8]}}),
    /patch_size: expected a number, or equal ones/,
  );
  refused(() => clipConfigFromHuggingFace({vision_config: []}), /vision_config: expected a record/);
  refused(() => clipConfigFromHuggingFace(7), /expected a record, got 7/);
  refused(
    () => parseClipConfig({image_encoder: {}}),
    /got one with the fields image_encoder/,
    "config-architecture",
  );
});

test("open_clip: ViT-B/16 as written there, whole or bare", () => {
  const bare = clipConfigFromOpenClip(openB16);
  assert.equal(bare.vision, {...clipVitB16.vision, activation: "gelu"});
  assert.equal(withoutKind(bare.text), {...clipVitB16.text, activation: "gelu", pooling: "largest id"});
  assert.ok(Math.abs(bare.initialLogitScale - 2.6592) < 1e-4);
  assert.is(bare.preprocess.cropRounding, "halfEven");
  const whole = parseClipConfig({
    model_cfg: {...openB16, quick_gelu: true},
    preprocess_cfg: {mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]},
  });
  assert.is(whole.vision.activation, "quickGelu");
  assert.equal([...whole.preprocess.mean], [0.5, 0.5, 0.5]);
  assert.is(
    clipConfigFromOpenClip({...openB16, vision_cfg: {...openB16.vision_cfg, norm_kwargs: {eps: 1e-6}}}).vision
      .epsilon,
    1e-6,
  );
});

test("open_clip: written and read again", () => {
  const other: ClipConfig = {
    ...clipTiny,
    vision: {...clipTiny.vision, epsilon: 1e-6, mlpWidth: 250},
    text: {...clipTiny.text, kind: "clip", endId: 998} as never,
    preprocess: {...clipTiny.preprocess, cropRounding: "halfEven"},
  };
  const again = clipConfigFromOpenClip(clipConfigToOpenClip(other));
  assert.equal({...again.vision}, {...other.vision});
  assert.equal({...again.text}, {...other.text});
  const uniMed = clipConfigToOpenClip(clipUniMedB16, {hasTokenizer: true});
  assert.is(openClipTextModel(uniMed), "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract");
  const read = clipConfigFromOpenClip(uniMed);
  assert.equal(JSON.parse(JSON.stringify(read.text)), JSON.parse(JSON.stringify(clipUniMedB16.text)));
});

test("open_clip with a BERT: pooling, projection, a text model that is known or lies beside", () => {
  const bert = (text: object): object => ({
    ...openB16,
    text_cfg: {hf_model_name: "bert-base-uncased", ...text},
  });
  const plain = clipConfigFromOpenClip(bert({})).text;
  assert.equal(plain, {
    kind: "bert",
    contextLength: 77,
    encoder: {...bertBase, hasPooler: false},
    pooling: "mean",
    projection: "mlp",
    projectionWidth: 512,
    publishedName: "bert-base-uncased",
  });
  const pooler = clipConfigFromOpenClip(
    bert({hf_pooler_type: "cls_pooler", hf_proj_type: "linear", context_length: 256}),
  );
  assert.equal(
    [pooler.text.kind === "bert" && pooler.text.encoder.hasPooler, pooler.text.contextLength],
    [true, 256],
  );
  refused(
    () => clipConfigFromOpenClip(bert({hf_pooler_type: "max_pooler"})),
    /hf_pooler_type: expected cls_last_hidden_state_pooler or mean_pooler or cls_pooler, got "max_pooler"/,
  );
  refused(() => clipConfigFromOpenClip(bert({hf_proj_type: null})), /from width 768 to 512, got "none"/);
  refused(
    () => clipConfigFromOpenClip(bert({hf_model_name: "roberta-base"})),
    /put its config\.json into the folder "text"/,
    "config-text-model",
  );
  refused(
    () => clipConfigFromOpenClip(bert({hf_model_name: "x"}), {bert: {model_type: "roberta"}}),
    /expected model_type "bert", got "roberta"/,
  );
});

test("what open_clip's files may not say", () => {
  const vision = (change: object): object => ({...openB16, vision_cfg: {...openB16.vision_cfg, ...change}});
  const text = (change: object): object => ({...openB16, text_cfg: {...openB16.text_cfg, ...change}});
  const wrong: [object, RegExp][] = [
    [
      vision({timm_model_name: "vit_base_patch16_224"}),
      /got "vit_base_patch16_224"; towers of timm are not built/,
    ],
    [vision({attentional_pool: true}), /attentional_pool: expected null or false .*, got true/],
    [vision({ls_init_value: 1e-5}), /ls_init_value: expected null .*, got 0.00001/],
    [vision({pool_type: "avg"}), /pool_type: expected null or "tok" .*, got "avg"/],
    [vision({pos_embed_type: "sin_cos_2d"}), /pos_embed_type/],
    [vision({no_ln_pre: true}), /no_ln_pre/],
    [vision({act_kwargs: {approximate: "tanh"}}), /act_kwargs/],
    [vision({norm_kwargs: {eps: 1e-6, bias: false}}), /norm_kwargs.*"bias"/],
    [vision({layers: [3, 4, 6, 3]}), /layers: expected a number/],
    [vision({registers: 4}), /vision_cfg: expected settings of CLIP, got "registers"/],
    [text({embed_cls: true}), /embed_cls/],
    [text({no_causal_mask: true}), /no_causal_mask/],
    [text({pool_type: "last"}), /pool_type: expected null or "argmax" or "eos"/],
    [text({proj_type: "none"}), /proj_type/],
    [text({scale_fc: true}), /scale_fc/],
    [{...openB16, multimodal_cfg: {width: 512}}, /multimodal_cfg/],
    [{...openB16, init_logit_bias: -10}, /init_logit_bias/],
    [{...openB16, tower: "x"}, /"tower"/],
    [{vision_cfg: {}, text_cfg: {}}, /embed_dim: expected a number, got nothing/],
  ];
  for (const [config, message] of wrong) refused(() => clipConfigFromOpenClip(config), message);
  refused(
    () => clipConfigFromOpenClip({model_cfg: openB16, prepocess_cfg: {}}),
    /"prepocess_cfg"/,
    "config-unknown",
  );
});

test.run();

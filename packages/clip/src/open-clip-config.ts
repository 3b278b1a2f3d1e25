import {ConfigError} from "@claps/core";
import {bertBase, bertConfigFromHuggingFace} from "@claps/text";
import type {BertConfig} from "@claps/text";
import type {BertTextConfig} from "./bert-text-config.js";
import {checkClipConfig} from "./config.js";
import type {ClipConfig} from "./config.js";
import {refuseStem} from "./hugging-face-config.js";
import {preprocessFromOpenClip, preprocessToOpenClip} from "./preprocess-config.js";
import {PublishedFields} from "./published-fields.js";
import type {TextConfig} from "./text-config.js";

const list = (text: string): string[] => text.split(" ");

/** Variants of a transformer that are not built: false, null and nothing mean the plain one. */
const PLAIN = [null, false] as const;
const BLOCK_VARIANTS = {
  ls_init_value: [null],
  act_kwargs: [null],
  block_type: [null, "default"],
  qk_norm: PLAIN,
  scaled_cosine_attn: PLAIN,
  scale_heads: PLAIN,
  scale_attn_inner: PLAIN,
  scale_attn: PLAIN,
  scale_fc: PLAIN,
  final_ln_after_pool: PLAIN,
} as const;

const COMMON = list("layers width mlp_ratio norm_kwargs output_tokens pool_type");
const VISION = [
  ...COMMON,
  ...Object.keys(BLOCK_VARIANTS),
  ...list(
    "head_width patch_size image_size patch_dropout attentional_pool attn_pooler_queries attn_pooler_heads",
  ),
  ...list(
    "no_ln_pre pos_embed_type timm_model_name timm_model_pretrained timm_pool timm_proj timm_proj_bias",
  ),
  ...list("timm_drop timm_drop_path"),
];
const TEXT = [
  ...COMMON,
  ...Object.keys(BLOCK_VARIANTS),
  ...list(
    "context_length vocab_size hf_tokenizer_name tokenizer_mode tokenizer_kwargs heads embed_cls pad_id eos_id",
  ),
  ...list("no_causal_mask proj_bias proj_type hf_model_name hf_model_pretrained hf_proj_type hf_pooler_type"),
];
const MODEL = list(
  "embed_dim vision_cfg text_cfg quick_gelu custom_text init_logit_scale init_logit_bias nonscalar_logit_scale " +
    "cast_dtype output_dict multimodal_cfg",
);

const POOLINGS = {
  cls_last_hidden_state_pooler: "first token",
  mean_pooler: "mean",
  cls_pooler: "pooler",
} as const;
const PROJECTIONS = {mlp: "mlp", linear: "linear", "": "none", none: "none"} as const;

/** Text models of the base size, whose configuration need not lie beside the weights. */
const BASE_BERTS =
  /^(google-bert\/)?bert-base-uncased$|^microsoft\/BiomedNLP-(BiomedBERT|PubMedBERT)-base-uncased-abstract(-fulltext)?$/;

/** What an open_clip configuration does not say itself. */
export interface OpenClipSources {
  /** The parsed configuration of the text model that `hf_model_name` names, if the weights have one. */
  bert?: unknown;
  /** Whether the weights hold BERT's pooling layer; left out means as the pooling needs. */
  hasPooler?: boolean;
}

/**
 * Name of the text model of an open_clip configuration.
 *
 * @param published - As for {@link clipConfigFromOpenClip}.
 * @returns `hf_model_name`, or undefined for CLIP's own text tower.
 */
export function openClipTextModel(published: unknown): string | undefined {
  const {model} = partsOf(published);
  return model.has("text_cfg") ? model.under("text_cfg").text("hf_model_name") : undefined;
}

function partsOf(published: unknown): {whole: PublishedFields; model: PublishedFields} {
  const whole = new PublishedFields(published, "open_clip configuration");
  return {whole, model: whole.has("model_cfg") ? whole.under("model_cfg") : whole};
}

/** Epsilon of the normalisations; the only thing that `norm_kwargs` may change. */
function epsilonOf(fields: PublishedFields): number {
  if (!fields.has("norm_kwargs")) return 1e-5;
  const norms = fields.under("norm_kwargs");
  norms.known(["eps"]);
  return norms.number("eps", 1e-5);
}

function visionOf(vision: PublishedFields, activation: "quickGelu" | "gelu"): ClipConfig["vision"] {
  if (vision.has("timm_model_name")) {
    throw new ConfigError(
      `vision_cfg.timm_model_name: expected CLIP's own vision transformer, got ${JSON.stringify(vision.get("timm_model_name"))}; towers of timm are not built.`,
      {code: "config-architecture"},
    );
  }
  vision.known(VISION);
  vision.expect({
    ...BLOCK_VARIANTS,
    attentional_pool: PLAIN,
    no_ln_pre: PLAIN,
    pos_embed_type: [null, "learnable"],
    pool_type: [null, "tok"],
  });
  const width = vision.number("width", 768);
  return {
    imageSize: vision.side("image_size", 224),
    patchSize: vision.side("patch_size", 16),
    width,
    depth: vision.number("layers", 12),
    heads: Math.floor(width / vision.number("head_width", 64)),
    mlpWidth: Math.floor(width * vision.number("mlp_ratio", 4)),
    activation,
    epsilon: epsilonOf(vision),
  };
}

function textOf(
  text: PublishedFields,
  activation: "quickGelu" | "gelu",
  projectionWidth: number,
): TextConfig {
  text.expect({
    ...BLOCK_VARIANTS,
    embed_cls: PLAIN,
    no_causal_mask: PLAIN,
    proj_bias: PLAIN,
    proj_type: [null, "linear"],
    pool_type: [null, "argmax", "eos"],
  });
  const width = text.number("width", 512);
  const vocabularySize = text.number("vocab_size", 49408);
  const isLargest = text.get("pool_type") !== "eos";
  return {
    kind: "clip",
    vocabularySize,
    contextLength: text.number("context_length", 77),
    width,
    depth: text.number("layers", 12),
    heads: text.number("heads", 8),
    mlpWidth: Math.floor(width * text.number("mlp_ratio", 4)),
    projectionWidth,
    activation,
    epsilon: epsilonOf(text),
    pooling: isLargest ? "largest id" : "first end",
    endId: isLargest ? vocabularySize - 1 : text.number("eos_id", 2),
  };
}

function bertOf(
  text: PublishedFields,
  projectionWidth: number,
  {bert, hasPooler}: OpenClipSources,
): BertTextConfig {
  const name = text.text("hf_model_name") ?? "";
  const pooling = text.oneOf("hf_pooler_type", POOLINGS, "mean_pooler");
  const pooler = hasPooler ?? pooling === "pooler";
  let encoder: BertConfig;
  if (bert !== undefined) encoder = bertConfigFromHuggingFace(bert, {hasPooler: pooler});
  else if (BASE_BERTS.test(name)) encoder = {...bertBase, hasPooler: pooler};
  else {
    throw new ConfigError(
      `text_cfg.hf_model_name: expected a text model whose configuration is known or lies beside the weights, got ${JSON.stringify(name)}; put its config.json into the folder "text".`,
      {code: "config-text-model"},
    );
  }
  // Nothing at all means two layers in open_clip's settings, null means none.
  const projection =
    text.get("hf_proj_type") === null ? "none" : text.oneOf("hf_proj_type", PROJECTIONS, "mlp");
  const contextLength = text.number("context_length", 77);
  return {kind: "bert", contextLength, encoder, pooling, projection, projectionWidth, publishedName: name};
}

/**
 * Our configuration from that of open_clip, UniMed-CLIP and BiomedCLIP's kind.
 *
 * @param published - Content of `open_clip_config.json`, or a bare model configuration.
 * @param sources - What the file does not say itself.
 * @returns The configuration.
 * @throws ConfigError naming a setting that is of another kind, unknown, or asks for a variant that is not built.
 * @example
 * ```ts
 * clipConfigFromOpenClip({embed_dim: 512, vision_cfg: {patch_size: 16}, text_cfg: {}}).vision.heads; // 12
 * ```
 *
 * Source: CLIPVisionCfg and CLIPTextCfg of open_clip, whose defaults fill what a file leaves out.
 */
export function clipConfigFromOpenClip(published: unknown, sources: OpenClipSources = {}): ClipConfig {
  const {whole, model} = partsOf(published);
  if (model !== whole) whole.known(["model_cfg", "preprocess_cfg"]);
  model.known(model === whole ? [...MODEL, "preprocess_cfg"] : MODEL);
  model.expect({init_logit_bias: [null], multimodal_cfg: [null]});
  const projectionWidth = model.number("embed_dim");
  const activation = model.flag("quick_gelu", false) ? "quickGelu" : "gelu";
  const vision = visionOf(model.under("vision_cfg"), activation);
  const text = model.under("text_cfg");
  text.known(TEXT);
  const config: ClipConfig = {
    vision,
    text: text.has("hf_model_name")
      ? bertOf(text, projectionWidth, sources)
      : textOf(text, activation, projectionWidth),
    projectionWidth,
    initialLogitScale: model.number("init_logit_scale", Math.log(1 / 0.07)),
    preprocess: preprocessFromOpenClip(
      whole.has("preprocess_cfg") ? whole.get("preprocess_cfg") : {},
      vision.imageSize,
    ),
  };
  checkClipConfig(config);
  return config;
}

/** What open_clip computes widths from: a factor that gives the wanted width back. */
function ratioOf(mlpWidth: number, width: number): number {
  const ratio = mlpWidth / width;
  return Math.floor(width * ratio) === mlpWidth ? ratio : (mlpWidth + 0.5) / width;
}

function norms(epsilon: number): {norm_kwargs?: {eps: number}} {
  return epsilon === 1e-5 ? {} : {norm_kwargs: {eps: epsilon}};
}

/** Options of {@link clipConfigToOpenClip}. */
export interface ToOpenClipOptions {
  /** Whether tokenizer files lie beside the weights. */
  hasTokenizer?: boolean;
}

/**
 * A configuration as open_clip writes it; {@link clipConfigFromOpenClip} reads it back.
 *
 * @param config - Our configuration.
 * @param options - What lies beside it.
 * @returns Content of an `open_clip_config.json`.
 * @throws ConfigError for what open_clip cannot build: towers with different functions, a residual stem.
 */
export function clipConfigToOpenClip(
  config: ClipConfig,
  options: ToOpenClipOptions = {},
): Record<string, unknown> {
  const {vision, text, projectionWidth, initialLogitScale, preprocess} = config;
  refuseStem(config, "open_clip");
  if (text.kind !== "bert" && text.activation !== vision.activation) {
    throw new ConfigError(
      `open_clip has one activation for both towers, got ${vision.activation} and ${text.activation}; save with {layout: "huggingface"}.`,
    );
  }
  const {hasTokenizer = false} = options;
  return {
    model_cfg: {
      embed_dim: projectionWidth,
      quick_gelu: vision.activation === "quickGelu",
      init_logit_scale: initialLogitScale,
      vision_cfg: {
        image_size: vision.imageSize,
        layers: vision.depth,
        width: vision.width,
        head_width: vision.width / vision.heads,
        patch_size: vision.patchSize,
        mlp_ratio: ratioOf(vision.mlpWidth, vision.width),
        ...norms(vision.epsilon),
      },
      text_cfg:
        text.kind === "bert" ? bertToOpenClip(text, hasTokenizer) : textToOpenClip(text, hasTokenizer),
    },
    preprocess_cfg: preprocessToOpenClip(preprocess),
  };
}

function textToOpenClip(text: Readonly<TextConfig>, hasTokenizer: boolean): Record<string, unknown> {
  // With the end token as the largest id, both rules of open_clip find it; the usual one needs no setting.
  const isLargest = text.pooling === "largest id" || text.endId === text.vocabularySize - 1;
  return {
    context_length: text.contextLength,
    vocab_size: text.vocabularySize,
    width: text.width,
    heads: text.heads,
    layers: text.depth,
    mlp_ratio: ratioOf(text.mlpWidth, text.width),
    ...(isLargest ? {} : {pool_type: "eos", eos_id: text.endId}),
    ...norms(text.epsilon),
    // Any name makes open_clip read the tokenizer of a local folder; without one it takes its own of 49408 ids.
    ...(hasTokenizer && text.vocabularySize !== 49408 ? {hf_tokenizer_name: "tokenizer"} : {}),
  };
}

function bertToOpenClip(text: Readonly<BertTextConfig>, hasTokenizer: boolean): Record<string, unknown> {
  const name = text.publishedName ?? "text";
  const pooling = Object.entries(POOLINGS).find(([, ours]) => ours === text.pooling)?.[0];
  return {
    hf_model_name: name,
    hf_model_pretrained: false,
    hf_proj_type: text.projection === "none" ? null : text.projection,
    hf_pooler_type: pooling,
    context_length: text.contextLength,
    ...(hasTokenizer ? {hf_tokenizer_name: name} : {}),
  };
}

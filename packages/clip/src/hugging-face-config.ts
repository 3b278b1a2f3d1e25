import {ConfigError} from "@claps/core";
import {checkClipConfig} from "./config.js";
import type {ClipConfig} from "./config.js";
import {clipPreprocess} from "./preprocess.js";
import type {ClipPreprocess} from "./preprocess.js";
import {preprocessFromHuggingFace} from "./preprocess-config.js";
import {PublishedFields} from "./published-fields.js";
import {textConfigFromHuggingFace} from "./text-config.js";

const ACTIVATIONS = {quick_gelu: "quickGelu", gelu: "gelu"} as const;

/** Settings without effect on what a tower computes: file keeping, first values, dropout, text generation. */
const HARMLESS =
  "_name_or_path _attn_implementation _attn_implementation_autoset _attn_implementation_internal _commit_hash " +
  "_experts_implementation_internal _output_attentions add_cross_attention architectures attention_dropout bad_words_ids " +
  "begin_suppress_tokens bos_token_id chunk_size_feed_forward cross_attention_hidden_size decoder_start_token_id " +
  "diversity_penalty do_sample dropout dtype early_stopping encoder_no_repeat_ngram_size " +
  "exponential_decay_length_penalty finetuning_task forced_bos_token_id forced_eos_token_id gradient_checkpointing " +
  "id2label initializer_factor initializer_range is_decoder is_encoder_decoder label2id length_penalty max_length " +
  "min_length model_type no_repeat_ngram_size num_beam_groups num_beams num_return_sequences output_attentions " +
  "output_hidden_states output_scores pad_token_id prefix problem_type pruned_heads remove_invalid_values " +
  "repetition_penalty return_dict return_dict_in_generate sep_token_id suppress_tokens task_specific_params " +
  "temperature tf_legacy_loss tie_encoder_decoder tie_word_embeddings tokenizer_class top_k top_p torch_dtype " +
  "torchscript transformers_version typical_p use_bfloat16 use_cache";
const TOWER =
  "hidden_size intermediate_size projection_dim num_hidden_layers num_attention_heads hidden_act layer_norm_eps";
const names = (...lists: string[]): string[] => lists.flatMap((list) => list.split(" "));

/** A sub-configuration; old files hold what differs from the defaults a second time under `…_dict`. */
function tower(whole: PublishedFields, name: "text_config" | "vision_config"): Record<string, unknown> {
  const record = (key: string): object => {
    const value = whole.get(key) ?? {};
    return typeof value === "object" && !Array.isArray(value) ? value : whole.refuse(key, "a record");
  };
  return {...record(name), ...record(`${name}_dict`)};
}

/**
 * Our configuration from the `config.json` of Hugging Face's `CLIPModel`.
 *
 * @param published - The parsed file.
 * @param preprocessor - The parsed `preprocessor_config.json`; left out means OpenAI's values at the model's size.
 * @returns The configuration.
 * @throws ConfigError naming a setting that is of another kind, unknown, or asks for a variant that is not built.
 * @example
 * ```ts
 * clipConfigFromHuggingFace(JSON.parse(text)).projectionWidth; // 512
 * ```
 *
 * Source: CLIPConfig of Hugging Face transformers, whose defaults fill what a file leaves out.
 */
export function clipConfigFromHuggingFace(published: unknown, preprocessor?: unknown): ClipConfig {
  const whole = new PublishedFields(published, "config.json");
  const type = whole.get("model_type") ?? "clip";
  if (type !== "clip") {
    throw new ConfigError(
      `config.json.model_type: expected "clip", got ${JSON.stringify(type)}; other architectures are not read.`,
      {code: "config-architecture"},
    );
  }
  whole.known(
    names(
      HARMLESS,
      "text_config vision_config text_config_dict vision_config_dict projection_dim logit_scale_init_value",
    ),
  );
  const text = tower(whole, "text_config");
  const vision = new PublishedFields(tower(whole, "vision_config"), "vision_config");
  new PublishedFields(text, "text_config").known(
    names(HARMLESS, TOWER, "vocab_size max_position_embeddings eos_token_id"),
  );
  vision.known(names(HARMLESS, TOWER, "image_size patch_size num_channels eos_token_id"));
  vision.expect({num_channels: [null, 3]});
  const imageSize = vision.side("image_size", 224);
  const projectionWidth = whole.number("projection_dim", 512);
  const config: ClipConfig = {
    vision: {
      imageSize,
      patchSize: vision.side("patch_size", 32),
      width: vision.number("hidden_size", 768),
      depth: vision.number("num_hidden_layers", 12),
      heads: vision.number("num_attention_heads", 12),
      mlpWidth: vision.number("intermediate_size", 3072),
      activation: vision.oneOf("hidden_act", ACTIVATIONS, "quick_gelu"),
      epsilon: vision.number("layer_norm_eps", 1e-5),
    },
    text: textConfigFromHuggingFace({projection_dim: projectionWidth, text_config: text}),
    projectionWidth,
    initialLogitScale: whole.number("logit_scale_init_value", 2.6592),
    preprocess: preprocessor === undefined ? at(imageSize) : preprocessFromHuggingFace(preprocessor),
  };
  checkClipConfig(config);
  return config;
}

function at(imageSize: number): ClipPreprocess {
  return {...clipPreprocess, imageSize};
}

/**
 * A configuration as Hugging Face writes it; `clipConfigFromHuggingFace` reads it back.
 *
 * @param config - Our configuration.
 * @param startId - Id of the start token, which the model itself does not need.
 * @returns Content of a `config.json` of CLIPModel.
 * @throws ConfigError for what that model cannot be: a BERT, a residual stem.
 */
export function clipConfigToHuggingFace(config: ClipConfig, startId?: number): Record<string, unknown> {
  const {vision, text, projectionWidth, initialLogitScale} = config;
  if (text.kind === "bert") {
    throw new ConfigError(
      'Hugging Face\'s CLIPModel has no BERT as text tower; save with {layout: "open_clip"}.',
    );
  }
  refuseStem(config, "Hugging Face's CLIPModel");
  const activation = (name: "quickGelu" | "gelu"): string => (name === "gelu" ? "gelu" : "quick_gelu");
  const isOld = text.pooling === "largest id";
  return {
    architectures: ["CLIPModel"],
    model_type: "clip",
    logit_scale_init_value: initialLogitScale,
    projection_dim: projectionWidth,
    torch_dtype: "float32",
    text_config: {
      model_type: "clip_text_model",
      vocab_size: text.vocabularySize,
      hidden_size: text.width,
      intermediate_size: text.mlpWidth,
      projection_dim: projectionWidth,
      num_hidden_layers: text.depth,
      num_attention_heads: text.heads,
      max_position_embeddings: text.contextLength,
      hidden_act: activation(text.activation),
      layer_norm_eps: text.epsilon,
      bos_token_id: startId ?? Math.max(0, text.vocabularySize - 2),
      // 2 is how files from before the end token was written down ask for the largest id.
      eos_token_id: isOld ? 2 : text.endId,
      pad_token_id: text.endId,
    },
    vision_config: {
      model_type: "clip_vision_model",
      image_size: vision.imageSize,
      patch_size: vision.patchSize,
      num_channels: 3,
      hidden_size: vision.width,
      intermediate_size: vision.mlpWidth,
      projection_dim: projectionWidth,
      num_hidden_layers: vision.depth,
      num_attention_heads: vision.heads,
      hidden_act: activation(vision.activation),
      layer_norm_eps: vision.epsilon,
    },
  };
}

/** Throws for a stem that no published model has. */
export function refuseStem({vision}: ClipConfig, who: string): void {
  if ((vision.stem ?? "linear") !== "linear") {
    throw new ConfigError(`${who} has no ${String(vision.stem)} stem; save with {layout: "claps"}.`);
  }
}

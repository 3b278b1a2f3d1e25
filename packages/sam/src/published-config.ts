import {ConfigError} from "@claps/core";
import {samBase} from "./config.js";
import type {SamConfig} from "./config.js";

type Json = Readonly<Record<string, unknown>>;

/** Reads fields of a published configuration, with messages that name the field. */
class Fields {
  constructor(json: unknown, what: string) {
    if (typeof json !== "object" || json === null) {
      throw new ConfigError(
        `${what}: expected an object, got ${json === undefined ? "nothing" : typeof json}.`,
      );
    }
    this.#json = json as Json;
    this.#what = what;
  }

  readonly #json: Json;
  readonly #what: string;

  number(name: string, fallback?: number): number {
    const value = this.#json[name] ?? fallback;
    if (typeof value !== "number") {
      throw new ConfigError(
        `${this.#what}.${name}: expected a number, got ${JSON.stringify(value) ?? "nothing"}.`,
      );
    }
    return value;
  }

  flag(name: string): boolean {
    return (this.#json[name] ?? true) === true;
  }

  numbers(name: string): number[] {
    const value = this.#json[name];
    if (!Array.isArray(value) || value.some((item) => typeof item !== "number")) {
      throw new ConfigError(
        `${this.#what}.${name}: expected a list of numbers, got ${JSON.stringify(value) ?? "nothing"}.`,
      );
    }
    return value as number[];
  }

  under(name: string): Fields {
    return new Fields(this.#json[name], `${this.#what}.${name}`);
  }

  /** Throws if a field that has only one meaning here says something else. */
  expect(name: string, allowed: unknown): void {
    const value = this.#json[name] ?? allowed;
    if (value !== allowed) {
      throw new ConfigError(
        `${this.#what}.${name}: expected ${String(allowed)}, got ${JSON.stringify(value)}; this variant is not built.`,
      );
    }
  }
}

/**
 * Our configuration from the `config.json` of Hugging Face's `SamModel`.
 *
 * @param json - The parsed file.
 * @returns The configuration; pixel statistics are those of all published models.
 * @throws ConfigError naming a field that is missing or asks for a variant that is not built.
 */
export function samConfigFromHuggingFace(json: unknown): SamConfig {
  const whole = new Fields(json, "config.json");
  const vision = whole.under("vision_config");
  const prompt = whole.under("prompt_encoder_config");
  const decoder = whole.under("mask_decoder_config");
  vision.expect("hidden_act", "gelu");
  vision.expect("use_abs_pos", true);
  prompt.expect("hidden_act", "gelu");
  decoder.expect("hidden_act", "relu");
  const width = vision.number("hidden_size", 768);
  return {
    imageSize: vision.number("image_size", 1024),
    promptWidth: vision.number("output_channels", 256),
    maskChannels: prompt.number("mask_input_channels", 16),
    pixelMean: samBase.pixelMean,
    pixelDeviation: samBase.pixelDeviation,
    encoder: {
      patchSize: vision.number("patch_size", 16),
      width,
      depth: vision.number("num_hidden_layers", 12),
      heads: vision.number("num_attention_heads", 12),
      mlpWidth: vision.number("mlp_dim", Math.floor(width * vision.number("mlp_ratio", 4))),
      windowSize: vision.number("window_size", 14),
      globalBlocks: vision.numbers("global_attn_indexes"),
      epsilon: vision.number("layer_norm_eps", 1e-6),
      qkvBias: vision.flag("qkv_bias"),
      relativePositions: vision.flag("use_rel_pos"),
    },
    decoder: {
      depth: decoder.number("num_hidden_layers", 2),
      heads: decoder.number("num_attention_heads", 8),
      mlpWidth: decoder.number("mlp_dim", 2048),
      downsampling: decoder.number("attention_downsample_rate", 2),
      proposals: decoder.number("num_multimask_outputs", 3),
      iouDepth: decoder.number("iou_head_depth", 3),
      iouWidth: decoder.number("iou_head_hidden_dim", 256),
      blockEpsilon: decoder.number("layer_norm_eps", 1e-6),
    },
  };
}

/**
 * Our configuration from the arguments of the original code's `ImageEncoderViT`, `PromptEncoder` and
 * `MaskDecoder`.
 *
 * @param json - Record with `image_encoder`, `prompt_encoder`, `mask_decoder`.
 * @returns The configuration.
 * @throws ConfigError naming a field that is missing.
 */
export function samConfigFromOriginal(json: unknown): SamConfig {
  const whole = new Fields(json, "config.json");
  const encoder = whole.under("image_encoder");
  const prompt = whole.under("prompt_encoder");
  const decoder = whole.under("mask_decoder");
  const transformer = decoder.under("transformer");
  const width = encoder.number("embed_dim");
  const triple = (name: string): [number, number, number] => whole.numbers(name) as [number, number, number];
  return {
    imageSize: encoder.number("img_size"),
    promptWidth: encoder.number("out_chans"),
    maskChannels: prompt.number("mask_in_chans"),
    pixelMean: triple("pixel_mean"),
    pixelDeviation: triple("pixel_std"),
    encoder: {
      patchSize: encoder.number("patch_size"),
      width,
      depth: encoder.number("depth"),
      heads: encoder.number("num_heads"),
      mlpWidth: Math.floor(width * encoder.number("mlp_ratio")),
      windowSize: encoder.number("window_size"),
      globalBlocks: encoder.numbers("global_attn_indexes"),
      epsilon: encoder.number("norm_layer_eps", 1e-6),
      qkvBias: encoder.flag("qkv_bias"),
      relativePositions: encoder.flag("use_rel_pos"),
    },
    decoder: {
      depth: transformer.number("depth"),
      heads: transformer.number("num_heads"),
      mlpWidth: transformer.number("mlp_dim"),
      downsampling: transformer.number("attention_downsample_rate", 2),
      proposals: decoder.number("num_multimask_outputs"),
      iouDepth: decoder.number("iou_head_depth"),
      iouWidth: decoder.number("iou_head_hidden_dim"),
      blockEpsilon: 1e-5,
    },
  };
}

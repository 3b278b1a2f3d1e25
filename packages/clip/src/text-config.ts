import {ConfigError, checkRange} from "@claps/core";

/** Sizes and rules of a text tower; plain data. */
export interface TextConfig {
  /** Tells it from a BERT's; left out means CLIP's. */
  kind?: "clip";
  /** Number of token ids. */
  vocabularySize: number;
  /** Most tokens of a text, start and end included. */
  contextLength: number;
  /** Numbers per token. */
  width: number;
  /** Transformer blocks. */
  depth: number;
  /** Attention heads; divides the width. */
  heads: number;
  /** Width inside the perceptrons. */
  mlpWidth: number;
  /** Numbers of the projected vector, shared with pictures. */
  projectionWidth: number;
  /** Function inside the perceptrons. */
  activation: "quickGelu" | "gelu";
  /** Added to the variance in layer normalisation. */
  epsilon: number;
  /**
   * Which token speaks for the text: the first with id `endId` (`first end`), or the first with the largest id
   * (`largest id`, the rule of old published configurations).
   */
  pooling: "first end" | "largest id";
  /** Id of the end token. */
  endId: number;
}

/** A text tower for tests and for training from nothing; fits the library's small vocabulary. */
export const textTiny: Readonly<TextConfig> = Object.freeze({
  vocabularySize: 1000,
  contextLength: 32,
  width: 64,
  depth: 2,
  heads: 4,
  mlpWidth: 256,
  projectionWidth: 64,
  activation: "quickGelu",
  epsilon: 1e-5,
  pooling: "first end",
  endId: 999,
});

/** The text tower of CLIP ViT-B; published weights and vocabulary fit it. */
export const textBase: Readonly<TextConfig> = Object.freeze({
  vocabularySize: 49408,
  contextLength: 77,
  width: 512,
  depth: 12,
  heads: 8,
  mlpWidth: 2048,
  projectionWidth: 512,
  activation: "quickGelu",
  epsilon: 1e-5,
  pooling: "first end",
  endId: 49407,
});

/**
 * Throws unless a configuration makes sense.
 *
 * @param config - The configuration.
 * @throws ConfigError naming the setting.
 */
export function checkTextConfig(config: Readonly<TextConfig>): void {
  const {width, heads, endId, vocabularySize} = config;
  const sizes = [
    "vocabularySize",
    "contextLength",
    "width",
    "depth",
    "heads",
    "mlpWidth",
    "projectionWidth",
  ] as const;
  for (const name of sizes) checkRange(config[name], {min: 1, integer: true}, `TextConfig.${name}`);
  checkRange(config.epsilon, {min: 0}, "TextConfig.epsilon");
  checkRange(endId, {min: 0, max: vocabularySize - 1, integer: true}, "TextConfig.endId");
  if (width % heads !== 0) {
    throw new ConfigError(`TextConfig.heads: expected a divisor of the width ${width}, got ${heads}.`);
  }
}

function settings(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) {
    throw new ConfigError(`${what}: expected a record, got ${String(value)}.`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/**
 * The configuration of a published text tower.
 *
 * @param published - Content of a Hugging Face `config.json` of CLIPModel, or its `text_config`.
 * @returns Our configuration.
 * @throws ConfigError if a setting is missing or unknown.
 *
 * Source: CLIPTextConfig of Hugging Face transformers, whose defaults fill what a file leaves out. An `eos_token_id`
 * of 2 marks configurations from before the end token was written down: the largest id is taken then.
 */
export function textConfigFromHuggingFace(published: unknown): TextConfig {
  const whole = settings(published, "CLIP configuration");
  const text = settings(whole["text_config"] ?? whole, "text_config");
  const number = (name: string, fallback: number, from = text): number => {
    const value = from[name] ?? fallback;
    if (typeof value !== "number") {
      throw new ConfigError(`text_config.${name}: expected a number, got ${JSON.stringify(value)}.`);
    }
    return value;
  };
  const activations: Readonly<Record<string, TextConfig["activation"]>> = {
    quick_gelu: "quickGelu",
    gelu: "gelu",
  };
  const publishedActivation = text["hidden_act"] ?? "quick_gelu";
  const activation = typeof publishedActivation === "string" ? activations[publishedActivation] : undefined;
  if (activation === undefined) {
    throw new ConfigError(
      `text_config.hidden_act: expected quick_gelu or gelu, got ${JSON.stringify(publishedActivation)}.`,
    );
  }
  const vocabularySize = number("vocab_size", 49408);
  const endId = number("eos_token_id", 49407);
  const config: TextConfig = {
    vocabularySize,
    contextLength: number("max_position_embeddings", 77),
    width: number("hidden_size", 512),
    depth: number("num_hidden_layers", 12),
    heads: number("num_attention_heads", 8),
    mlpWidth: number("intermediate_size", 2048),
    projectionWidth: number("projection_dim", number("projection_dim", 512), whole),
    activation,
    epsilon: number("layer_norm_eps", 1e-5),
    pooling: endId === 2 ? "largest id" : "first end",
    endId: endId === 2 ? vocabularySize - 1 : endId,
  };
  checkTextConfig(config);
  return config;
}

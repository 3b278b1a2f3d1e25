import {ConfigError, checkRange} from "@claps/core";
import type {Activation} from "@claps/layers";

/** Sizes and rules of a BERT encoder; plain data. */
export interface BertConfig {
  /** Number of token ids. */
  vocabularySize: number;
  /** Most tokens of a text, start and end included. */
  contextLength: number;
  /** Kinds of token: first and second text of a pair. */
  typeCount: number;
  /** Numbers per token. */
  width: number;
  /** Transformer blocks. */
  depth: number;
  /** Attention heads; divides the width. */
  heads: number;
  /** Width inside the perceptrons. */
  mlpWidth: number;
  /** Function inside the perceptrons. */
  activation: Activation;
  /** Added to the variance in layer normalisation. */
  epsilon: number;
  /** Whether a dense layer with tanh makes one vector of the first token. */
  hasPooler: boolean;
  /** Id of the padding token. */
  padId: number;
}

/** A BERT for tests and for training from nothing. */
export const bertTiny: Readonly<BertConfig> = Object.freeze({
  vocabularySize: 1200,
  contextLength: 64,
  typeCount: 2,
  width: 32,
  depth: 2,
  heads: 2,
  mlpWidth: 64,
  activation: "gelu",
  epsilon: 1e-12,
  hasPooler: true,
  padId: 0,
});

/** BERT-base; the published weights and vocabulary of bert-base-uncased and BiomedBERT fit it. */
export const bertBase: Readonly<BertConfig> = Object.freeze({
  vocabularySize: 30522,
  contextLength: 512,
  typeCount: 2,
  width: 768,
  depth: 12,
  heads: 12,
  mlpWidth: 3072,
  activation: "gelu",
  epsilon: 1e-12,
  hasPooler: true,
  padId: 0,
});

/**
 * Throws unless a configuration makes sense.
 *
 * @param config - The configuration.
 * @throws ConfigError naming the setting.
 */
export function checkBertConfig(config: Readonly<BertConfig>): void {
  const sizes = [
    "vocabularySize",
    "contextLength",
    "typeCount",
    "width",
    "depth",
    "heads",
    "mlpWidth",
  ] as const;
  for (const name of sizes) checkRange(config[name], {min: 1, integer: true}, `BertConfig.${name}`);
  checkRange(config.epsilon, {min: 0}, "BertConfig.epsilon");
  checkRange(config.padId, {min: 0, max: config.vocabularySize - 1, integer: true}, "BertConfig.padId");
  if (config.width % config.heads !== 0) {
    throw new ConfigError(
      `BertConfig.heads: expected a divisor of the width ${config.width}, got ${config.heads}.`,
    );
  }
}

const ACTIVATIONS: readonly (readonly [published: string, ours: Activation])[] = [
  ["gelu", "gelu"],
  ["relu", "relu"],
  ["quick_gelu", "quickGelu"],
];

// Settings that would change the computation, with the only value that this encoder computes.
const FIXED = {
  position_embedding_type: "absolute",
  is_decoder: false,
  add_cross_attention: false,
} as const;

/**
 * The configuration of a published BERT.
 *
 * @param published - Content of a Hugging Face `config.json` of BertModel.
 * @param options - `hasPooler` false for weights without a pooling layer, which the file does not tell. Default true.
 * @returns Our configuration.
 * @throws ConfigError if a setting is of another kind or asks for what this encoder does not compute.
 * @example
 * ```ts
 * bertConfigFromHuggingFace({model_type: "bert", hidden_size: 768}).depth; // 12
 * ```
 *
 * Source: BertConfig of Hugging Face transformers, whose defaults fill what a file leaves out. Settings that have no
 * effect on the numbers (dropout, first values, text generation) are passed over.
 */
export function bertConfigFromHuggingFace(
  published: unknown,
  options: {hasPooler?: boolean} = {},
): BertConfig {
  if (typeof published !== "object" || published === null || Array.isArray(published)) {
    throw new ConfigError(`BERT configuration: expected a record, got ${JSON.stringify(published)}.`);
  }
  const given = published as Readonly<Record<string, unknown>>;
  const type = given["model_type"] ?? "bert";
  if (type !== "bert") {
    throw new ConfigError(
      `BERT configuration: expected model_type "bert", got ${JSON.stringify(type)}; other text encoders are not read.`,
      {code: "config-architecture"},
    );
  }
  for (const [name, only] of Object.entries(FIXED)) {
    const value = given[name] ?? only;
    if (value !== only) {
      throw new ConfigError(
        `BERT configuration, ${name}: expected ${JSON.stringify(only)}, got ${JSON.stringify(value)}, which this encoder does not compute.`,
      );
    }
  }
  const number = (name: string, fallback: number): number => {
    const value = given[name] ?? fallback;
    if (typeof value !== "number") {
      throw new ConfigError(`BERT configuration, ${name}: expected a number, got ${JSON.stringify(value)}.`);
    }
    return value;
  };
  const wanted = given["hidden_act"] ?? "gelu";
  const activation = ACTIVATIONS.find(([name]) => name === wanted)?.[1];
  if (activation === undefined) {
    throw new ConfigError(
      `BERT configuration, hidden_act: expected ${ACTIVATIONS.map(([name]) => name).join(", ")}, got ${JSON.stringify(wanted)}.`,
    );
  }
  const config: BertConfig = {
    vocabularySize: number("vocab_size", 30522),
    contextLength: number("max_position_embeddings", 512),
    typeCount: number("type_vocab_size", 2),
    width: number("hidden_size", 768),
    depth: number("num_hidden_layers", 12),
    heads: number("num_attention_heads", 12),
    mlpWidth: number("intermediate_size", 3072),
    activation,
    epsilon: number("layer_norm_eps", 1e-12),
    hasPooler: options.hasPooler ?? true,
    padId: number("pad_token_id", 0),
  };
  checkBertConfig(config);
  return config;
}

/**
 * A configuration as Hugging Face writes it; `bertConfigFromHuggingFace` reads it back, but for the pooler.
 *
 * @param config - Our configuration.
 * @returns Content of a `config.json` of BertModel.
 */
export function bertConfigToHuggingFace(config: Readonly<BertConfig>): Record<string, unknown> {
  return {
    architectures: ["BertModel"],
    model_type: "bert",
    vocab_size: config.vocabularySize,
    max_position_embeddings: config.contextLength,
    type_vocab_size: config.typeCount,
    hidden_size: config.width,
    num_hidden_layers: config.depth,
    num_attention_heads: config.heads,
    intermediate_size: config.mlpWidth,
    hidden_act: ACTIVATIONS.find(([, ours]) => ours === config.activation)?.[0],
    layer_norm_eps: config.epsilon,
    pad_token_id: config.padId,
  };
}

import {bertBase, checkBertConfig} from "@claps/text";
import type {BertConfig} from "@claps/text";
import {ConfigError, checkRange} from "@claps/core";

/** Sizes and rules of a text tower that is a BERT with a projection; plain data. */
export interface BertTextConfig {
  /** Tells it from CLIP's own text tower. */
  kind: "bert";
  /** Most tokens of a text, start and end included; at most the encoder's. */
  contextLength: number;
  /** The encoder. */
  encoder: Readonly<BertConfig>;
  /**
   * What speaks for a text: its first token, the mean of its tokens, or BERT's own pooler (the first token through a
   * dense layer and tanh).
   */
  pooling: "first token" | "mean" | "pooler";
  /**
   * From the encoder's width to the shared space, without biases: two layers with GELU between, whose inner width is
   * the mean of both widths; one layer; or nothing, where both widths are equal.
   */
  projection: "mlp" | "linear" | "none";
  /** Numbers of the projected vector, shared with pictures. */
  projectionWidth: number;
  /** Name of the published text model that it began as; only for saving. */
  publishedName?: string;
}

/**
 * The text tower of UniMed-CLIP and BiomedCLIP: BiomedBERT, 256 tokens, first token, projection of two layers.
 *
 * Source: the public configuration of BiomedCLIP (Zhang et al. 2023), which UniMed-CLIP (Khattak et al. 2024) follows.
 */
export const textBiomedBert: Readonly<BertTextConfig> = Object.freeze({
  kind: "bert",
  contextLength: 256,
  encoder: Object.freeze({...bertBase, hasPooler: false}),
  pooling: "first token",
  projection: "mlp",
  projectionWidth: 512,
  publishedName: "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract",
});

/**
 * Throws unless a configuration makes sense.
 *
 * @param config - The configuration.
 * @throws ConfigError naming the setting.
 */
export function checkBertTextConfig(config: Readonly<BertTextConfig>): void {
  const {contextLength, encoder, pooling, projection, projectionWidth} = config;
  checkBertConfig(encoder);
  const context = {min: 2, max: encoder.contextLength, integer: true};
  checkRange(contextLength, context, "BertTextConfig.contextLength");
  checkRange(projectionWidth, {min: 1, integer: true}, "BertTextConfig.projectionWidth");
  const oneOf = (name: string, value: string, known: readonly string[]): void => {
    if (!known.includes(value)) {
      throw new ConfigError(
        `BertTextConfig.${name}: expected ${known.join(", ")}, got ${JSON.stringify(value)}.`,
      );
    }
  };
  oneOf("pooling", pooling, ["first token", "mean", "pooler"]);
  oneOf("projection", projection, ["mlp", "linear", "none"]);
  if (pooling === "pooler" && !encoder.hasPooler) {
    throw new ConfigError(
      'BertTextConfig.pooling: expected an encoder with hasPooler for "pooler", got one without.',
    );
  }
  if (projection === "none" && encoder.width !== projectionWidth) {
    throw new ConfigError(
      `BertTextConfig.projection: expected "mlp" or "linear" from width ${encoder.width} to ${projectionWidth}, got "none".`,
    );
  }
}

/** Inner width of a projection of two layers. */
export function projectionInnerWidth({encoder, projectionWidth}: Readonly<BertTextConfig>): number {
  return Math.floor((encoder.width + projectionWidth) / 2);
}

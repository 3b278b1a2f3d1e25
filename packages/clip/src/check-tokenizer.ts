import {ConfigError} from "@claps/core";
import type {Tokenizer} from "@claps/text";
import type {ClipConfig} from "./config.js";

/**
 * Throws unless a tokenizer speaks the language of a text tower.
 *
 * @param tokenizer - The tokenizer.
 * @param text - The text tower's configuration.
 * @throws ConfigError if the kind, the number of ids, the end token or the padding differ: the embedding would look
 * up other words than were meant.
 */
export function checkTokenizer(tokenizer: Tokenizer, text: ClipConfig["text"]): void {
  const refuse = (what: string, expected: string | number, got: string | number): never => {
    throw new ConfigError(
      `Tokenizer of the text tower: expected ${what} ${expected}, got ${got}; use the tokenizer files that lie beside the weights.`,
      {code: "tokenizer"},
    );
  };
  const [kind, vocabularySize] =
    text.kind === "bert" ? ["bert", text.encoder.vocabularySize] : ["clip", text.vocabularySize];
  if (tokenizer.kind !== kind) refuse("the kind", String(kind), tokenizer.kind);
  if (tokenizer.vocabularySize !== vocabularySize) {
    refuse("the vocabulary size of the embedding,", String(vocabularySize), tokenizer.vocabularySize);
  }
  if (text.kind === "bert") {
    if (tokenizer.padId !== text.encoder.padId) {
      refuse("the padding id", text.encoder.padId, tokenizer.padId);
    }
  } else if (tokenizer.endId !== text.endId) {
    refuse("the end token's id", text.endId, tokenizer.endId);
  }
}

import {ConfigError} from "@claps/core";
import type {Tokenizer} from "./tokenizer.js";

/**
 * Throws unless a tokenizer and a table of embeddings have the same number of ids.
 *
 * With more ids than rows some texts would read past the table; with fewer, the two were not trained together.
 *
 * @param tokenizer - The tokenizer.
 * @param rows - Rows of the table, that is, the model's vocabulary size.
 * @param what - Whose table it is, for the message.
 * @throws ConfigError `vocabulary-size` naming both numbers.
 * @example
 * ```ts
 * checkVocabulary(tokenizer, bert.config.vocabularySize, "text encoder");
 * ```
 */
export function checkVocabulary(
  tokenizer: Pick<Tokenizer, "vocabularySize">,
  rows: number,
  what: string,
): void {
  if (tokenizer.vocabularySize === rows) return;
  throw new ConfigError(
    `${what}: expected a tokenizer with as many ids as the embedding has rows, ${rows}, got one with ${tokenizer.vocabularySize}; take the tokenizer files that were published with the weights.`,
    {code: "vocabulary-size"},
  );
}

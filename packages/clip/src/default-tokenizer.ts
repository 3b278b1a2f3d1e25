import {createTokenizer, vocabularyOfMerges} from "@claps/text";
import type {Tokenizer} from "@claps/text";
import {defaultMerges} from "./default-merges.js";

let shared: Tokenizer | undefined;

/**
 * The tokenizer of the library's small vocabulary (1000 ids), learned from the words of all modalities.
 *
 * It needs no file. Any text can be encoded; retinal words are short. The same vocabulary lies in the package's
 * `vocabulary` folder as `vocab.json` and `merges.txt`.
 *
 * @returns One shared tokenizer; it has no state.
 * @example
 * ```ts
 * defaultTokenizer().encode("fundus photograph: optic disc").ids.length; // 7
 * ```
 */
export function defaultTokenizer(): Tokenizer {
  shared ??= createTokenizer(vocabularyOfMerges(defaultMerges), defaultMerges);
  return shared;
}

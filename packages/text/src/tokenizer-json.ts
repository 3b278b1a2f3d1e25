import {ConfigError} from "@claps/core";
import type {BertTextRules} from "./tokenizer.js";

/** What a `tokenizer.json` says, as far as a tokenizer is made of it. */
export type TokenizerTables =
  | {
      readonly kind: "clip";
      readonly vocabulary: ReadonlyMap<string, number>;
      readonly merges: readonly string[];
    }
  | {
      readonly kind: "bert";
      readonly vocabulary: ReadonlyMap<string, number>;
      readonly textRules: BertTextRules;
    };

type Json = Readonly<Record<string, unknown>>;

function refuse(place: string, expected: string, got: unknown): never {
  throw new ConfigError(
    `tokenizer.json, ${place}: expected ${expected}, got ${JSON.stringify(got)?.slice(0, 80) ?? "nothing"}.`,
    {code: "vocabulary"},
  );
}

function record(value: unknown, place: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(place, "a record", value);
  return value as Json;
}

function expectValue(from: Json, name: string, place: string, allowed: readonly unknown[]): void {
  if (!allowed.includes(from[name])) {
    refuse(
      `${place}.${name}`,
      allowed.map((value) => JSON.stringify(value) ?? "nothing").join(" or "),
      from[name],
    );
  }
}

/** The model's ids and those of tokens added to it. */
function vocabularyOf(document: Json, model: Json): Map<string, number> {
  const vocabulary = new Map(Object.entries(record(model["vocab"], "model.vocab")) as [string, number][]);
  const added = document["added_tokens"] ?? [];
  if (!Array.isArray(added)) refuse("added_tokens", "a list", added);
  added.forEach((value: unknown, index) => {
    const place = `added_tokens[${index}]`;
    const {content, id, ...token} = record(value, place);
    if (typeof content !== "string") refuse(`${place}.content`, "a string", content);
    if (typeof id !== "number") refuse(`${place}.id`, "a number", id);
    const known = vocabulary.get(content);
    if (known !== undefined && known !== id) refuse(`${place}.id`, `${known}, as in the model`, id);
    for (const flag of ["single_word", "lstrip", "rstrip"])
      expectValue(token, flag, place, [false, undefined]);
    vocabulary.set(content, id);
  });
  return vocabulary;
}

function mergesOf(model: Json): string[] {
  const {merges} = model;
  if (!Array.isArray(merges)) refuse("model.merges", "a list", merges);
  return merges.map((merge: unknown, index) => {
    if (typeof merge === "string") return merge;
    if (Array.isArray(merge) && merge.length === 2) return merge.join(" ");
    return refuse(`model.merges[${index}]`, "two tokens", merge);
  });
}

function bertRulesOf(document: Json): BertTextRules {
  const normalizer = record(document["normalizer"], "normalizer");
  expectValue(normalizer, "type", "normalizer", ["BertNormalizer"]);
  expectValue(normalizer, "clean_text", "normalizer", [true, undefined]);
  expectValue(record(document["pre_tokenizer"], "pre_tokenizer"), "type", "pre_tokenizer", [
    "BertPreTokenizer",
  ]);
  const lowerCase = normalizer["lowercase"] !== false;
  return {
    lowerCase,
    stripAccents: Boolean(normalizer["strip_accents"] ?? lowerCase),
    splitChinese: normalizer["handle_chinese_chars"] !== false,
  };
}

/**
 * What a `tokenizer.json` of Hugging Face tokenizers says.
 *
 * @param text - Text of the file.
 * @returns Vocabulary with merges, or with the rules of a WordPiece tokenizer.
 * @throws ConfigError if it is damaged or describes a tokenizer of another kind than CLIP's or BERT's.
 */
export function parseTokenizerJson(text: string): TokenizerTables {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("tokenizer.json: expected JSON, got something else.", {code: "vocabulary", cause});
  }
  const document = record(parsed, "file");
  const model = record(document["model"], "model");
  const {type} = model;
  if (type === "WordPiece") {
    expectValue(model, "continuing_subword_prefix", "model", ["##", undefined]);
    expectValue(model, "max_input_chars_per_word", "model", [100, undefined]);
    expectValue(model, "unk_token", "model", ["[UNK]", undefined]);
    const textRules = bertRulesOf(document);
    return {kind: "bert", vocabulary: vocabularyOf(document, model), textRules};
  }
  // Old files have no type; theirs was BPE.
  expectValue(model, "type", "model", ["BPE", undefined]);
  expectValue(model, "end_of_word_suffix", "model", ["</w>"]);
  return {kind: "clip", vocabulary: vocabularyOf(document, model), merges: mergesOf(model)};
}

import {readFile, readdir} from "node:fs/promises";
import {join} from "node:path";
import {DataError} from "@claps/core";
import {parityReport} from "./report.js";
import type {ParityCase, ParityReport, RefusedCase} from "./report.js";
import type {FileResult, ReadDocument} from "./pack-file.js";
import {checkBertStrings, checkPhrases} from "./tokenizers-bert.js";
import {checkClipBatches, checkClipStrings} from "./tokenizers-clip.js";
import {checkFullVocabulary} from "./tokenizers-full.js";

type FileCheck = (folder: string, read: ReadDocument) => Promise<FileResult>;

const FILES: Readonly<Record<string, FileCheck>> = {
  "clip_cases.json": checkClipStrings,
  "clip_batches.json": checkClipBatches,
  "clip_full_vocabulary.json": checkFullVocabulary,
  "bert_cases.json": checkBertStrings,
  "gdino_cases.json": checkPhrases,
};

/** Files by which a pack of tokenizers is known. */
export const TOKENIZER_FILES: readonly string[] = Object.keys(FILES);

/** Files that hold a vocabulary, not cases. */
const VOCABULARIES = ["vocab.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"];

/**
 * Checks our tokenizers against a reference pack: every string must agree exactly in ids, truncation, padding,
 * offsets and decoded text.
 *
 * @param folder - Folder of the pack `tokenizers`, with the vocabularies in `clip` and `bert`.
 * @returns The report; what cannot be checked stands in `refused` with the reason.
 * @throws DataError if a file is damaged; ConfigError or WeightError if a vocabulary is.
 * @example
 * ```ts
 * const {ok} = await checkTokenizerPack("../shared/reference/tokenizers");
 * ```
 */
export async function checkTokenizerPack(folder: string): Promise<ParityReport> {
  const read: ReadDocument = (name) => readDocument(join(folder, name));
  const cases: ParityCase[] = [];
  const refused: RefusedCase[] = [];
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  for (const file of names) {
    const name = file.replace(".json", "");
    const check = FILES[file];
    if (check !== undefined) {
      const result = await check(folder, read);
      if (result.entries.length > 0) cases.push({name, entries: result.entries});
      refused.push(...result.refused);
    } else if (!VOCABULARIES.includes(file)) {
      refused.push({name, reason: "a file of a kind that is not known, so nothing in it was checked"});
    }
  }
  return parityReport({kind: "tokenizers", pack: folder, cases, refused});
}

async function readDocument<T>(path: string): Promise<T> {
  let document: unknown;
  try {
    document = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new DataError(`${path}: expected JSON, got something else.`, {cause, code: "pack"});
  }
  if (!Array.isArray((document as {cases?: unknown} | null)?.cases)) {
    throw new DataError(`${path}: expected a list "cases", got none.`, {code: "pack"});
  }
  return document as T;
}

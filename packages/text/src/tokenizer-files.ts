import {ConfigError} from "@claps/core";
import {readTextFile, writeAtomically} from "@claps/weights";
import {createTokenizer} from "./tokenizer.js";
import type {Tokenizer} from "./tokenizer.js";

const MAX_FILE_BYTES = 64_000_000;
const VOCABULARY_FILE = "vocab.json";
const MERGES_FILE = "merges.txt";

function parseVocabulary(text: string): Map<string, number> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("Tokenizer: expected JSON in the vocabulary file.", {code: "vocabulary", cause});
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new ConfigError("Tokenizer: expected the vocabulary to be a record from token to id.", {
      code: "vocabulary",
    });
  }
  return new Map(Object.entries(document as Record<string, number>));
}

/**
 * A tokenizer from the texts of its two files.
 *
 * @param vocabulary - Text of `vocab.json`: a record from token to id.
 * @param merges - Text of `merges.txt`: a version line, then one merge a line.
 * @throws ConfigError if a file is damaged or the two do not belong together.
 * @example
 * ```ts
 * tokenizerFromFiles(await vocab.text(), await merges.text()).encode("optic disc").ids;
 * ```
 */
export function tokenizerFromFiles(vocabulary: string, merges: string): Tokenizer {
  const lines = merges.split(/\r?\n/);
  const first = lines[0]?.startsWith("#version") === true ? 1 : 0;
  return createTokenizer(
    parseVocabulary(vocabulary),
    lines.slice(first).filter((line) => line !== ""),
  );
}

/**
 * The tokenizer of a folder with `vocab.json` and `merges.txt`, as published beside CLIP's weights.
 *
 * @param folder - Path of the folder.
 * @throws WeightError if a file cannot be read; ConfigError if one is damaged.
 * @example
 * ```ts
 * const tokenizer = await loadTokenizer("weights/clip-base");
 * ```
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const vocabulary = await readTextFile(`${folder}/${VOCABULARY_FILE}`, MAX_FILE_BYTES);
  const merges = await readTextFile(`${folder}/${MERGES_FILE}`, MAX_FILE_BYTES);
  return tokenizerFromFiles(vocabulary, merges);
}

/**
 * The texts of the two files of a tokenizer.
 *
 * @param tokenizer - The tokenizer.
 * @returns Text by file name.
 */
export function tokenizerFiles(tokenizer: Pick<Tokenizer, "vocabulary" | "merges">): Map<string, string> {
  return new Map([
    [VOCABULARY_FILE, `${JSON.stringify(Object.fromEntries(tokenizer.vocabulary))}\n`],
    [MERGES_FILE, `#version: 0.2\n${tokenizer.merges.map((line) => `${line}\n`).join("")}`],
  ]);
}

/**
 * Writes `vocab.json` and `merges.txt` into a folder.
 *
 * @param tokenizer - The tokenizer.
 * @param folder - Path of an existing folder.
 * @throws WeightError if a file cannot be written.
 */
export async function saveTokenizer(tokenizer: Tokenizer, folder: string): Promise<void> {
  for (const [name, text] of tokenizerFiles(tokenizer)) {
    await writeAtomically(`${folder}/${name}`, [new TextEncoder().encode(text)]);
  }
}

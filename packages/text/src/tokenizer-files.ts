import {ConfigError, WeightError} from "@claps/core";
import {readTextFile, writeAtomically} from "@claps/weights";
import {createTokenizer} from "./byte-level-tokenizer.js";
import type {TokenizerOptions} from "./byte-level-tokenizer.js";
import {parseTokenizerJson} from "./tokenizer-json.js";
import type {BertTextRules, Tokenizer} from "./tokenizer.js";
import {createBertTokenizer, uncasedRules} from "./word-piece-tokenizer.js";

const MAX_FILE_BYTES = 64_000_000;
const VOCABULARY_FILE = "vocab.json";
const MERGES_FILE = "merges.txt";
const WORD_PIECES_FILE = "vocab.txt";
const WHOLE_FILE = "tokenizer.json";
const SETTINGS_FILE = "tokenizer_config.json";

function parseRecord(text: string, what: string): Readonly<Record<string, unknown>> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`Tokenizer: expected JSON in the ${what}, got something else.`, {
      code: "vocabulary",
      cause,
    });
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new ConfigError(`Tokenizer: expected the ${what} to be a record, got ${text.slice(0, 40)}.`, {
      code: "vocabulary",
    });
  }
  return document as Readonly<Record<string, unknown>>;
}

/**
 * A tokenizer of CLIP's kind from the texts of its two files.
 *
 * @param vocabulary - Text of `vocab.json`: a record from token to id.
 * @param merges - Text of `merges.txt`: a version line, then one merge a line.
 * @param options - How texts are cleaned.
 * @throws ConfigError if a file is damaged or the two do not belong together.
 * @example
 * ```ts
 * tokenizerFromFiles(await vocab.text(), await merges.text()).encode("optic disc").ids;
 * ```
 */
export function tokenizerFromFiles(
  vocabulary: string,
  merges: string,
  options: TokenizerOptions = {},
): Tokenizer {
  const lines = merges.split(/\r?\n/);
  const first = lines[0]?.startsWith("#version") === true ? 1 : 0;
  return createTokenizer(
    new Map(Object.entries(parseRecord(vocabulary, "vocabulary file") as Record<string, number>)),
    lines.slice(first).filter((line) => line !== ""),
    options,
  );
}

/**
 * A WordPiece tokenizer from the text of its vocabulary.
 *
 * @param vocabulary - Text of `vocab.txt`: one token a line, the number of the line is the id.
 * @param rules - What is done to a text first. Default that of uncased models.
 * @throws ConfigError if a line is empty or doubled, or a special token is missing.
 * @example
 * ```ts
 * bertTokenizerFromFile(await vocab.text()).encode("optic disc").ids;
 * ```
 */
export function bertTokenizerFromFile(
  vocabulary: string,
  rules: Readonly<BertTextRules> = uncasedRules,
): Tokenizer {
  const lines = vocabulary.replace(/\r?\n$/, "").split(/\r?\n/);
  const ids = new Map<string, number>();
  lines.forEach((line, id) => {
    const before = ids.get(line);
    if (line === "" || before !== undefined) {
      const got =
        line === "" ? "an empty one" : `${JSON.stringify(line)} again, after line ${Number(before) + 1}`;
      throw new ConfigError(`vocab.txt, line ${id + 1}: expected a new token, got ${got}.`, {
        code: "vocabulary",
      });
    }
    ids.set(line, id);
  });
  return createBertTokenizer(ids, rules);
}

function rulesOfSettings(text: string | undefined): BertTextRules {
  const settings = text === undefined ? {} : parseRecord(text, SETTINGS_FILE);
  const flag = (name: string): boolean | undefined => {
    const value = settings[name] ?? undefined;
    if (value !== undefined && typeof value !== "boolean") {
      throw new ConfigError(
        `${SETTINGS_FILE}, ${name}: expected true or false, got ${JSON.stringify(value)}.`,
      );
    }
    return value;
  };
  const lowerCase = flag("do_lower_case") ?? true;
  return {
    lowerCase,
    stripAccents: flag("strip_accents") ?? lowerCase,
    splitChinese: flag("tokenize_chinese_chars") ?? true,
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readTextFile(path, MAX_FILE_BYTES);
  } catch (error) {
    const cause = error instanceof WeightError ? (error.cause as {code?: unknown} | undefined) : undefined;
    if (cause?.code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * The tokenizer of a folder, as published beside the weights of CLIP or BERT.
 *
 * Read are `vocab.json` with `merges.txt`, else `vocab.txt` with what `tokenizer_config.json` says about case and
 * accents, else `tokenizer.json`.
 *
 * @param folder - Path of the folder.
 * @param options - How texts are cleaned; only for tokenizers of CLIP's kind.
 * @throws WeightError if there is none of these files or one cannot be read; ConfigError if one is damaged.
 * @example
 * ```ts
 * const tokenizer = await loadTokenizer("weights/clip-base");
 * ```
 */
export async function loadTokenizer(folder: string, options: TokenizerOptions = {}): Promise<Tokenizer> {
  const read = (name: string): Promise<string | undefined> => readIfThere(`${folder}/${name}`);
  const merges = await read(MERGES_FILE);
  const vocabulary = merges === undefined ? undefined : await read(VOCABULARY_FILE);
  if (merges !== undefined && vocabulary !== undefined)
    return tokenizerFromFiles(vocabulary, merges, options);
  const wordPieces = await read(WORD_PIECES_FILE);
  if (wordPieces !== undefined) {
    return bertTokenizerFromFile(wordPieces, rulesOfSettings(await read(SETTINGS_FILE)));
  }
  const whole = await read(WHOLE_FILE);
  if (whole !== undefined) {
    const tables = parseTokenizerJson(whole);
    return tables.kind === "bert"
      ? createBertTokenizer(tables.vocabulary, tables.textRules)
      : createTokenizer(tables.vocabulary, tables.merges, options);
  }
  throw new WeightError(
    `${folder}: expected the files of a tokenizer, ${VOCABULARY_FILE} with ${MERGES_FILE}, ${WORD_PIECES_FILE} or ${WHOLE_FILE}, got none of them.`,
    {code: "no-tokenizer"},
  );
}

/**
 * The texts of the files that hold a tokenizer's vocabulary: `vocab.json` and `merges.txt`, or `vocab.txt`.
 *
 * @param tokenizer - The tokenizer; without `kind` it is of CLIP's.
 * @returns Text by file name.
 */
export function tokenizerFiles(
  tokenizer: Pick<Tokenizer, "vocabulary" | "merges"> & Partial<Pick<Tokenizer, "kind">>,
): Map<string, string> {
  const {vocabulary, merges} = tokenizer;
  if (tokenizer.kind === "bert") {
    const names = new Array<string>(vocabulary.size);
    for (const [name, id] of vocabulary) names[id] = name;
    return new Map([[WORD_PIECES_FILE, `${names.join("\n")}\n`]]);
  }
  return new Map([
    [VOCABULARY_FILE, `${JSON.stringify(Object.fromEntries(vocabulary))}\n`],
    [MERGES_FILE, `#version: 0.2\n${merges.map((line) => `${line}\n`).join("")}`],
  ]);
}

function settingsOf({kind, textRules = uncasedRules}: Tokenizer): Record<string, unknown> {
  if (kind === "clip") return {tokenizer_class: "CLIPTokenizer"};
  return {
    tokenizer_class: "BertTokenizer",
    do_lower_case: textRules.lowerCase,
    strip_accents: textRules.stripAccents,
    tokenize_chinese_chars: textRules.splitChinese,
  };
}

/**
 * Writes a tokenizer's vocabulary and `tokenizer_config.json` into a folder, so that `loadTokenizer` and Hugging
 * Face's AutoTokenizer make the same tokenizer of it.
 *
 * @param tokenizer - The tokenizer.
 * @param folder - Path of an existing folder.
 * @throws WeightError if a file cannot be written.
 */
export async function saveTokenizer(tokenizer: Tokenizer, folder: string): Promise<void> {
  const settings = `${JSON.stringify(settingsOf(tokenizer), null, 2)}\n`;
  for (const [name, text] of [...tokenizerFiles(tokenizer), [SETTINGS_FILE, settings] as const]) {
    await writeAtomically(`${folder}/${name}`, [new TextEncoder().encode(text)]);
  }
}

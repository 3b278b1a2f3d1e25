import {DataError, unknownNameMessage} from "@claps/core";
import {readText, writeText} from "#files";
import type {Finding} from "../findings/define-finding.js";
import type {Captions} from "./captions.js";
import {readJson} from "./read-json.js";

/** Options of {@link readCaptions} and {@link parseCaptions}. */
export interface CaptionsOptions {
  /** The findings that the file may speak of, each of which needs at least one sentence. */
  readonly findings: readonly Finding[];
  /** Whether each sentence must name the signature of its modality; default true, `false` for the ablation. */
  readonly signature?: boolean;
}

/**
 * Reads the sentences to train with from a JSON file.
 *
 * @param path - The file; see {@link writeCaptions}.
 * @throws DataError naming line or entry if it is no JSON, names an unknown modality or finding, leaves one out,
 * or a sentence is empty, there twice or without the signature.
 * @example
 * ```ts
 * const captions = await readCaptions("captions.json", {findings});
 * ```
 */
export async function readCaptions(path: string, options: CaptionsOptions): Promise<Captions> {
  return parseCaptions(await readText(path), {...options, where: path});
}

/**
 * Writes sentences as an editable JSON file.
 *
 * @throws DataError if the place cannot be written to.
 * @example
 * ```ts
 * await writeCaptions("captions.json", defaultCaptions(findings));
 * ```
 */
export async function writeCaptions(path: string, captions: Captions): Promise<void> {
  await writeText(path, `${JSON.stringify(captions, null, 2)}\n`);
}

/**
 * Checks the text of a caption file; see {@link readCaptions}.
 *
 * @param text - JSON.
 * @throws DataError as {@link readCaptions} does.
 */
export function parseCaptions(text: string, options: CaptionsOptions & {readonly where: string}): Captions {
  const {where, findings} = options;
  const value = readJson(text, where);
  const modalities = new Map(findings.map(({modality}) => [modality.id, modality]));
  const result: Record<string, Record<string, string[]>> = {};
  for (const [modalityId, labels] of entriesOf(value, where, "modalities")) {
    const place = `${where}, "${modalityId}"`;
    if (!modalities.has(modalityId)) {
      throw problem(`${where}: ${unknownNameMessage("modality", modalityId, [...modalities.keys()])}`);
    }
    const own = findings.filter(({modality}) => modality.id === modalityId);
    const checked: Record<string, string[]> = {};
    for (const [id, templates] of entriesOf(labels, place, "findings")) {
      const finding = own.find((candidate) => candidate.id === id);
      if (finding === undefined) {
        const known = own.map((candidate) => candidate.id);
        throw problem(`${place}: ${unknownNameMessage("finding", id, known)}`);
      }
      checked[id] = checkTemplates(templates, finding, {...options, where: `${place}, "${id}"`});
    }
    result[modalityId] = checked;
  }
  const missing = findings.filter(({id, modality}) => result[modality.id]?.[id] === undefined);
  if (missing.length > 0) {
    const names = missing.map(({label}) => label).join(", ");
    throw problem(
      `${where}: expected sentences for every finding, got none for ${names}. Add them, or leave those findings out.`,
    );
  }
  return result;
}

function checkTemplates(
  value: unknown,
  {modality}: Finding,
  {where, signature = true}: CaptionsOptions & {readonly where: string},
): string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw problem(`${where}: expected a list of at least one sentence, got ${describe(value)}.`);
  }
  const seen = new Map<string, number>();
  return value.map((sentence: unknown, index) => {
    const place = `${where}, sentence ${index + 1}`;
    if (typeof sentence !== "string" || sentence.trim() === "") {
      throw problem(`${place}: expected a sentence, got ${describe(sentence)}.`);
    }
    const key = sentence.trim().toLowerCase();
    const earlier = seen.get(key);
    if (earlier !== undefined) {
      throw problem(`${place}: "${sentence}" is sentence ${earlier} again; each may be there once.`);
    }
    seen.set(key, index + 1);
    if (signature && !key.includes(modality.signature.toLowerCase())) {
      throw problem(
        `${place}: expected the signature "${modality.signature}" in it, got "${sentence}". Add it, or train with signature: false.`,
      );
    }
    return sentence.trim();
  });
}

function entriesOf(value: unknown, where: string, what: string): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw problem(`${where}: expected an object of ${what}, got ${describe(value)}.`);
  }
  return Object.entries(value);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value === null || value === undefined) return "nothing";
  if (typeof value === "string") return value.trim() === "" ? "an empty text" : `the text "${value}"`;
  return typeof value === "object" ? "an object" : `the ${typeof value} ${JSON.stringify(value)}`;
}

function problem(message: string): DataError {
  return new DataError(message, {code: "captions"});
}

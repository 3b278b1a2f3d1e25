import {DataError, nearestName, unknownNameMessage} from "@claps/core";
import {readImage} from "@claps/image";
import {termKey} from "@claps/modalities";
import type {Modality} from "@claps/modalities";
import {isFile, readText, resolveBeside} from "#files";
import type {LabelState, SplitName} from "../case.js";
import type {Finding, FindingStates} from "../findings/define-finding.js";
import {csvRows} from "./csv-rows.js";
import type {CsvRow} from "./csv-rows.js";
import {toSmallRgb} from "./labelled-picture.js";
import type {LabelledPicture} from "./labelled-picture.js";

/** One row of a list of pictures: a picture on the disk and what is known of it. */
export interface ListedPicture {
  /** The path as the list has it, without its extension. */
  readonly id: string;
  /** Path of the file. */
  readonly file: string;
  /** Line of the list. */
  readonly line: number;
  readonly modality: Modality;
  readonly labels: FindingStates;
  readonly caption?: string;
  readonly split?: SplitName;
  readonly patient?: string;
}

/** Options of {@link readPictureList}. */
export interface PictureListOptions {
  /** The findings that labels may name, by id, label, or phrase in any spelling. */
  readonly findings: readonly Finding[];
}

const NEEDED = ["image", "modality", "labels"] as const;
const OPTIONAL = ["caption", "split", "patient"] as const;
type Column = (typeof NEEDED)[number] | (typeof OPTIONAL)[number];
const COLUMNS: readonly Column[] = [...NEEDED, ...OPTIONAL];
const SPLITS: Readonly<Record<string, SplitName>> = {
  train: "train",
  training: "train",
  validation: "validation",
  val: "validation",
  test: "test",
};
/** Further problems are counted, not printed. */
const SHOWN = 10;

/**
 * Reads a list of one's own pictures from a CSV file.
 *
 * Columns, in any order: `image` (path, relative to the list), `modality` (id, name or signature), `labels`
 * (findings with semicolons between; a minus before one means that it is known to be absent; one that is not
 * named is unlabelled, which is not absent). If wanted: `caption` (a sentence of its own), `split` (train,
 * validation or test), `patient`.
 *
 * @param path - The CSV file: comma between cells, UTF-8.
 * @returns One entry per row. The pictures are not read yet, but they are there.
 * @throws DataError naming all lines in which something is wrong, and all files that are missing.
 * @example
 * ```ts
 * const pictures = await readPictureList("clinic/pictures.csv", {findings});
 * ```
 */
export async function readPictureList(
  path: string,
  {findings}: PictureListOptions,
): Promise<readonly ListedPicture[]> {
  const [header, ...rows] = csvRows(await readText(path), path);
  if (header === undefined || rows.length === 0) {
    throw problem(
      `${path}: expected a line of column names and at least one picture, got ${header === undefined ? "nothing" : "column names alone"}.`,
    );
  }
  const columns = readHeader(header, path);
  const pictures: ListedPicture[] = [];
  const problems: string[] = [];
  for (const row of rows) {
    try {
      pictures.push(readRow(row, {columns, findings, path}));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0)
    throw problem(listed(`${path}: ${countOf(problems.length, "row")} cannot be used`, problems));
  checkDuplicates(pictures, path);
  const missing: string[] = [];
  for (const {file, line} of pictures) {
    if (!(await isFile(file))) missing.push(`line ${line}: ${file}`);
  }
  if (missing.length > 0) {
    throw problem(
      listed(
        `${path}: expected pictures relative to the list's folder, ${countOf(missing.length, "file")} of ${pictures.length} missing`,
        missing,
      ),
      "missing-pictures",
    );
  }
  return pictures;
}

/**
 * Reads one listed picture.
 *
 * @param listed - One entry of {@link readPictureList}.
 * @param options - `source`: name of the list for records; `shorterSide`: larger pictures are made smaller to
 *   this, px.
 * @throws DataError if it cannot be read.
 */
export async function loadListedPicture(
  {id, file, modality, labels, caption, split, patient}: ListedPicture,
  options: {readonly source: string; readonly shorterSide?: number},
): Promise<LabelledPicture> {
  return {
    id,
    source: options.source,
    modality,
    image: toSmallRgb(await readImage(file, {id}), modality, options.shorterSide),
    labels,
    ...(caption === undefined ? {} : {caption}),
    ...(split === undefined ? {} : {split}),
    ...(patient === undefined ? {} : {patient}),
  };
}

function readHeader({cells}: CsvRow, path: string): Map<Column, number> {
  const names = cells.map((cell) => cell.trim().toLowerCase());
  const [other] = [";", "\t"].filter((mark) => names.length === 1 && names[0]?.includes(mark));
  if (other !== undefined) {
    throw problem(
      `${path}, line 1: expected commas between the columns, got ${other === ";" ? "semicolons" : "tabs"}. Save the table as CSV with commas; semicolons stand between the labels of one picture.`,
    );
  }
  const columns = new Map<Column, number>();
  names.forEach((name, index) => {
    const column = COLUMNS.find((known) => known === name);
    if (column === undefined)
      throw problem(`${path}, line 1: ${unknownNameMessage("column", name, COLUMNS)}`);
    if (columns.has(column)) throw problem(`${path}, line 1: the column "${name}" is there twice.`);
    columns.set(column, index);
  });
  const missing = NEEDED.filter((name) => !columns.has(name));
  if (missing.length > 0) {
    throw problem(
      `${path}, line 1: expected the columns ${NEEDED.join(", ")}, got none named ${missing.join(", ")}.`,
    );
  }
  return columns;
}

interface RowContext {
  readonly columns: ReadonlyMap<Column, number>;
  readonly findings: readonly Finding[];
  readonly path: string;
}

function readRow({line, cells}: CsvRow, {columns, findings, path}: RowContext): ListedPicture {
  const fail = (message: string): DataError => problem(`line ${line}: ${message}`);
  if (cells.length !== columns.size) {
    throw fail(
      `expected ${columns.size} cells, got ${cells.length}. A cell with a comma in it needs quotes round it.`,
    );
  }
  const cell = (column: Column): string => cells[columns.get(column) ?? -1]?.trim() ?? "";
  const image = cell("image");
  if (image === "") throw fail("expected the path of a picture, got an empty cell.");
  const modality = modalityOf(cell("modality"), findings, fail);
  const labels = labelsOf(
    cell("labels"),
    findings.filter((finding) => finding.modality === modality),
    fail,
  );
  const caption = cell("caption");
  if (labels.size === 0 && caption === "") {
    throw fail("expected at least one label or a caption, got neither.");
  }
  const split = cell("split").toLowerCase();
  if (split !== "" && !Object.hasOwn(SPLITS, split)) {
    throw fail(`expected train, validation or test as split, got "${split}".`);
  }
  const patient = cell("patient");
  return {
    id: image.replace(/\.[^./\\]+$/, "").replaceAll("\\", "/"),
    file: resolveBeside(path, image),
    line,
    modality,
    labels,
    ...(caption === "" ? {} : {caption}),
    ...(split === "" ? {} : {split: SPLITS[split]}),
    ...(patient === "" ? {} : {patient}),
  };
}

function modalityOf(text: string, findings: readonly Finding[], fail: (message: string) => Error): Modality {
  const known = [...new Set(findings.map(({modality}) => modality))];
  const key = termKey(text);
  const found = known.find(({id, name, signature}) =>
    [id, name, signature].some((word) => termKey(word) === key),
  );
  if (found !== undefined) return found;
  throw fail(
    unknownNameMessage(
      "modality",
      text,
      known.map(({id}) => id),
    ),
  );
}

function labelsOf(
  text: string,
  findings: readonly Finding[],
  fail: (message: string) => Error,
): FindingStates {
  const states = new Map<string, LabelState>();
  for (const part of text.split(";")) {
    const word = part.trim();
    if (word === "") continue;
    const isAbsent = word.startsWith("-");
    const name = isAbsent ? word.slice(1).trim() : word;
    const finding = findings.find(({id, label, phrases}) =>
      [id, label, ...phrases].some((known) => termKey(known) === termKey(name)),
    );
    if (finding === undefined) {
      const ids = findings.map(({id}) => id);
      const nearest = nearestName(name, ids);
      const guess = nearest === undefined ? "." : `: did you mean "${nearest}"?`;
      throw fail(
        `unknown label "${name}"${guess} Known: ${ids.join(", ")}. Others are declared with defineFinding.`,
      );
    }
    if (states.has(finding.label)) throw fail(`the label "${finding.id}" is there twice.`);
    states.set(finding.label, isAbsent ? "negative" : "positive");
  }
  return states;
}

function checkDuplicates(pictures: readonly ListedPicture[], path: string): void {
  const lines = new Map<string, number[]>();
  for (const {file, line} of pictures) lines.set(file, [...(lines.get(file) ?? []), line]);
  const repeated = [...lines].filter(([, where]) => where.length > 1);
  if (repeated.length === 0) return;
  throw problem(
    listed(
      `${path}: expected each picture once, ${countOf(repeated.length, "picture")} there more than once`,
      repeated.map(([file, where]) => `lines ${where.join(", ")}: ${file}`),
    ),
    "duplicate-pictures",
  );
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function listed(title: string, entries: readonly string[]): string {
  const more = entries.length > SHOWN ? [`  and ${entries.length - SHOWN} more`] : [];
  return [`${title}:`, ...entries.slice(0, SHOWN).map((entry) => `  ${entry}`), ...more].join("\n");
}

function problem(message: string, code = "picture-list"): DataError {
  return new DataError(message, {code});
}

import {createHash} from "node:crypto";
import {mkdir, readdir, readFile, stat} from "node:fs/promises";
import {basename, extname, join} from "node:path";
import {ClapsError, ConfigError, DataError} from "@claps/core";
import {readImage, writeImage} from "@claps/image";
import type {Box} from "@claps/image";
import {loadClaps, segment} from "@claps/method";
import type {Claps, Segmentation} from "@claps/method";
import {findModality} from "@claps/modalities";
import type {Modality} from "@claps/modalities";
import {overlay, writeJson} from "@claps/report";
import type {Progress} from "../progress.js";

/** Options of {@link segmentFiles}. */
export interface SegmentFilesOptions {
  /** Pictures, or folders of pictures. */
  readonly paths: readonly string[];
  /** Folder of a trained model. */
  readonly weights: string;
  /** How the pictures were taken. */
  readonly modality: string;
  /** What to look for: names, phrases or synonyms. */
  readonly targets: readonly string[];
  /** Boxes in source px; left out means the whole field. */
  readonly boxes?: readonly Box[];
  /** Where the results go: a folder per picture. */
  readonly out: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

/** What is written of one picture as `record.json`; masks are files beside it. */
export interface SegmentRecord {
  readonly image: Segmentation["image"] & {readonly file: string};
  readonly modality: string;
  readonly weights: string;
  readonly engine: string;
  readonly seconds: number;
  readonly targets: readonly {
    readonly target: string;
    readonly phrase: string;
    readonly verdict: string;
    readonly area: number;
    readonly boxes: readonly Box[];
    readonly boxSource: string;
    readonly scores: readonly number[];
    readonly mask: string;
  }[];
  readonly overlay: string;
  /** Tells whether an earlier result was made with the same settings. */
  readonly settings: string;
  readonly notice: string;
}

/** What became of a cohort. */
export interface SegmentFilesResult {
  readonly records: readonly SegmentRecord[];
  /** Pictures that could not be read, with the reason. */
  readonly failed: readonly {readonly file: string; readonly reason: string}[];
  /** Pictures whose results were there from before. */
  readonly kept: number;
  readonly stopped: boolean;
}

const PICTURE = /\.(png|jpe?g|tiff?|gif)$/i;

/**
 * Segments pictures and writes masks, overlays and records; a picture that cannot be read is named and passed
 * over, one whose result is there from before with the same settings is kept.
 *
 * @throws ConfigError if modality, target or weights are not known; DataError if there is no picture.
 */
export async function segmentFiles(options: SegmentFilesOptions): Promise<SegmentFilesResult> {
  const modality = findModality(options.modality);
  for (const text of options.targets) modality.target(text);
  const files = await listPictures(options.paths);
  const claps = await loadClaps(options.weights);
  try {
    return await segmentAll(claps, {files, modality, options});
  } finally {
    options.progress.end();
    claps.dispose();
  }
}

interface Cohort {
  files: readonly string[];
  modality: Modality;
  options: SegmentFilesOptions;
}

async function segmentAll(claps: Claps, {files, modality, options}: Cohort): Promise<SegmentFilesResult> {
  const common = await settingsHash(options, claps);
  const records: SegmentRecord[] = [];
  const failed: {file: string; reason: string}[] = [];
  let kept = 0;
  options.progress.stage("segmenting", files.length);
  for (const [index, file] of files.entries()) {
    if (options.signal?.aborted === true) return {records, failed, kept, stopped: true};
    const folder = join(options.out, basename(file, extname(file)));
    try {
      const settings = hashOf([common, await pictureHash(file)]);
      const earlier = await earlierRecord(folder, settings);
      if (earlier !== undefined) kept++;
      records.push(earlier ?? (await segmentFile(claps, {file, folder, modality, options, settings})));
    } catch (error) {
      // Settings that are wrong for one picture are wrong for all.
      if (!(error instanceof ClapsError) || error instanceof ConfigError) throw error;
      failed.push({file, reason: error.message});
      options.progress.line(`skipped ${file}: ${error.message}`);
    }
    options.progress.step(index + 1, basename(file));
  }
  return {records, failed, kept, stopped: false};
}

async function listPictures(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const isFolder = await stat(path).then(
      (entry) => entry.isDirectory(),
      () => false,
    );
    if (!isFolder) {
      files.push(path);
      continue;
    }
    const names = (await readdir(path)).filter((name) => PICTURE.test(name) && !name.startsWith("."));
    files.push(...names.sort().map((name) => join(path, name)));
  }
  if (files.length === 0) {
    throw new DataError(
      `segment: expected pictures (PNG, JPEG, TIFF, GIF), got none in ${paths.join(", ")}.`,
    );
  }
  const names = files.map((file) => basename(file, extname(file)));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new ConfigError(
      `segment: expected pictures of different names, got "${twice}" twice; run them apart.`,
    );
  }
  return files;
}

function hashOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  // Lengths keep two parts from running into each other.
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex").slice(0, 16);
}

/** What decides about a result beside the picture: the question, the weights themselves, the threshold. */
async function settingsHash(
  {modality, targets, boxes, weights}: SegmentFilesOptions,
  claps: Claps,
): Promise<string> {
  const question = JSON.stringify([modality, targets, boxes ?? null, claps.config, claps.threshold]);
  const names = (await readdir(weights)).filter((name) => name.endsWith(".safetensors")).sort();
  const contents = await Promise.all(names.map((name) => readFile(join(weights, name))));
  return hashOf([question, ...contents]);
}

/** The same for a picture that cannot be read, which is found out later. */
async function pictureHash(file: string): Promise<string> {
  const bytes = await readFile(file).catch(() => new Uint8Array());
  return hashOf([bytes]);
}

/** The record of an earlier run with the same settings, if all that it speaks of is still there. */
async function earlierRecord(folder: string, settings: string): Promise<SegmentRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(join(folder, "record.json"), "utf8")) as SegmentRecord;
    if (record.settings !== settings) return undefined;
    await Promise.all([record.overlay, ...record.targets.map(({mask}) => mask)].map((file) => stat(file)));
    return record;
  } catch {
    return undefined;
  }
}

interface SegmentFile {
  file: string;
  folder: string;
  modality: Modality;
  options: SegmentFilesOptions;
  settings: string;
}

async function segmentFile(claps: Claps, request: SegmentFile): Promise<SegmentRecord> {
  const {file, folder, modality, options, settings} = request;
  const image = await readImage(file);
  const {targets, boxes} = options;
  const result = await segment(claps, image, {modality, targets, ...(boxes === undefined ? {} : {boxes})});
  await makeFolder(folder);
  const layers = [];
  for (const {target, mask} of result.targets) {
    await writeImage(join(folder, `${target}.png`), mask);
    layers.push({mask, colour: modality.target(target).colour});
  }
  const drawn = join(folder, "overlay.png");
  await writeImage(drawn, overlay(image, layers));
  const record: SegmentRecord = {
    image: {...result.image, file},
    modality: result.modality,
    weights: options.weights,
    engine: result.engine,
    seconds: result.seconds,
    targets: result.targets.map(({target, phrase, verdict, area, boxes: asked, boxSource, scores}) => ({
      target,
      phrase,
      verdict,
      area,
      boxes: asked,
      boxSource,
      scores,
      mask: join(folder, `${target}.png`),
    })),
    overlay: drawn,
    settings,
    notice: result.notice,
  };
  // Last: a record says that everything else of this picture is there.
  await writeJson(join(folder, "record.json"), record);
  return record;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, {recursive: true});
  } catch (cause) {
    throw new ConfigError(`--out: expected a folder that can be written, got ${folder}, which cannot.`, {
      cause,
      code: "folder-read-only",
    });
  }
}

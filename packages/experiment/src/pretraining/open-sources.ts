import {ClapsError, createRandom, DataError} from "@claps/core";
import {labelPicture, labelsIn, loadListedPicture, readPictureList, split, syntheticCase} from "@claps/data";
import type {CaseReference, Dataset, Finding, LabelledPicture, LoadedCase, SplitName} from "@claps/data";
import {openData} from "../open-data.js";
import {readCases} from "../read-cases.js";
import type {PretrainingSource, SyntheticSource} from "./define-pretraining.js";

/** Pictures of all sources, divided by use. */
export interface PretrainingPictures {
  readonly training: readonly LabelledPicture[];
  /** Choose weights and thresholds. */
  readonly validation: readonly LabelledPicture[];
  /** Are scored. */
  readonly test: readonly LabelledPicture[];
  readonly sources: readonly OpenedSource[];
  /** Pictures that could not be read, or say nothing to train with. */
  readonly skipped: readonly string[];
}

/** What became of one source. */
export interface OpenedSource {
  readonly id: string;
  readonly isSynthetic: boolean;
  readonly training: number;
  readonly validation: number;
  readonly test: number;
  /** Which pictures are scored. */
  readonly scored: "test" | "held out";
}

/** What {@link openSources} needs. */
export interface OpenSourcesOptions {
  readonly findings: readonly Finding[];
  /** Where real datasets lie: `DIR` or `id=DIR`. */
  readonly roots: readonly string[];
  readonly seed: string;
  /** Whether the test pictures of real data are read. */
  readonly final: boolean;
  /** Side of the pictures that the model sees, px. */
  readonly imageSize: number;
  /** Called after each picture. */
  readonly onPicture?: (done: number, total: number) => void;
}

/** Pictures are kept at this many times the model's size: smaller ones to train on, finer ones to be scored. */
const KEPT: Readonly<Record<SplitName, number>> = {train: 1, validation: 2, test: 2};
/** Share of unreadable pictures of a list before a run stops; a single one never stops it. */
const TOLERATED = 0.05;

type Use = SplitName;
type Reader = (use: Use, onSkip: (text: string) => void) => AsyncGenerator<LabelledPicture>;

interface Source {
  readonly id: string;
  readonly isSynthetic: boolean;
  readonly scored: "test" | "held out";
  readonly total: number;
  readonly read: Reader;
}

/**
 * Reads the pictures of all sources and their labels into memory, small.
 *
 * Test pictures of real data are read with `final` alone; without it every second held-out picture is scored and
 * the others choose. A picture that shows nothing that a sentence could say is left out of training.
 *
 * @throws DataError if data are not what they should be, or nothing is left to train on or to score.
 */
export async function openSources(
  sources: readonly PretrainingSource[],
  options: OpenSourcesOptions,
): Promise<PretrainingPictures> {
  const pictures: Record<Use, LabelledPicture[]> = {train: [], validation: [], test: []};
  const opened: OpenedSource[] = [];
  const skipped: string[] = [];
  const ready: Source[] = [];
  for (const source of sources) ready.push(await openSource(source, options));
  const total = ready.reduce((sum, source) => sum + source.total, 0);
  let done = 0;
  for (const source of ready) {
    const counts: Record<Use, number> = {train: 0, validation: 0, test: 0};
    for (const use of ["train", "validation", "test"] as const) {
      for await (const picture of source.read(use, (text) => skipped.push(text))) {
        options.onPicture?.(++done, total);
        if (use === "train" && isSilent(picture)) {
          skipped.push(`${picture.source} ${picture.id}: no finding of it is known to be there`);
          continue;
        }
        pictures[use].push(picture);
        counts[use]++;
      }
    }
    const {id, isSynthetic, scored} = source;
    const {train: training, validation, test} = counts;
    opened.push({id, isSynthetic, training, validation, test, scored});
  }
  for (const [use, what] of [
    ["train", "to train on"],
    ["test", "to score"],
  ] as const) {
    if (pictures[use].length > 0) continue;
    const reason = use === "test" ? " Set holdOut, give --final, or add rows with the split test." : "";
    throw new DataError(
      `Pre-training: expected pictures ${what}, got none from ${opened.map(({id}) => id).join(", ")}.${reason}${skipped.length === 0 ? "" : ` Left out: ${skipped[0] ?? ""}.`}`,
      {code: "no-pictures"},
    );
  }
  const {train: training, validation, test} = pictures;
  return {training, validation, test, sources: opened, skipped};
}

/** Whether there is nothing in a picture that a sentence could name. */
function isSilent(picture: LabelledPicture): boolean {
  return picture.caption === undefined && labelsIn(picture, "positive").length === 0;
}

async function openSource(source: PretrainingSource, options: OpenSourcesOptions): Promise<Source> {
  if ("synthetic" in source) return openSynthetic(source, options);
  if ("pictures" in source) return openList(source.pictures, options);
  const opened = await openData(source, {roots: options.roots, folder: "", seed: options.seed});
  const {dataset, training, heldOut, test} = opened;
  const [validation, scored] = options.final ? [heldOut, test] : alternate(heldOut);
  const references = {train: training, validation, test: scored};
  return {
    id: dataset.definition.id,
    isSynthetic: false,
    scored: options.final ? "test" : "held out",
    total: training.length + validation.length + scored.length,
    read: (use, onSkip) => readDataset(dataset, references[use], {use, options, onSkip}),
  };
}

async function* readDataset(
  dataset: Dataset,
  references: readonly CaseReference[],
  {use, options, onSkip}: {use: Use; options: OpenSourcesOptions; onSkip: (text: string) => void},
): AsyncGenerator<LabelledPicture> {
  const skip = (id: string, reason: string): void => onSkip(`${dataset.definition.id} ${id}: ${reason}`);
  for await (const loaded of readCases({dataset, references}, skip)) yield small(loaded, use, options);
}

function openSynthetic(source: SyntheticSource, options: OpenSourcesOptions): Source {
  const {synthetic: kind, train, validation, test, size = 128, healthy} = source;
  // One range of numbers per use: no picture is in two.
  const ranges: Record<Use, [from: number, count: number]> = {
    train: [0, train],
    validation: [1_000_000, validation],
    test: [2_000_000, test],
  };
  const random = createRandom(options.seed).fork("made-up pictures");
  return {
    id: kind.id,
    isSynthetic: true,
    scored: "test",
    total: train + validation + test,
    // eslint-disable-next-line @typescript-eslint/require-await -- the same form as sources that read files
    read: async function* (use) {
      const [from, count] = ranges[use];
      for (let index = from; index < from + count; index++) {
        const picture = syntheticCase(kind, {
          size,
          index,
          random,
          ...(healthy === undefined ? {} : {healthy}),
        });
        yield small(picture, use, options);
      }
    },
  };
}

function small(loaded: LoadedCase, use: Use, {findings, imageSize}: OpenSourcesOptions): LabelledPicture {
  return labelPicture(loaded, {findings, shorterSide: KEPT[use] * imageSize});
}

async function openList(path: string, options: OpenSourcesOptions): Promise<Source> {
  const listed = await readPictureList(path, {findings: options.findings});
  const hasSplit = listed.some((entry) => entry.split !== undefined);
  const parts = hasSplit
    ? {
        train: listed.filter((entry) => (entry.split ?? "train") === "train"),
        validation: listed.filter((entry) => entry.split === "validation"),
        test: listed.filter((entry) => entry.split === "test"),
      }
    : split(listed, {seed: options.seed});
  const [validation, scored] = options.final ? [parts.validation, parts.test] : alternate(parts.validation);
  const uses = {train: parts.train, validation, test: scored};
  const source =
    path
      .split(/[/\\]/)
      .at(-1)
      ?.replace(/\.csv$/i, "") ?? path;
  return {
    id: source,
    isSynthetic: false,
    scored: options.final ? "test" : "held out",
    total: uses.train.length + validation.length + scored.length,
    read: async function* (use, onSkip) {
      let unreadable = 0;
      for (const entry of uses[use]) {
        try {
          yield await loadListedPicture(entry, {source, shorterSide: KEPT[use] * options.imageSize});
        } catch (error) {
          if (!(error instanceof ClapsError)) throw error;
          onSkip(`${path}, line ${entry.line}: ${error.message}`);
          unreadable++;
          if (unreadable > Math.max(1, TOLERATED * listed.length)) {
            throw new DataError(
              `${path}: expected at most 5 % unreadable pictures, got ${unreadable}; the last one is line ${entry.line}: ${error.message}`,
              {cause: error},
            );
          }
        }
      }
    },
  };
}

/** Every second one to choose by, the others to score. */
function alternate<T>(items: readonly T[]): [T[], T[]] {
  return [items.filter((_, index) => index % 2 === 0), items.filter((_, index) => index % 2 === 1)];
}

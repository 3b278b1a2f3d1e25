import {existsSync} from "node:fs";
import {rename, rm} from "node:fs/promises";
import {join} from "node:path";
import {ConfigError} from "@claps/core";
import {openDataset} from "@claps/data";
import type {CaseReference, Dataset} from "@claps/data";
import type {ExperimentData} from "./define-experiment.js";

/** An opened dataset with its cases divided. */
export interface OpenedData {
  readonly dataset: Dataset;
  readonly isSynthetic: boolean;
  readonly training: readonly CaseReference[];
  /** Held out of the training cases to choose by. */
  readonly heldOut: readonly CaseReference[];
  readonly test: readonly CaseReference[];
}

/** What {@link openData} needs. */
export interface OpenDataOptions {
  /** Where real data lie: `DIR` or `id=DIR`. */
  readonly roots: readonly string[];
  /** Folder for made-up cases. */
  readonly folder: string;
  readonly seed: string;
}

/**
 * Opens one dataset of an experiment; made-up cases are written first, unless they are there from before.
 *
 * @throws DataError if real data are not found or not what they should be.
 */
export async function openData(data: ExperimentData, options: OpenDataOptions): Promise<OpenedData> {
  const {dataset: definition, synthetic, holdOut} = data;
  const root = synthetic === undefined ? options.roots : [await writtenCases(data, options)];
  const dataset = await openDataset(definition, {root});
  const labelled = dataset.cases.filter(({split}) => split !== "test");
  if (holdOut !== undefined && holdOut >= labelled.length) {
    throw new ConfigError(
      `holdOut: expected fewer than the ${labelled.length} training cases of ${definition.title}, got ${holdOut}.`,
    );
  }
  const isHeldOut = (reference: CaseReference, index: number): boolean =>
    holdOut === undefined ? reference.split === "validation" : index >= labelled.length - holdOut;
  return {
    dataset,
    isSynthetic: synthetic !== undefined,
    training: labelled.filter((reference, index) => !isHeldOut(reference, index)),
    heldOut: labelled.filter(isHeldOut),
    test: dataset.cases.filter(({split}) => split === "test"),
  };
}

async function writtenCases({dataset, synthetic}: ExperimentData, options: OpenDataOptions): Promise<string> {
  const folder = join(options.folder, dataset.id);
  if (existsSync(folder)) return folder;
  if (dataset.writeSynthetic === undefined || synthetic === undefined) {
    throw new ConfigError(
      `${dataset.title}: expected an adapter that can write made-up cases, got one that cannot.`,
    );
  }
  // Whole or not there: a half-written folder would be taken for a smaller dataset by the next run.
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, {recursive: true, force: true});
  await dataset.writeSynthetic(unfinished, {...synthetic, seed: `${options.seed}/${dataset.id}`});
  await rename(unfinished, folder);
  return folder;
}

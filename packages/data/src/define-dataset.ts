import {ConfigError, unknownNameMessage} from "@claps/core";
import type {Modality} from "@claps/modalities";
import type {CaseReference, SplitName} from "./case.js";

/** Something wrong with a dataset on this disk, in plain words. */
export interface DatasetProblem {
  /** `error`: results would be wrong. `warning`: worth knowing, for example a partial copy. */
  readonly severity: "error" | "warning";
  readonly code:
    | "missing-folder"
    | "no-cases"
    | "no-truth"
    | "count"
    | "pairing"
    | "mask-size"
    | "values"
    | "unreadable"
    | "split";
  readonly message: string;
  /** Id of the case, if it is about one. */
  readonly case?: string;
}

/** The files of a dataset as an adapter sees them. */
export interface DatasetFiles {
  /** Every path below the folder, with `/` between the parts, sorted. */
  readonly paths: readonly string[];
  /** The text of one of them. */
  readText(path: string): Promise<string>;
  /** Notes something that does not fit. */
  report(problem: DatasetProblem): void;
}

/** Options of the writers of made-up cases. */
export interface SyntheticOptions {
  /** Number of pictures. */
  readonly count: number;
  readonly seed: string | number;
  /** Height of the pictures, px; the official proportions are kept. Left out means each writer's default. */
  readonly size?: number;
}

/** What the author of a dataset adapter writes. */
export interface DatasetOptions {
  /** Name in commands and records, for example `drive`; equal to the file's name. */
  readonly id: string;
  /** Name in print. */
  readonly title: string;
  /** Terms under which its owner gives it away. */
  readonly licence: string;
  /** Paper to cite. */
  readonly citation: string;
  /** Where its owner gives it away. */
  readonly homePage: string;
  readonly modality: Modality;
  /** Ids of the targets that it labels. */
  readonly targets: readonly string[];
  /** Official numbers, for the self-check. */
  readonly expected: {
    /** All cases together. */
    readonly total: number;
    /** Cases per part of the split; a part left out has no official number. */
    readonly cases?: Readonly<Partial<Record<SplitName, number>>>;
    /** Positive cases per target id. */
    readonly positives?: Readonly<Record<string, number>>;
  };
  /** Part of the layout that a user should look for, for messages. */
  readonly layout: string;
  /** Recognizes the official layout and lists the cases; looks at names only. */
  cases(files: DatasetFiles): CaseReference[] | Promise<CaseReference[]>;
  /** Writes made-up cases in the official layout. */
  writeSynthetic?(folder: string, options: SyntheticOptions): Promise<void>;
}

/** A dataset as a value: what it is and how to read it, without any data. */
export type DatasetDefinition = Readonly<DatasetOptions>;

/**
 * Makes a dataset; a new one is one file with this call as its default export.
 *
 * @param options - What the dataset is and how its layout is read.
 * @returns The definition, frozen.
 * @throws ConfigError if the id is no plain name or a target is not one of the modality's.
 * @example
 * ```ts
 * export default defineDataset({id: "drive", title: "DRIVE", modality: cfp, targets: ["retinal-blood-vessel"], ...});
 * ```
 */
export function defineDataset(options: DatasetOptions): DatasetDefinition {
  const {id, modality, targets} = options;
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id)) {
    throw new ConfigError(`Dataset id: expected lower-case letters, digits and single hyphens, got "${id}".`);
  }
  const known = modality.targets.map((target) => target.id);
  for (const target of targets) {
    if (!known.includes(target)) {
      throw new ConfigError(`Dataset "${id}": ${unknownNameMessage("target", target, known)}`);
    }
  }
  if (targets.length === 0) {
    throw new ConfigError(`Dataset "${id}": expected at least one target, got none.`);
  }
  return Object.freeze({...options});
}

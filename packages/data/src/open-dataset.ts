import {DataError} from "@claps/core";
import {joinPath, listFiles, readText} from "#files";
import type {CaseReference, LoadedCase} from "./case.js";
import {findDatasetFolders, parseDataRoots} from "./data-roots.js";
import type {DataRoots} from "./data-roots.js";
import type {DatasetDefinition, DatasetProblem} from "./define-dataset.js";
import {loadCase} from "./load-case.js";
import {verifyCases} from "./verify.js";
import type {VerifyOptions, VerifyReport} from "./verify.js";

/** Options of {@link openDataset}. */
export interface OpenOptions {
  /** Where to look: a folder, several, `id=folder`, or read roots; see {@link parseDataRoots}. */
  readonly root: string | readonly string[] | DataRoots;
  /** Go on although files do not fit together; the problems then stand in `problems`. Default false. */
  readonly lenient?: boolean;
}

/** A dataset found on this disk. */
export interface Dataset {
  readonly definition: DatasetDefinition;
  /** The folder in which it was found. */
  readonly folder: string;
  readonly cases: readonly CaseReference[];
  /** What the names of the files alone show to be wrong. */
  readonly problems: readonly DatasetProblem[];
  /** Reads one case. */
  load(reference: CaseReference): Promise<LoadedCase>;
  /** Reads everything and says what is wrong. */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
}

/**
 * Finds a dataset on this disk and lists its cases; pictures are read later, one by one.
 *
 * @param definition - The dataset, an imported value.
 * @param options - Where to look, and whether to go on in spite of files that do not fit.
 * @throws DataError with code `missing-folder` if it is not there, `bad-layout` if files do not fit together.
 * @example
 * ```ts
 * const dataset = await openDataset(drive, {root: "/data"});
 * const first = await dataset.load(dataset.cases[0]);
 * ```
 */
export async function openDataset(definition: DatasetDefinition, options: OpenOptions): Promise<Dataset> {
  const found = await findCases(definition, options.root);
  if (found.folder === undefined) {
    throw new DataError(found.problems.map(({message}) => message).join("\n"), {code: "missing-folder"});
  }
  const {folder, cases, problems} = found;
  const errors = problems.filter(({severity}) => severity === "error");
  if (errors.length > 0 && options.lenient !== true) {
    const shown = errors.slice(0, 5).map(({message}) => `  ${message}`);
    const more = errors.length > shown.length ? [`  and ${errors.length - shown.length} more`] : [];
    throw new DataError(
      [
        `${definition.title} in ${folder}: ${errors.length} of its files do not fit together.`,
        ...shown,
        ...more,
        `See them all with: claps data verify ${definition.id}`,
      ].join("\n"),
      {code: "bad-layout"},
    );
  }
  return {
    definition,
    folder,
    cases,
    problems,
    load: (reference) => loadCase(definition, folder, reference),
    verify: (verifyOptions) => verifyCases({definition, folder, cases, problems}, verifyOptions),
  };
}

/**
 * What is wrong with a dataset on this disk, also when it is not there at all.
 *
 * @example
 * ```ts
 * const report = await verifyDataset(drive, {root: "/data"});
 * if (!report.ok) console.error(report.problems.map((problem) => problem.message).join("\n"));
 * ```
 */
export async function verifyDataset(
  definition: DatasetDefinition,
  options: Pick<OpenOptions, "root"> & VerifyOptions,
): Promise<VerifyReport> {
  const {folder, cases, problems} = await findCases(definition, options.root);
  return verifyCases({definition, folder, cases, problems}, options);
}

interface FoundCases {
  readonly folder: string | undefined;
  readonly cases: readonly CaseReference[];
  readonly problems: readonly DatasetProblem[];
}

async function findCases(definition: DatasetDefinition, root: OpenOptions["root"]): Promise<FoundCases> {
  const roots = typeof root === "object" && "shared" in root ? root : parseDataRoots(root);
  const {found, tried} = await findDatasetFolders(definition, roots);
  for (const folder of found) {
    const problems: DatasetProblem[] = [];
    const cases = await definition.cases({
      paths: await listFiles(folder),
      readText: (path) => readText(joinPath(folder, path)),
      report: (problem) => problems.push(problem),
    });
    if (cases.length > 0) {
      return {folder, cases, problems};
    }
  }
  const {title, id, layout, homePage} = definition;
  const places = tried.length === 0 ? "nowhere, since no data root was given" : tried.join(", ");
  const message =
    `${title}: expected its official layout (${layout}), got nothing of it; looked in ${places}. ` +
    `Get it from ${homePage} and pass --data-root DIR or ${id}=DIR, or make pictures up with: claps data synth ${id}`;
  return {folder: undefined, cases: [], problems: [{severity: "error", code: "missing-folder", message}]};
}

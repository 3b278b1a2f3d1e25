export {augment} from "./augment.js";
export type {AugmentOptions} from "./augment.js";
export {batches, epochOrder} from "./batches.js";
export type {Batch, BatchOptions, Position, SkippedCase} from "./batches.js";
export type {CaseReference, Label, LabelState, LoadedCase, SplitName, TruthFile} from "./case.js";
export {halfOf} from "./half-of.js";
export {findDatasetFolders, parseDataRoots} from "./data-roots.js";
export type {DataRoots} from "./data-roots.js";
export {defineDataset} from "./define-dataset.js";
export type {
  DatasetDefinition,
  DatasetFiles,
  DatasetOptions,
  DatasetProblem,
  SyntheticOptions,
} from "./define-dataset.js";
export {loadCase} from "./load-case.js";
export {checkBlackAndWhite, checkOneColour, checkPureColours} from "./mask-checks.js";
export {openDataset, verifyDataset} from "./open-dataset.js";
export type {Dataset, OpenOptions} from "./open-dataset.js";
export {split} from "./split.js";
export type {Splittable, SplitOptions} from "./split.js";
export {GENERATOR_VERSION} from "./synthetic/generator-version.js";
export {synthesizeBscan} from "./synthetic/synthesize-bscan.js";
export type {BscanOptions} from "./synthetic/synthesize-bscan.js";
export {synthesizeFundus} from "./synthetic/synthesize-fundus.js";
export type {FundusOptions, SyntheticFundus} from "./synthetic/synthesize-fundus.js";
export type {SyntheticCase} from "./synthetic/synthetic-case.js";
export type {VerifyOptions, VerifyReport, VerifyRow} from "./verify.js";
export {makeFolder, writeText} from "#files";

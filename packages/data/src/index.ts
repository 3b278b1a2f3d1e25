export {augment} from "./augment.js";
export type {AugmentOptions} from "./augment.js";
export {batches, epochOrder} from "./batches.js";
export type {Batch, BatchOptions, Position, SkippedCase} from "./batches.js";
export type {CaseReference, Label, LabelState, LoadedCase, SplitName, TruthFile} from "./case.js";
export {halfOf} from "./half-of.js";
export {findDatasetFolders, parseDataRoots} from "./data-roots.js";
export type {DataRoots} from "./data-roots.js";
export {captionFor, captionsOf} from "./captions/caption-for.js";
export type {CaptionDraw} from "./captions/caption-for.js";
export {defaultCaptions} from "./captions/captions.js";
export type {Captions, DefaultCaptionsOptions} from "./captions/captions.js";
export {parseCaptions, readCaptions, writeCaptions} from "./captions/read-captions.js";
export type {CaptionsOptions} from "./captions/read-captions.js";
export {cfpFindings} from "./findings/cfp-findings.js";
export {defineFinding} from "./findings/define-finding.js";
export type {
  Finding,
  FindingOptions,
  FindingTest,
  FindingStates,
  FindingView,
} from "./findings/define-finding.js";
export {findLabels} from "./findings/find-labels.js";
export type {FindingCase} from "./findings/find-labels.js";
export {checkFindings, findings} from "./findings/findings.js";
export {octFindings} from "./findings/oct-findings.js";
export {standardFindings} from "./findings/standard-findings.js";
export {disguise, drawTint, tintImage, turnGrey} from "./pictures/colour-changes.js";
export type {Tint} from "./pictures/colour-changes.js";
export {labelPicture, labelsIn} from "./pictures/labelled-picture.js";
export type {LabelledPicture, LabelPictureOptions} from "./pictures/labelled-picture.js";
export {loadListedPicture, readPictureList} from "./pictures/picture-list.js";
export type {ListedPicture, PictureListOptions} from "./pictures/picture-list.js";
export {varyPicture} from "./pictures/vary-picture.js";
export type {PictureVariation, VariedPicture} from "./pictures/vary-picture.js";
export {balancedBatch, balancedOrder, randomOrder} from "./sampling/balanced-order.js";
export type {Draw, Order, OrderedItem, OrderOptions} from "./sampling/balanced-order.js";
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
export {syntheticBscan, syntheticCase, syntheticFundus} from "./synthetic/synthetic-picture.js";
export type {SyntheticCaseOptions, SyntheticKind} from "./synthetic/synthetic-picture.js";
export type {SyntheticCase} from "./synthetic/synthetic-case.js";
export type {VerifyOptions, VerifyReport, VerifyRow} from "./verify.js";
export {makeFolder, writeText} from "#files";

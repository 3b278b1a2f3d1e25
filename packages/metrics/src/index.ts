export {accuracy, topKAccuracy} from "./accuracy.js";
export type {ClassName, TopKOptions} from "./accuracy.js";
export {areaUnderRoc} from "./area-under-roc.js";
export {balancedAccuracy, macroBalancedAccuracy} from "./balanced-accuracy.js";
export type {LabelAccuracy, LabelState, LabelTable, MacroBalancedAccuracy} from "./balanced-accuracy.js";
export {bootstrapMean, percentileInterval} from "./bootstrap-mean.js";
export type {BootstrapInterval, BootstrapOptions} from "./bootstrap-mean.js";
export {recordOf} from "./case-record.js";
export type {CaseRecord, CaseState, Measure} from "./case-record.js";
export {confusionTable} from "./confusion-table.js";
export type {ConfusionTable} from "./confusion-table.js";
export type {MaskLike, MaskSize, MaskValues} from "./mask-values.js";
export {createMeter} from "./meter.js";
export type {EmptyPolicy, GroupSummary, MeasureSummary, Meter, MeterCase, MeterOptions} from "./meter.js";
export {
  dice,
  diceOfCounts,
  iou,
  iouOfCounts,
  precision,
  precisionOfCounts,
  sensitivity,
  sensitivityOfCounts,
  specificity,
  specificityOfCounts,
} from "./overlap.js";
export {countPixels, sumCounts} from "./pixel-counts.js";
export type {CountOptions, PixelCounts} from "./pixel-counts.js";
export {bestRank, chanceRecallAtK, recallAtK} from "./recall-at-k.js";
export type {Relevance} from "./recall-at-k.js";

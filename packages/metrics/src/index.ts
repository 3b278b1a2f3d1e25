export {bootstrapMean, percentileInterval} from "./bootstrap-mean.js";
export type {BootstrapInterval, BootstrapOptions} from "./bootstrap-mean.js";
export {recordOf} from "./case-record.js";
export type {CaseRecord, CaseState, Measure} from "./case-record.js";
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

import type {Box, Mask} from "@claps/image";

/** Whether a target was found: `unsure` when there is a mask that the model itself rates below one half. */
export type Verdict = "present" | "absent" | "unsure";

/** What was found for one target. */
export interface TargetSegmentation {
  /** Place of the target in the request. */
  readonly index: number;
  /** Id of the target, for example `hard-exudate`. */
  readonly target: string;
  /** The text that the model read: signature and phrase. */
  readonly phrase: string;
  /** The mask, source size; empty when nothing was found. */
  readonly mask: Mask;
  /** Boxes that the model was given, source px. */
  readonly boxes: readonly Box[];
  /** Where the boxes came from. */
  readonly boxSource: "given" | "whole field";
  /** Predicted IoU per box, 0..1; over tiles the mean of those with a mask. */
  readonly scores: readonly number[];
  readonly verdict: Verdict;
  /** Pixels in the mask. */
  readonly area: number;
}

/** The result of `segment`: the same shape whatever was found; arrays only, nothing to dispose. */
export interface Segmentation {
  readonly image: {readonly id: string; readonly height: number; readonly width: number};
  readonly modality: string;
  /** One entry per requested target, in the order of the request. */
  readonly targets: readonly TargetSegmentation[];
  /** Which engine computed it. */
  readonly engine: string;
  /** Seconds from picture to masks. */
  readonly seconds: number;
  readonly notice: string;
}

/** Stands in every record, report and help text. */
export const RESEARCH_NOTICE = "Research software, not a medical device. Not for diagnosis.";

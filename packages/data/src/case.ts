import type {Image, Mask, MaskRule} from "@claps/image";
import type {Modality} from "@claps/modalities";

/**
 * What is known of a target in one picture.
 *
 * `unlabelled` is not `negative`: the dataset does not say, and nobody may be trained or judged on it.
 */
export type LabelState = "positive" | "negative" | "unlabelled";

/** Part of a case in a split of its dataset. */
export type SplitName = "train" | "validation" | "test";

/** Where the truth of one target lies in a dataset. */
export interface TruthFile {
  /** Path below the dataset's folder. */
  readonly file: string;
  /** Half of the file that holds the truth; left out means all of it. */
  readonly part?: "left" | "right";
  /** Which pixels are inside. */
  readonly foreground: MaskRule;
  /** Which pixels are not to be counted; left out means none. */
  readonly ignore?: MaskRule;
  /** Says in plain words what is wrong with the file's values; used by `verify`. */
  readonly check?: (image: Image) => string | undefined;
}

/** One case of a dataset, not yet read. */
export interface CaseReference {
  /** Name, unique in its dataset. */
  readonly id: string;
  /** Whose eye it is, if the dataset tells; cases of one patient never part. */
  readonly patient?: string;
  /** Path of the picture below the dataset's folder. */
  readonly image: string;
  /** Half of the file that holds the picture; left out means all of it. */
  readonly imagePart?: "left" | "right";
  /** Its part of the official or suggested split. */
  readonly split?: SplitName;
  /** Truth per target id; `"absent"` means known to be negative; a target left out is unlabelled. */
  readonly truth: Readonly<Record<string, TruthFile | "absent">>;
  /** Mask of the round field of view, if the dataset has one. */
  readonly fieldOfView?: TruthFile | "derive";
  /** Truth by a second observer. */
  readonly secondObserver?: Readonly<Record<string, TruthFile>>;
}

/** The label of one target in one picture. */
export interface Label {
  readonly state: LabelState;
  /** [H, W]; there if positive or negative (then empty of insides). */
  readonly mask?: Mask;
}

/** One case in memory: picture, labels, field of view, all of one size and in source px. */
export interface LoadedCase {
  readonly id: string;
  /** Id of its dataset. */
  readonly dataset: string;
  readonly patient?: string;
  readonly split?: SplitName;
  readonly modality: Modality;
  readonly image: Image;
  /** One label per target of the modality. */
  readonly labels: ReadonlyMap<string, Label>;
  readonly fieldOfView?: Mask;
  /** Masks by a second observer, per target id. */
  readonly secondObserver?: ReadonlyMap<string, Mask>;
}

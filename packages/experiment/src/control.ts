import type {Random} from "@claps/core";
import type {LoadedCase} from "@claps/data";
import type {Mask} from "@claps/image";
import type {Claps} from "@claps/method";
import type {Target} from "@claps/modalities";

/** Masks of one case by target id, source size; a target left out is not scored. */
export type PredictedMasks = ReadonlyMap<string, Mask>;

/** Says what it sees in one picture for the targets asked. */
export type Predictor = (item: LoadedCase, targets: readonly Target[]) => Promise<PredictedMasks>;

/** What a control may use. */
export interface ControlContext {
  /** The trained model. */
  readonly claps: Claps;
  /** The training cases of the dataset under evaluation, without augmentation. */
  readonly training: () => AsyncIterable<LoadedCase>;
  /** All targets of the dataset's modality that the experiment asks for, in the modality's order. */
  readonly asked: readonly Target[];
  readonly random: Random;
}

/**
 * A way to get a score without understanding: stands beside every learned figure.
 *
 * Import is the registry: an experiment lists the controls themselves, not their names.
 */
export interface Control {
  /** Short name in files. */
  readonly id: string;
  /** Words for tables. */
  readonly title: string;
  /**
   * Whether it looks at the truth of the case it predicts. Such a row shows how hard the data are; the
   * model is not compared with it.
   */
  readonly usesTruth: boolean;
  /** Fits whatever has to be fitted, on training cases only. */
  prepare(context: ControlContext): Promise<Predictor>;
}

import type {Image} from "@claps/image";
import type {Target} from "./target.js";

/** How far training may change a picture of a modality without making it untrue. */
export interface Augmentations {
  /** Whether left and right may be swapped. */
  readonly flipHorizontal: boolean;
  /** Whether top and bottom may be swapped. */
  readonly flipVertical: boolean;
  /** Largest rotation to either side, degrees. */
  readonly rotate: number;
  /** Largest change of size as a fraction: 0.2 means factors from 0.8 to 1.2. */
  readonly scale: number;
  /** Largest change of brightness as a fraction of white, to either side. */
  readonly brightness: number;
  /** Largest change of contrast as a fraction, to either side. */
  readonly contrast: number;
  /** Largest change of colourfulness as a fraction, to either side; 0 where there is no colour. */
  readonly saturation: number;
  /** Largest standard deviation of added noise as a fraction of white. */
  readonly noise: number;
}

/** What an imaging modality is: its words, its pixels, its targets. */
export interface Modality {
  /** Name in commands and records, for example `cfp`; equal to the file's name. */
  readonly id: string;
  /** Full name. */
  readonly name: string;
  /** Words put before every phrase, unique to the modality. */
  readonly signature: string;
  /** What the channels mean. */
  readonly channels: string;
  /** Everything that can be asked of it. */
  readonly targets: readonly Target[];
  /** Usual size of a pixel, µm; absent where it varies too much to assume. */
  readonly spacing?: {readonly y: number; readonly x: number};
  /** What training may vary. */
  readonly augmentations: Augmentations;
  /**
   * Pixels as every model expects them.
   *
   * Shapes: [H, W, 1, 3 or 4] → float32 [H, W, 3]; same size and frame.
   * Units: 0..white → 0..1.
   *
   * @throws DataError if a sample is not a finite number.
   */
  prepare(image: Image): Image;
  /**
   * The target that a text means: id, code, name, phrase or synonym in any case, number and spelling.
   *
   * @throws ConfigError with code `unknown-target` naming the known ones and the nearest.
   */
  target(text: string): Target;
  /**
   * The sentence that stands for a target: signature, colon, phrase.
   *
   * @param phrase - Other words for it; left out means its name.
   * @throws ConfigError if the target is not one of this modality.
   */
  prompt(target: Target, phrase?: string): string;
}

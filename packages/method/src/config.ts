import {textTiny} from "@claps/clip";
import type {TextConfig} from "@claps/clip";
import {samTiny} from "@claps/sam";
import type {SamConfig} from "@claps/sam";

/**
 * How a picture is shown to the model.
 *
 * `whole`: fitted into the model's square once. `tiles`: enlarged by `scale` (model px per source px) and cut
 * into overlapping squares of the model's size, so that thin structures keep their width; `overlap` in model px.
 */
export type View =
  {readonly kind: "whole"} | {readonly kind: "tiles"; readonly scale: number; readonly overlap: number};

/** How words guide the mask decoder. */
export interface GuidanceConfig {
  /**
   * `additive`: the text vector is added to box-corner and mask-token embeddings; `token`: it is one more
   * sparse prompt; `off`: boxes alone.
   */
  readonly form: "additive" | "token" | "off";
  /**
   * What an untrained text does in the additive form. `nothing`: exactly nothing, which keeps published SAM
   * weights as they are; `something`: random guidance, from which a model trained from nothing learns to read
   * several times sooner (our measurement).
   */
  readonly start: "nothing" | "something";
  /** Width of the hidden layer between text and SAM. */
  readonly hiddenWidth: number;
  /** Whether the modality's signature stands before the phrase; false is the ablation "no signature". */
  readonly useSignature: boolean;
}

/** Everything that describes a model of the method; plain data, safe as JSON. */
export interface ClapsConfig {
  readonly sam: SamConfig;
  readonly text: TextConfig;
  readonly guidance: GuidanceConfig;
  readonly view: View;
  /** A pixel belongs to the mask if its probability is greater than this; 0..1. */
  readonly threshold: number;
}

/** Trains from nothing in minutes on two cores; used by the quick start and the tests. */
export const clapsTiny: ClapsConfig = Object.freeze<ClapsConfig>({
  sam: samTiny,
  text: textTiny,
  guidance: {form: "additive", start: "something", hiddenWidth: 128, useSignature: true},
  view: {kind: "whole"},
  threshold: 0.5,
});

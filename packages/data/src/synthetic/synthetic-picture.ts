import type {Random} from "@claps/core";
import type {Mask, Size} from "@claps/image";
import {cfp, oct} from "@claps/modalities";
import type {Modality} from "@claps/modalities";
import type {Label, LoadedCase} from "../case.js";
import {synthesizeBscan} from "./synthesize-bscan.js";
import {synthesizeFundus} from "./synthesize-fundus.js";
import type {SyntheticCase} from "./synthetic-case.js";

/** A maker of made-up pictures of one modality. */
export interface SyntheticKind {
  /** Name in records, for example `synthetic-fundus`. */
  readonly id: string;
  readonly modality: Modality;
  /** Usual width of a picture relative to its height. */
  readonly aspect: number;
  /** Makes one picture with all its masks. */
  make(options: Size & {random: Random; lesionRate: number}): SyntheticCase & {readonly fieldOfView?: Mask};
}

/** Made-up colour fundus photographs. */
export const syntheticFundus: SyntheticKind = Object.freeze({
  id: "synthetic-fundus",
  modality: cfp,
  aspect: 1,
  make: synthesizeFundus,
});

/** Made-up OCT B-scans. */
export const syntheticBscan: SyntheticKind = Object.freeze({
  id: "synthetic-bscan",
  modality: oct,
  aspect: 1,
  make: synthesizeBscan,
});

/** Options of {@link syntheticCase}. */
export interface SyntheticCaseOptions {
  /** Height of the picture, px, 64 to 4096; the kind's usual proportions are kept. */
  readonly size: number;
  /** Share of pictures that are made without any lesion; default 0.1. */
  readonly healthy?: number;
  /** Which picture; with its number alone the same seed gives the same picture. */
  readonly index: number;
  readonly random: Random;
}

/**
 * One made-up picture as a case with all its labels.
 *
 * Some eyes are made healthy, so that `normal` is not as rare as the absence of every single lesion by chance.
 *
 * @param kind - What kind of picture.
 * @returns A case in which every target of the modality is labelled.
 * @example
 * ```ts
 * const loaded = syntheticCase(syntheticFundus, {size: 128, index: 0, random: createRandom(1)});
 * ```
 */
export function syntheticCase(kind: SyntheticKind, options: SyntheticCaseOptions): LoadedCase {
  const {size, healthy = 0.1, index} = options;
  const random = options.random.fork(kind.id).fork(index);
  const lesionRate = random.fork("healthy").chance(healthy) ? 0 : 1;
  const made = kind.make({height: size, width: Math.round(size * kind.aspect), random, lesionRate});
  const labels = new Map<string, Label>();
  for (const [target, mask] of made.masks) {
    labels.set(target, {state: mask.pixels.data.includes(1) ? "positive" : "negative", mask});
  }
  return {
    id: `${kind.id}-${index}`,
    dataset: kind.id,
    modality: kind.modality,
    image: made.image,
    labels,
    ...(made.fieldOfView === undefined ? {} : {fieldOfView: made.fieldOfView}),
  };
}

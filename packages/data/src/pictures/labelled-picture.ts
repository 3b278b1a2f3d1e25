import {createImage, resize} from "@claps/image";
import type {Image} from "@claps/image";
import type {Modality} from "@claps/modalities";
import type {LabelState, LoadedCase, SplitName} from "../case.js";
import type {Finding, FindingStates} from "../findings/define-finding.js";
import {findLabels} from "../findings/find-labels.js";

/** A whole picture with what is known of it in words; no masks. */
export interface LabelledPicture {
  /** Name, unique in its source. */
  readonly id: string;
  /** Id of the dataset, the kind of made-up pictures, or the list that it comes from. */
  readonly source: string;
  readonly patient?: string;
  readonly split?: SplitName;
  readonly modality: Modality;
  /** uint8 RGB, as the modality prepares it. */
  readonly image: Image;
  /** States by label; a label that is not there is unlabelled. */
  readonly labels: FindingStates;
  /** A sentence of its own, used in place of drawn ones. */
  readonly caption?: string;
}

/** Options of {@link labelPicture}. */
export interface LabelPictureOptions {
  readonly findings: readonly Finding[];
  /** Pictures whose shorter side is longer than this are made smaller, px; left out means never. */
  readonly shorterSide?: number;
}

/**
 * A case as a picture with labels: findings are read off its masks at full size, then the masks are let go.
 *
 * @param loaded - The case.
 * @example
 * ```ts
 * const picture = labelPicture(syntheticCase(syntheticBscan, {size: 128, index: 0, random}), {findings});
 * ```
 */
export function labelPicture(loaded: LoadedCase, options: LabelPictureOptions): LabelledPicture {
  const {id, dataset, patient, split, modality, image} = loaded;
  return {
    id,
    source: dataset,
    ...(patient === undefined ? {} : {patient}),
    ...(split === undefined ? {} : {split}),
    modality,
    image: toSmallRgb(image, modality, options.shorterSide),
    labels: findLabels(loaded, options.findings),
  };
}

/** Labels of a picture that are in one of the states, in the order in which they were given. */
export function labelsIn({labels}: Pick<LabelledPicture, "labels">, state: LabelState): string[] {
  return [...labels].filter(([, own]) => own === state).map(([label]) => label);
}

/** The picture as its modality prepares it, in bytes, at most so many px at the shorter side. */
export function toSmallRgb(image: Image, modality: Modality, shorterSide = Infinity): Image {
  const shorter = Math.min(image.height, image.width);
  const scale = Math.min(1, shorterSide / shorter);
  const size = {
    height: Math.max(1, Math.round(image.height * scale)),
    width: Math.max(1, Math.round(image.width * scale)),
  };
  // Made smaller first: a photograph of 12 megapixels would take 150 MB as floats.
  const prepared = modality.prepare(scale < 1 ? resize(image, size) : image);
  const data = Uint8Array.from(prepared.pixels.data, (sample) => Math.round(sample * 255));
  return createImage({data, height: prepared.height, width: prepared.width, id: image.id});
}

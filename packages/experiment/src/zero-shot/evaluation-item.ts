import {ConfigError} from "@claps/core";
import type {Image} from "@claps/image";
import type {LabelState} from "@claps/metrics";

/** What is known of a picture; labels are written with their modality, for example `cfp/haemorrhage`. */
export interface AnnotatedPicture {
  readonly id: string;
  /** Modality; left out means what stands before the stroke in its labels. */
  readonly modality?: string;
  /** A label that is in neither list is unlabelled and counts nowhere. */
  readonly labels: {readonly positive: readonly string[]; readonly negative?: readonly string[]};
  /** The picture's own sentence, for retrieval. */
  readonly caption?: string;
  /** The label that the sentence speaks of; left out means the first positive one. */
  readonly captionLabel?: string;
}

/** A picture to evaluate on. */
export interface EvaluationItem extends AnnotatedPicture {
  readonly image: Image;
}

/**
 * The modality of a picture, as said or by its labels.
 *
 * @throws ConfigError if neither tells it, or labels tell two.
 */
export function modalityOf({id, modality, labels, captionLabel}: AnnotatedPicture): string {
  if (modality !== undefined) return modality;
  const all = [...(captionLabel === undefined ? [] : [captionLabel]), ...labels.positive];
  const found = new Set(all.map((label) => label.split("/")[0] ?? ""));
  const [only = ""] = found;
  if (found.size !== 1 || only === "") {
    throw new ConfigError(
      `Picture "${id}": expected a modality, or labels of one modality such as cfp/haemorrhage, got labels of ${found.size === 0 ? "none" : [...found].join(", ")}. Give "modality".`,
    );
  }
  return only;
}

/** What is known of a label of a picture. */
export function stateOf({labels}: AnnotatedPicture, label: string): LabelState {
  if (labels.positive.includes(label)) return "positive";
  return labels.negative?.includes(label) === true ? "negative" : "unlabelled";
}

/** The label that a picture's sentence speaks of. */
export function captionLabelOf({captionLabel, labels}: AnnotatedPicture): string | undefined {
  return captionLabel ?? labels.positive[0];
}

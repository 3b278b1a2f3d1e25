import {createRandom} from "@claps/core";
import {captionFor, disguise, labelsIn} from "@claps/data";
import type {Captions, LabelledPicture} from "@claps/data";
import type {EvaluationItem} from "../zero-shot/evaluation-item.js";
import {idOf} from "./clip-batches.js";

/** What {@link evaluationItems} needs. */
export interface EvaluationItemsOptions {
  readonly captions: Captions;
  readonly seed: string;
  /** Takes colour away where there is some, and gives some where there is none. Default false. */
  readonly disguised?: boolean;
}

/**
 * Pictures as the evaluation takes them, each with one sentence about one of its labels, drawn once and for all.
 *
 * @param pictures - Validation or test pictures.
 */
export function* evaluationItems(
  pictures: readonly LabelledPicture[],
  {captions, seed, disguised = false}: EvaluationItemsOptions,
): Generator<EvaluationItem> {
  for (const [index, picture] of pictures.entries()) {
    const {modality, image} = picture;
    const positive = labelsIn(picture, "positive");
    const label =
      positive.length === 0
        ? undefined
        : createRandom(seed).fork("evaluation label").fork(index).choice(positive);
    const caption =
      picture.caption ??
      (label === undefined
        ? undefined
        : captionFor(captions, label, {seed: `${seed}/evaluation`, epoch: 0, index}));
    yield {
      id: idOf(picture),
      modality: modality.id,
      image: disguised ? disguise(image, modality) : image,
      labels: {positive, negative: labelsIn(picture, "negative")},
      ...(caption === undefined ? {} : {caption}),
      ...(label === undefined ? {} : {captionLabel: label}),
    };
  }
}

import {createRandom} from "@claps/core";
import {balancedOrder, captionFor, labelsIn, randomOrder, varyPicture} from "@claps/data";
import type {Captions, Draw, Finding, LabelledPicture, Order} from "@claps/data";
import type {ClipItem} from "@claps/train";
import type {PretrainingPlan} from "./define-pretraining.js";

/** What {@link clipBatches} needs. */
export interface ClipBatchesOptions {
  readonly pictures: readonly LabelledPicture[];
  readonly findings: readonly Finding[];
  readonly captions: Captions;
  readonly plan: Pick<PretrainingPlan, "batch" | "order" | "augment">;
  readonly seed: string;
}

/** Stands for the sentences that pictures bring along, where labels are drawn. */
const OWN_SENTENCE = "own sentence";

/**
 * The items of every step: drawn pictures, varied, each with a sentence about one of its labels.
 *
 * A label of another modality counts as absent: a fundus photograph has no subretinal fluid to show. Whether the
 * sentence that a picture brings along holds for another picture of its modality is not known.
 *
 * @returns A pure function of the step. Pixels are computed when an item's picture is asked for.
 */
export function clipBatches(options: ClipBatchesOptions): (step: number) => Promise<readonly ClipItem[]> {
  const {pictures, plan, seed} = options;
  const items = pictures.map((picture) => ({
    modality: picture.modality.id,
    labels: labelsToDraw(picture),
  }));
  const makeOrder = plan.order === "random" ? randomOrder : balancedOrder;
  const order: Order = makeOrder({items, seed, size: plan.batch});
  return (step) => Promise.resolve(batchOf(order(step), step, options));
}

function labelsToDraw(picture: LabelledPicture): string[] {
  const positive = labelsIn(picture, "positive");
  return positive.length > 0 ? positive : [OWN_SENTENCE];
}

function batchOf(draws: readonly Draw[], step: number, options: ClipBatchesOptions): ClipItem[] {
  const {pictures, findings, captions, plan, seed} = options;
  const random = createRandom(seed).fork("variation").fork(step);
  const drawn = draws.map(({index, label}, slot) => {
    const picture = pictures[index] as LabelledPicture;
    const {augment = {}} = plan;
    const still = {labels: picture.labels, relabel: (text: string) => text, image: () => picture.image};
    const varied =
      augment === false ? still : varyPicture(picture, random.fork(slot), {findings, variation: augment});
    const captionLabel =
      picture.caption === undefined
        ? varied.relabel(label)
        : `${picture.modality.id}/own sentence of ${idOf(picture)}`;
    const caption = picture.caption ?? captionFor(captions, captionLabel, {seed, epoch: step, index: slot});
    return {picture, varied, captionLabel, caption};
  });
  const own = findings.map(({label}) => label);
  return drawn.map(({picture, varied, captionLabel, caption}) => {
    const {id} = picture.modality;
    const foreign = [...own, ...drawn.map((other) => other.captionLabel)].filter(
      (label) => !label.startsWith(`${id}/`),
    );
    const positive = labelsIn(varied, "positive");
    return {
      id: idOf(picture),
      image: varied.image,
      caption,
      captionLabel,
      labels: {
        positive: picture.caption === undefined ? positive : [...positive, captionLabel],
        negative: [...labelsIn(varied, "negative"), ...new Set(foreign)],
      },
    };
  });
}

/** Name of a picture over all sources. */
export function idOf({source, id}: LabelledPicture): string {
  return `${source}/${id}`;
}

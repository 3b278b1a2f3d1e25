import type {Random} from "@claps/core";
import {augment} from "@claps/data";
import type {LoadedCase} from "@claps/data";
import {crop, cropMask, fitLongest, IGNORE, resize, resizeMask} from "@claps/image";
import type {Box, Image, Mask, Size} from "@claps/image";
import type {ClapsConfig} from "@claps/method";
import type {Modality, Target} from "@claps/modalities";
import {maskStride} from "@claps/sam";
import type {MaskExample, MaskPrompt} from "@claps/train";
import type {TrainingPlan} from "./define-experiment.js";

/** Share of prompts that ask for a target which the picture has, as far as it has any. */
const PRESENT_SHARE = 0.9;
/** Share of prompts that use the target's own name; the others use one of its phrases. */
const NAME_SHARE = 0.5;

/** Share of tiles that lie round a pixel of a target. */
const FOCUS_SHARE = 0.8;

/** Settings of a {@link TrainingSet}. */
export interface TrainingSetOptions {
  readonly config: ClapsConfig;
  readonly plan: TrainingPlan;
  /** All modalities of the experiment; targets of another one are phrases with nothing to find. */
  readonly modalities: readonly Modality[];
  readonly random: Random;
}

/**
 * Training pictures at the model's scale in memory, and the batches drawn from them.
 *
 * A batch is a pure function of the seed and the step, so that resuming needs nothing but the step.
 */
export class TrainingSet {
  readonly #byDataset = new Map<string, LoadedCase[]>();
  /** Truths of masks that come again and again; those of pictures that were varied vanish with them. */
  readonly #truths = new WeakMap<Mask, TruthAtLogits>();
  readonly #options: TrainingSetOptions;

  constructor(options: TrainingSetOptions) {
    this.#options = options;
  }

  /** How many cases there are. */
  get size(): number {
    return [...this.#byDataset.values()].reduce((sum, cases) => sum + cases.length, 0);
  }

  /**
   * Adds a case: prepares it and brings picture and masks to the model's scale. A case that labels nothing is
   * passed over, since there is nothing to ask about.
   */
  add(item: LoadedCase): void {
    if ([...item.labels.values()].every(({state}) => state === "unlabelled")) return;
    const cases = this.#byDataset.get(item.dataset) ?? [];
    cases.push(atModelScale(item, this.#options.config));
    this.#byDataset.set(item.dataset, cases);
  }

  /**
   * The examples of one step; a dataset comes as often as it labels targets, so that every target is asked
   * about equally often.
   */
  batchAt(step: number): Promise<readonly MaskExample[]> {
    const {plan, random} = this.#options;
    const turns = this.#turns();
    const examples = Array.from({length: plan.batch}, (_, slot) => {
      const place = step * plan.batch + slot;
      const index = place % turns.length;
      const dataset = turns[index] as string;
      const earlier = turns.slice(0, index).filter((name) => name === dataset).length;
      const perRound = turns.filter((name) => name === dataset).length;
      const turn = Math.floor(place / turns.length) * perRound + earlier;
      return this.#example(this.#byDataset.get(dataset) ?? [], turn, random.fork(step).fork(slot));
    });
    return Promise.resolve(examples);
  }

  /** Datasets in the order in which they give a picture, over and over. */
  #turns(): string[] {
    const all = [...this.#byDataset].flatMap(([dataset, cases]) => {
      const labelled = new Set(
        cases.flatMap(({labels}) =>
          [...labels].filter(([, {state}]) => state !== "unlabelled").map(([target]) => target),
        ),
      );
      return Array.from({length: Math.max(1, labelled.size)}, () => dataset);
    });
    return this.#options.random.fork("turns").shuffle(all);
  }

  #example(cases: readonly LoadedCase[], turn: number, random: Random): MaskExample {
    const {config, plan} = this.#options;
    const round = Math.floor(turn / cases.length);
    const order = this.#options.random.fork(`order ${round}`).shuffle(cases.map((_, index) => index));
    const item = cases[order[turn % cases.length] ?? 0] as LoadedCase;
    const side = config.sam.imageSize;
    const shown = config.view.kind === "tiles" ? randomTile(item, side, random.fork("tile")) : item;
    const changed = plan.augment === false ? shown : augment(shown, random.fork("augment"));
    const content = {height: changed.image.height, width: changed.image.width};
    return {
      id: item.id,
      image: changed.image,
      prompts: this.#prompts(changed, content, random.fork("prompts")),
    };
  }

  #prompts(item: LoadedCase, content: Size, random: Random): MaskPrompt[] {
    const {config, plan, modalities} = this.#options;
    const {modality, labels} = item;
    const stateOf = ({id}: Target): string => labels.get(id)?.state ?? "unlabelled";
    const labelled = modality.targets.filter((target) => stateOf(target) !== "unlabelled");
    const present = labelled.filter((target) => isPresent(labels.get(target.id)?.mask));
    const foreign = modalities.filter(({id}) => id !== modality.id).flatMap(({targets}) => targets);
    const fresh = random.shuffle(present);
    const box: Box = [0, 0, content.width, content.height];
    return Array.from({length: plan.promptsPerImage}, () => {
      const isForeign = foreign.length > 0 && random.chance(plan.foreignPhrases ?? 0.05);
      const wantPresent = present.length > 0 && random.chance(PRESENT_SHARE);
      // Present targets are drawn without repeats first: every mask of a picture is worth more than one twice.
      const target = isForeign
        ? random.choice(foreign)
        : wantPresent
          ? (fresh.pop() ?? random.choice(present))
          : random.choice(labelled);
      const words = random.chance(NAME_SHARE) ? target.name : random.choice(target.phrases);
      return {
        // Not modality.prompt: that refuses targets of another modality, which are wanted here.
        phrase: config.guidance.useSignature ? `${modality.signature}: ${words}` : words,
        box,
        ...this.#truthOf(isForeign ? undefined : labels.get(target.id)?.mask, content),
        counts: 1,
      };
    });
  }

  #truthOf(mask: Mask | undefined, content: Size): TruthAtLogits {
    const {config} = this.#options;
    if (mask === undefined) return truthAtLogits(mask, content, config);
    const known = this.#truths.get(mask) ?? truthAtLogits(mask, content, config);
    this.#truths.set(mask, known);
    return known;
  }
}

/** Truth and weights of one prompt at the resolution of the logits [h × w]. */
type TruthAtLogits = Pick<MaskPrompt, "truth" | "weight">;

function isPresent(mask: Mask | undefined): mask is Mask {
  return mask?.pixels.data.includes(1) ?? false;
}

/** A random pixel inside a mask that is not empty. */
function pixelOf({pixels: {data}, width}: Mask, random: Random): {y: number; x: number} {
  const start = random.integer(data.length);
  const after = data.indexOf(1, start);
  const index = after === -1 ? data.indexOf(1) : after;
  return {y: Math.floor(index / width), x: index % width};
}

/** Picture prepared and scaled, without padding; masks at the same scale. */
function atModelScale(item: LoadedCase, {sam, view}: ClapsConfig): LoadedCase {
  const prepared = item.modality.prepare(item.image);
  const image =
    view.kind === "tiles"
      ? scaled(prepared, view.scale)
      : fitLongest(prepared, sam.imageSize, {padding: "none"}).image;
  const labels = new Map(
    [...item.labels].map(([target, {state, mask}]) => [
      target,
      {state, ...(mask === undefined ? {} : {mask: resizeMask(mask, image)})},
    ]),
  );
  return {id: item.id, dataset: item.dataset, modality: item.modality, image, labels};
}

function scaled(image: Image, scale: number): Image {
  if (scale === 1) return image;
  return resize(image, {height: Math.round(image.height * scale), width: Math.round(image.width * scale)});
}

/**
 * A square of the model's size: mostly round a pixel of one of the targets that the picture has, so that small
 * lesions are seen as often as large organs, else from anywhere.
 */
function randomTile(item: LoadedCase, side: number, random: Random): LoadedCase {
  const {height, width} = item.image;
  const masks = [...item.labels.values()].map(({mask}) => mask).filter(isPresent);
  const focus =
    masks.length > 0 && random.chance(FOCUS_SHARE) ? pixelOf(random.choice(masks), random) : undefined;
  const start = (size: number, centre: number | undefined): number => {
    const last = Math.max(0, size - side);
    if (centre === undefined) return random.integer(last + 1);
    const shift = Math.round(random.uniform(-side / 3, side / 3));
    return Math.min(last, Math.max(0, centre - Math.floor(side / 2) + shift));
  };
  const origin = {y: start(height, focus?.y), x: start(width, focus?.x)};
  const box: Box = [origin.x, origin.y, Math.min(origin.x + side, width), Math.min(origin.y + side, height)];
  const labels = new Map(
    [...item.labels].map(([target, {state, mask}]) => [
      target,
      {state, ...(mask === undefined ? {} : {mask: cropMask(mask, box)})},
    ]),
  );
  return {...item, image: crop(item.image, box), labels};
}

/**
 * Truth and weights at the resolution of the logits.
 *
 * Each logit covers `ratio × ratio` px: its truth is the share of them inside the mask, its weight is 0 where
 * it covers padding or ignored px only.
 */
function truthAtLogits(mask: Mask | undefined, content: Size, {sam}: ClapsConfig): TruthAtLogits {
  const ratio = maskStride(sam);
  const side = sam.imageSize / ratio;
  const truth = new Float32Array(side * side);
  const weight = new Float32Array(side * side);
  for (let y = 0; y < content.height; y++) {
    for (let x = 0; x < content.width; x++) {
      const value = mask?.pixels.data[y * content.width + x] ?? 0;
      if (value === IGNORE) continue;
      const index = Math.floor(y / ratio) * side + Math.floor(x / ratio);
      truth[index]! += value;
      weight[index]!++;
    }
  }
  for (let index = 0; index < truth.length; index++) {
    if (weight[index] === 0) continue;
    truth[index]! /= weight[index]!;
    weight[index] = 1;
  }
  return {truth, weight};
}

import {ConfigError} from "@claps/core";
import type {ClipConfig} from "@claps/clip";
import type {Captions, DatasetDefinition, Finding, PictureVariation, SyntheticKind} from "@claps/data";
import {z} from "zod";
import {describeIssues} from "../describe-issues.js";

/** Made-up pictures: always unseen in validation and test, since each has its own number. */
export interface SyntheticSource {
  readonly synthetic: SyntheticKind;
  /** Pictures to train on. */
  readonly train: number;
  /** Pictures on which weights and thresholds are chosen. */
  readonly validation: number;
  /** Pictures that are scored. */
  readonly test: number;
  /** Height, px, 64 to 4096; default 128. */
  readonly size?: number;
  /** Share of pictures without any lesion; default 0.1. */
  readonly healthy?: number;
}

/** A dataset with masks, from which labels are read. */
export interface DatasetSource {
  readonly dataset: DatasetDefinition;
  /** Training cases held out to choose by; left out means those that the adapter calls validation. */
  readonly holdOut?: number;
}

/** One's own pictures. */
export interface PicturesSource {
  /** CSV file, see `readPictureList`; relative to where the command runs. */
  readonly pictures: string;
}

/** Where pictures with labels come from. */
export type PretrainingSource = SyntheticSource | DatasetSource | PicturesSource;

/** A model to go on from: a folder that `loadClip` reads. */
export interface StartingWeights {
  readonly from: string;
}

/** Low-rank changes in place of the weights themselves. */
export interface LoraPlan {
  /** Regular expression on dotted paths of linear layers, for example `\\.(q|v)_proj$`. */
  readonly pattern: string;
  readonly rank: number;
  /** The change counts alpha / rank times; default the rank. */
  readonly alpha?: number;
}

/** How a CLIP model is pre-trained; lengths are in steps. */
export interface PretrainingPlan {
  readonly steps: number;
  /** Pictures, each with a sentence, per step. */
  readonly batch: number;
  /** Pictures computed at once, with the whole batch's exact gradient; left out means all. */
  readonly chunk?: number;
  /** Highest learning rate of the warm-up and cosine schedule. */
  readonly rate: number;
  readonly warmupSteps: number;
  /** AdamW weight decay; default 0.1. */
  readonly weightDecay?: number;
  /** Largest global norm of the gradients; default 1. */
  readonly clipNorm?: number;
  /** `labels` (default): every sentence whose label a picture has is right; `pairs`: its own alone. */
  readonly targets?: "labels" | "pairs";
  /** `balanced` (default) over modality and label, or `random`: every picture as often as any other. */
  readonly order?: "balanced" | "random";
  /** Weights are averaged over the steps, so much of the old average stays; left out means not. */
  readonly ema?: number;
  /** Weights that stay as they are: regular expressions on dotted paths, each of which must match some. */
  readonly lock?: readonly string[];
  readonly lora?: LoraPlan;
  /** Rate of each block of a tower as a share of the one above it; left out means 1. */
  readonly layerDecay?: number;
  /** How pictures are varied; `false` means not at all. */
  readonly augment?: PictureVariation | false;
  /** Tokens per sentence; left out means as many as the text tower takes. */
  readonly textLength?: number;
  /** A checkpoint every so many steps; default 500. */
  readonly checkpointEvery?: number;
}

/** When and how the model is evaluated. */
export interface PretrainingEvaluation {
  /** Steps between two evaluations on the validation pictures; the best weights are kept. Left out means never. */
  readonly every?: number;
  /** What is compared for the best weights; default `findings`, the mean area under the ROC curve over findings. */
  readonly best?: "findings" | "modality" | "retrieval";
  /** How findings are scored; default `contrast`. */
  readonly rule?: "contrast" | "similarity";
}

/** A pre-training: a claim, written down and repeatable. */
export interface PretrainingDefinition {
  /** Name of its folder of results; lower case words joined by hyphens. */
  readonly name: string;
  readonly seed?: number;
  readonly sources: readonly PretrainingSource[];
  /** What sentences may speak of; default all findings of the library. */
  readonly findings?: readonly Finding[];
  /** Sentences, or the path of a file of them; left out means ten made ones for each finding. */
  readonly captions?: Captions | string;
  /** Whether sentences name their modality's signature; default true, `false` is an ablation. */
  readonly signature?: boolean;
  /** Sizes of a new model, or a folder with weights to go on from. */
  readonly model: ClipConfig | StartingWeights;
  readonly train: PretrainingPlan;
  readonly evaluate: PretrainingEvaluation;
  /** What `--quick` changes: one CPU minute that shows that everything runs. */
  readonly quick: {
    readonly train?: Partial<PretrainingPlan>;
    readonly evaluate?: Partial<PretrainingEvaluation>;
    /** Numbers of made-up pictures. */
    readonly synthetic?: Partial<Pick<SyntheticSource, "train" | "validation" | "test" | "size">>;
  };
}

const count = z.int().min(0);
const positive = z.int().min(1);
const share = z.number().min(0).max(1);
const pattern = z.string().min(1).refine(isPattern, "expected a regular expression");
/** Values that were imported; their own packages check what is in them. */
const imported = z.looseObject({});
const variation = z.strictObject({
  geometry: z.number().min(0).optional(),
  mirror: z.boolean().optional(),
  light: z.number().min(0).optional(),
  grey: share.optional(),
  tint: share.optional(),
});
const training = z.strictObject({
  steps: positive,
  batch: positive,
  chunk: positive.optional(),
  rate: z.number().positive(),
  warmupSteps: count,
  weightDecay: z.number().min(0).optional(),
  clipNorm: z.number().positive().optional(),
  targets: z.enum(["labels", "pairs"]).optional(),
  order: z.enum(["balanced", "random"]).optional(),
  ema: z.number().gt(0).lt(1).optional(),
  lock: z.array(pattern).optional(),
  lora: z.strictObject({pattern, rank: positive, alpha: z.number().positive().optional()}).optional(),
  layerDecay: z.number().gt(0).max(1).optional(),
  augment: z.union([variation, z.literal(false)]).optional(),
  textLength: z.int().min(2).optional(),
  checkpointEvery: positive.optional(),
});
const evaluation = z.strictObject({
  every: positive.optional(),
  best: z.enum(["findings", "modality", "retrieval"]).optional(),
  rule: z.enum(["contrast", "similarity"]).optional(),
});
const size = z.int().min(64).max(4096);
const synthetic = z.strictObject({
  synthetic: imported,
  train: positive,
  validation: count,
  test: positive,
  size: size.optional(),
  healthy: share.optional(),
});
const dataset = z.strictObject({dataset: imported, holdOut: count.optional()});
const pictures = z.strictObject({pictures: z.string().min(1)});
const starting = z.strictObject({from: z.string().min(1)});
const fresh = z.looseObject({vision: imported, text: imported, preprocess: imported});
const schema = z.strictObject({
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "expected lower case words joined by hyphens"),
  seed: z.int().optional(),
  sources: z.array(z.union([synthetic, dataset, pictures])).min(1),
  findings: z.array(imported).min(1).optional(),
  captions: z
    .union([z.string().min(1), z.record(z.string(), z.record(z.string(), z.array(z.string())))])
    .optional(),
  signature: z.boolean().optional(),
  model: z.union([starting, fresh]),
  train: training,
  evaluate: evaluation,
  quick: z.strictObject({
    train: training.partial().optional(),
    evaluate: evaluation.optional(),
    synthetic: z
      .strictObject({train: positive, validation: count, test: positive, size})
      .partial()
      .optional(),
  }),
});

const KNOWN_KEYS: readonly string[] = [
  ...[schema, training, evaluation, synthetic, dataset, pictures, starting, variation].flatMap(({shape}) =>
    Object.keys(shape),
  ),
  "pattern",
  "rank",
  "alpha",
];

/**
 * Checks a pre-training and gives it back.
 *
 * @param definition - The pre-training; unknown keys are errors. Datasets, findings and model sizes are values of
 * other packages, which check them.
 * @throws ConfigError naming every wrong key or value, with the nearest known key.
 * @example
 * ```ts
 * export default definePretraining({name: "my-clip", sources: [{pictures: "pictures.csv"}], model: clipTiny, ...});
 * ```
 */
export function definePretraining(definition: PretrainingDefinition): PretrainingDefinition {
  const result = schema.safeParse(definition);
  if (!result.success) {
    throw new ConfigError(`Pre-training: ${describeIssues(result.error, KNOWN_KEYS)}.`, {code: "experiment"});
  }
  const {train, evaluate, sources} = definition;
  if (train.warmupSteps > train.steps) {
    throw new ConfigError(
      `Pre-training: train.warmupSteps: expected at most the ${train.steps} steps, got ${train.warmupSteps}.`,
      {code: "experiment"},
    );
  }
  const cannotChoose = sources.every((source) => "synthetic" in source && source.validation === 0);
  if (evaluate.every !== undefined && cannotChoose) {
    throw new ConfigError(
      "Pre-training: evaluate.every: expected validation pictures to choose weights by, got none; set validation of a source.",
      {code: "experiment"},
    );
  }
  return Object.freeze(definition);
}

/** Whether something that a file exports is a pre-training rather than an experiment of all stages. */
export function isPretraining(value: unknown): value is PretrainingDefinition {
  return typeof value === "object" && value !== null && "sources" in value && "train" in value;
}

/**
 * The form that `--quick` runs.
 *
 * @param definition - A pre-training.
 */
export function quickPretraining(definition: PretrainingDefinition): PretrainingDefinition {
  const {quick, sources, train, evaluate} = definition;
  return {
    ...definition,
    sources: sources.map((source) => ("synthetic" in source ? {...source, ...quick.synthetic} : source)),
    train: {...train, ...quick.train},
    evaluate: {...evaluate, ...quick.evaluate},
  };
}

/**
 * A pre-training as plain data: imported values by their names.
 *
 * @param definition - A pre-training.
 */
export function plainPretraining(definition: PretrainingDefinition): unknown {
  const {sources, findings, ...rest} = definition;
  return {
    ...rest,
    sources: sources.map((source) =>
      "synthetic" in source
        ? {...source, synthetic: source.synthetic.id}
        : "dataset" in source
          ? {...source, dataset: source.dataset.id}
          : source,
    ),
    ...(findings === undefined ? {} : {findings: findings.map(({label}) => label)}),
  };
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

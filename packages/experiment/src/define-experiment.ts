import {ConfigError} from "@claps/core";
import type {DatasetDefinition} from "@claps/data";
import type {ClapsConfig} from "@claps/method";
import {z} from "zod";
import type {Control} from "./control.js";
import {describeIssues} from "./describe-issues.js";

/** One dataset of an experiment and how its cases are used. */
export interface ExperimentData {
  /** The adapter; real data are looked for under the data root. */
  readonly dataset: DatasetDefinition;
  /**
   * Made-up cases instead of real ones: how many, and their height in px. They are written in the dataset's
   * official layout, training and test part, and read by the same adapter.
   */
  readonly synthetic?: {readonly count: number; readonly size?: number};
  /**
   * Training cases held out to choose by, from the end of the training list; left out means those that the
   * adapter calls validation.
   */
  readonly holdOut?: number;
}

/** How the mask stage is trained; lengths are in steps. */
export interface TrainingPlan {
  readonly steps: number;
  /** Pictures (or tiles) per step. */
  readonly batch: number;
  /** Phrases per picture and step. */
  readonly promptsPerImage: number;
  /** Highest learning rate of the warm-up and cosine schedule. */
  readonly rate: number;
  readonly warmupSteps: number;
  /** AdamW weight decay; default 0.05. */
  readonly weightDecay?: number;
  /** Largest global norm of the gradients; default 1. */
  readonly clipNorm?: number;
  /** Share of phrases that name a target of another modality, whose right answer is nothing; default 0.05. */
  readonly foreignPhrases?: number;
  /** Whether pictures are flipped, turned, scaled and recoloured as far as their modality allows; default true. */
  readonly augment?: boolean;
  /** Parts that keep their first weights, as beginnings of dotted paths, for example `text`; default none. */
  readonly freeze?: readonly string[];
  /** A checkpoint every so many steps; default 500. */
  readonly checkpointEvery?: number;
  /** Score the held-out cases every so many steps and keep the best weights; left out means never. */
  readonly validateEvery?: number;
  /** Whether the mask threshold is chosen on the held-out cases; default false (0.5). */
  readonly chooseThreshold?: boolean;
}

/** What is measured, and beside what. */
export interface EvaluationPlan {
  readonly controls: readonly Control[];
  /** Cases per dataset drawn into the report; default 3. */
  readonly overlays?: number;
}

/** An experiment: a claim, written down and repeatable. */
export interface ExperimentDefinition {
  /** Name of its folder of results; lower case words joined by hyphens. */
  readonly name: string;
  readonly seed?: number;
  readonly data: readonly ExperimentData[];
  readonly model: ClapsConfig;
  readonly train: TrainingPlan;
  readonly evaluate: EvaluationPlan;
  /** What `--quick` changes: one CPU minute that shows that everything runs. */
  readonly quick: {
    readonly train?: Partial<TrainingPlan>;
    readonly synthetic?: {readonly count: number};
  };
}

const count = z.int().min(0);
const positive = z.int().min(1);
const training = z.strictObject({
  steps: positive,
  batch: positive,
  promptsPerImage: positive,
  rate: z.number().positive(),
  warmupSteps: count,
  weightDecay: z.number().min(0).optional(),
  clipNorm: z.number().positive().optional(),
  foreignPhrases: z.number().min(0).max(1).optional(),
  augment: z.boolean().optional(),
  freeze: z.array(z.string().min(1)).optional(),
  checkpointEvery: positive.optional(),
  validateEvery: positive.optional(),
  chooseThreshold: z.boolean().optional(),
});
/** Values that were imported; their own packages check what is in them. */
const imported = z.looseObject({});
const synthetic = z.strictObject({count: positive, size: positive.optional()});
const schema = z.strictObject({
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "expected lower case words joined by hyphens"),
  seed: z.int().optional(),
  data: z
    .array(z.strictObject({dataset: imported, synthetic: synthetic.optional(), holdOut: count.optional()}))
    .min(1),
  model: z.strictObject({
    sam: imported,
    text: imported,
    guidance: z.strictObject({
      form: z.enum(["additive", "token", "off"]),
      start: z.enum(["nothing", "something"]),
      hiddenWidth: positive,
      useSignature: z.boolean(),
    }),
    view: z.union([
      z.strictObject({kind: z.literal("whole")}),
      z.strictObject({kind: z.literal("tiles"), scale: z.number().positive(), overlap: count}),
    ]),
    threshold: z.number().min(0).max(1),
  }),
  train: training,
  evaluate: z.strictObject({controls: z.array(imported), overlays: count.optional()}),
  quick: z.strictObject({
    train: training.partial().optional(),
    synthetic: z.strictObject({count: positive}).optional(),
  }),
});

const KNOWN_KEYS: readonly string[] = [
  ...Object.keys(schema.shape),
  ...Object.keys(training.shape),
  ...Object.keys(synthetic.shape),
  "dataset",
  "synthetic",
  "holdOut",
  "controls",
  "overlays",
];

/**
 * Checks an experiment and gives it back.
 *
 * @param definition - The experiment; unknown keys are errors. Datasets, controls and model sizes are values of
 * other packages, which check them.
 * @throws ConfigError naming every wrong key or value, with the nearest known key.
 * @example
 * ```ts
 * export default defineExperiment({name: "quickstart", data: [{dataset: drive}], ...});
 * ```
 */
export function defineExperiment(definition: ExperimentDefinition): ExperimentDefinition {
  const result = schema.safeParse(definition);
  if (!result.success) {
    throw new ConfigError(`Experiment: ${describeIssues(result.error, KNOWN_KEYS)}.`, {code: "experiment"});
  }
  return Object.freeze(definition);
}

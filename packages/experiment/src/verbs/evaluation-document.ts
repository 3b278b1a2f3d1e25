import {readFile} from "node:fs/promises";
import {DataError} from "@claps/core";
import {RESEARCH_NOTICE} from "@claps/method";
import {createMeter} from "@claps/metrics";
import type {CaseRecord, EmptyPolicy, GroupSummary} from "@claps/metrics";
import type {ScoreTable} from "@claps/report";
import {z} from "zod";
import type {Shard} from "./shard.js";

/** Which figures stand in the means over targets: those per picture, or those of all pixels together. */
export type Aggregate = "image" | "pooled";

/** How predictions were scored; documents with different settings are neither merged nor compared. */
export interface EvaluationSettings {
  /** `train`, `validation`, `test` or `all`. */
  readonly split: string;
  readonly empty: EmptyPolicy;
  readonly aggregate: Aggregate;
  /** Longest side to which masks were resized, px; null means native resolution. */
  readonly longestSide: number | null;
  /** Whether only pixels inside the field of view count. */
  readonly fieldOfView: boolean;
}

/** What tables say of a target. */
export interface TargetWords {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  readonly colour: readonly [number, number, number];
}

/** The outcome of scoring predictions; plain data from which everything else can be computed again. */
export interface EvaluationDocument {
  readonly format: typeof FORMAT;
  readonly notice: string;
  readonly dataset: {readonly id: string; readonly title: string};
  /** Folder of the predictions. */
  readonly predictions: string;
  readonly settings: EvaluationSettings;
  /** Which part of the cases this is; null means all. */
  readonly shard: Shard | null;
  /** The cases of this part by id. */
  readonly cases: readonly {readonly id: string; readonly patient: string | null}[];
  /** Number of cases in all parts together. */
  readonly allCases: number;
  /** Cases of the dataset that could not be read. */
  readonly unreadable: readonly {readonly id: string; readonly reason: string}[];
  readonly targets: readonly (TargetWords & {readonly scores: GroupSummary | null})[];
  /** Means over targets, by the aggregate of the settings. */
  readonly means: {readonly dice: number | null; readonly iou: number | null; readonly targets: number};
  /** By case id, then target. */
  readonly records: readonly CaseRecord[];
}

/** What {@link composeEvaluation} needs: a document without what follows from its records. */
export type EvaluationParts = Omit<EvaluationDocument, "format" | "notice" | "targets" | "means"> & {
  readonly targets: readonly TargetWords[];
};

const FORMAT = "claps evaluation 1";

/**
 * Makes a document: orders records and computes summaries and means from them.
 *
 * @param parts - Everything that does not follow from the records.
 * @throws DataError if a case comes twice for a target.
 */
export function composeEvaluation(parts: EvaluationParts): EvaluationDocument {
  const {dataset, predictions, settings, shard, cases, allCases, unreadable, targets} = parts;
  const {empty, aggregate} = settings;
  const order = new Map(targets.map(({id}, index) => [id, index]));
  const place = ({group}: CaseRecord): number => order.get(group) ?? order.size;
  const records = [...parts.records].sort((a, b) => compareText(a.id, b.id) || place(a) - place(b));
  const meter = createMeter({empty});
  for (const record of records) meter.add(record);
  const summaries = meter.summarize();
  const scored = targets.map(({id, code, name, colour}) => ({
    id,
    code,
    name,
    colour,
    scores: summaries.get(id) ?? null,
  }));
  const headline = aggregate === "image" ? "mean" : "pooled";
  const meanOf = (measure: "dice" | "iou"): {mean: number | null; count: number} => {
    const values = scored.flatMap(({scores}) => scores?.[measure][headline] ?? []);
    const sum = values.reduce((total, value) => total + value, 0);
    return {mean: values.length === 0 ? null : sum / values.length, count: values.length};
  };
  return {
    format: FORMAT,
    notice: RESEARCH_NOTICE,
    dataset,
    predictions,
    settings,
    shard,
    cases: [...cases].sort((a, b) => compareText(a.id, b.id)),
    allCases,
    unreadable: [...unreadable].sort((a, b) => compareText(a.id, b.id)),
    targets: scored,
    means: {dice: meanOf("dice").mean, iou: meanOf("iou").mean, targets: meanOf("dice").count},
    records,
  };
}

/** The same order on every machine, whatever its language. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The table of an evaluation, without controls: there is no model to compare with.
 *
 * @param document - The evaluation.
 */
export function evaluationTable({dataset, targets, means, settings}: EvaluationDocument): ScoreTable {
  const rows = targets.flatMap(({scores, ...target}) =>
    scores === null ? [] : [{dataset: dataset.id, target, model: scores, controls: {}, notAbove: []}],
  );
  return {controls: [], rows, means: {model: means}, aggregate: settings.aggregate};
}

const whole = z.int().min(0);
const score = z.number().nullable();
const schema = z.object({
  format: z.literal(FORMAT),
  dataset: z.object({id: z.string(), title: z.string()}),
  predictions: z.string(),
  settings: z.object({
    split: z.string(),
    empty: z.enum(["exclude", "one", "zero"]),
    aggregate: z.enum(["image", "pooled"]),
    longestSide: whole.nullable(),
    fieldOfView: z.boolean(),
  }),
  shard: z.object({index: whole, count: whole}).nullable(),
  cases: z.array(z.object({id: z.string(), patient: z.string().nullable()})),
  allCases: whole,
  unreadable: z.array(z.object({id: z.string(), reason: z.string()})),
  targets: z.array(
    z.object({
      id: z.string(),
      code: z.string(),
      name: z.string(),
      colour: z.tuple([z.number(), z.number(), z.number()]),
    }),
  ),
  records: z.array(
    z.object({
      group: z.string(),
      id: z.string(),
      counts: z.object({
        truePositive: whole,
        falsePositive: whole,
        falseNegative: whole,
        trueNegative: whole,
      }),
      dice: score,
      iou: score,
      sensitivity: score,
      specificity: score,
      precision: score,
      state: z.enum(["both-empty", "false-presence", "missed", "both"]),
      reason: z.string().optional(),
    }),
  ),
});

/**
 * Reads a document that `claps evaluate --out FILE` wrote; summaries are computed anew from its records.
 *
 * @param path - The file.
 * @throws DataError if it cannot be read or is no such document.
 */
export async function readEvaluation(path: string): Promise<EvaluationDocument> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new DataError(
      `${path}: expected a document of "claps evaluate --out", got no JSON that can be read.`,
      {
        cause,
        code: "evaluation",
      },
    );
  }
  const result = schema.safeParse(content);
  if (!result.success) {
    const [issue] = result.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
    throw new DataError(
      `${path}: expected a document of "claps evaluate --out" (${FORMAT}), got another: ${where}${issue?.message ?? "unknown"}.`,
      {code: "evaluation"},
    );
  }
  return composeEvaluation(result.data);
}

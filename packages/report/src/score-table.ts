import {formatScore} from "./format-score.js";
import type {GroupSummary} from "@claps/metrics";

/** Scores of one target of one dataset. */
export interface ScoreRow {
  readonly dataset: string;
  readonly target: {
    readonly id: string;
    readonly code: string;
    readonly name: string;
    readonly colour: readonly [number, number, number];
  };
  readonly model: GroupSummary;
  /** By control id. */
  readonly controls: Readonly<Record<string, GroupSummary>>;
  /** Ids of controls that the model does not beat, of those that do not use the truth. */
  readonly notAbove: readonly string[];
}

/** A control as a column. */
export interface ControlColumn {
  readonly id: string;
  readonly title: string;
  /** Whether it looks at the truth, so that the model is not compared with it. */
  readonly usesTruth: boolean;
}

/** Everything that the main table shows. */
export interface ScoreTable {
  readonly controls: readonly ControlColumn[];
  readonly rows: readonly ScoreRow[];
  /** Means over targets of `model` and of every control. */
  readonly means: Readonly<
    Record<string, {readonly dice: number | null; readonly iou: number | null; readonly targets: number}>
  >;
  /**
   * Which figures IoU, sensitivity, specificity and the means show: those per picture (default), or those of the
   * pixels of all pictures together.
   */
  readonly aggregate?: "image" | "pooled";
}

/** Heads and cells of a table, before any format. */
export interface TableCells {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Sentences that belong below: legend, and the targets that are not above a control. */
  readonly legend: readonly string[];
}

/** Options of {@link scoreTable}. */
export interface ScoreTableOptions {
  /** `text` for a terminal, `markdown` for a file. */
  readonly format: "text" | "markdown";
}

/** Puts scores into cells: counts beside every mean, every control beside the model. */
export function tableCells(table: ScoreTable): TableCells {
  const {controls, rows, means} = table;
  const headline = table.aggregate === "pooled" ? "pooled" : "mean";
  const heads = ["dataset", "target", "n", "e/f/m", "Dice", "SD", "pooled", "IoU", "sens", "spec"];
  const cells = rows.map(({dataset, target, model, controls: beside, notAbove}) => [
    dataset,
    notAbove.length === 0 ? target.name : `${target.name} *`,
    String(model.dice.n),
    `${model.nBothEmpty}/${model.nFalsePresence}/${model.nMissed}`,
    formatScore(model.dice.mean),
    formatScore(model.dice.sd),
    formatScore(model.dice.pooled),
    formatScore(model.iou[headline]),
    formatScore(model.sensitivity[headline]),
    formatScore(model.specificity[headline]),
    ...controls.map(({id}) => formatScore(beside[id]?.dice[headline] ?? null)),
  ]);
  const dice = formatScore(means["model"]?.dice ?? null);
  const meanDice = headline === "pooled" ? ["", "", dice] : [dice, "", ""];
  const mean = [
    "mean",
    `${means["model"]?.targets ?? 0} targets`,
    "",
    "",
    ...meanDice,
    formatScore(means["model"]?.iou ?? null),
    "",
    "",
    ...controls.map(({id}) => formatScore(means[id]?.dice ?? null)),
  ];
  return {
    heads: [...heads, ...controls.map(({id, usesTruth}) => (usesTruth ? `${id} †` : id))],
    rows: [...cells, mean],
    legend: legendOf(table),
  };
}

/** What becomes of a picture in which the target is absent and not found. */
const EMPTY_WORDS = {exclude: "not counted", one: "Dice 1", zero: "Dice 0"} as const;

function legendOf({controls, rows, aggregate}: ScoreTable): string[] {
  const columns = controls.map(
    ({id, title, usesTruth}) => `${id}: ${title}${usesTruth ? " † uses the truth" : ""}`,
  );
  const behind = rows
    .filter(({notAbove}) => notAbove.length > 0)
    .map(({dataset, target, notAbove}) => `${target.name} in ${dataset} (${notAbove.join(", ")})`);
  return [
    `n: pictures in the means; e/f/m: pictures in which the target is absent and not found (${EMPTY_WORDS[rows[0]?.model.empty ?? "exclude"]}), absent but found (Dice 0), there but missed. ${
      aggregate === "pooled"
        ? "Dice, SD: per picture; pooled, IoU, sens, spec and the means over targets: over all pixels."
        : "Dice, SD, IoU, sens, spec: per picture; pooled: over all pixels."
    }`,
    ...(columns.length === 0
      ? []
      : [
          `Columns after spec are the ${aggregate === "pooled" ? "pooled" : "mean"} Dice of the controls. ${columns.join("; ")}.`,
          behind.length === 0
            ? "Every target is above every control that does not use the truth."
            : `* Not above a control: ${behind.join("; ")}.`,
        ]),
  ];
}

/**
 * The main table of an evaluation.
 *
 * @param table - Scores of the model and of the controls.
 * @param options - Format.
 * @returns The table with its legend; targets that do not beat a control are marked and named.
 * @example
 * ```ts
 * console.log(scoreTable(table, {format: "text"}));
 * ```
 */
export function scoreTable(table: ScoreTable, options: ScoreTableOptions): string {
  const {heads, rows, legend} = tableCells(table);
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  // Names read from the left, numbers from the right.
  const pad = (cell: string, column: number): string =>
    column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  const line = (cells: readonly string[], gap: string): string => cells.map(pad).join(gap);
  if (options.format === "text") {
    const rule = widths.map((width) => "-".repeat(width)).join("  ");
    return [line(heads, "  "), rule, ...rows.map((row) => line(row, "  ")), "", ...legend].join("\n");
  }
  const rule = widths.map((width, column) => (column < 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  const lines = [line(heads, " | "), rule.join(" | "), ...rows.map((row) => line(row, " | "))];
  return [...lines.map((text) => `| ${text} |`), "", ...legend].join("\n");
}

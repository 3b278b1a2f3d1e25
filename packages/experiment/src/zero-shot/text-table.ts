/**
 * Rows as lines of equal columns: the first column reads from the left, the others are numbers.
 *
 * @param heads - One per column.
 * @param rows - Cells.
 */
export function textTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [line(heads), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

/** A figure with three digits; a dash where there is none. */
export function formatFigure(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : value.toFixed(3);
}

/** Means over findings, as far as every table of findings prints them. */
export interface MacroFigure {
  readonly labels: number;
  readonly labelsUsed: number;
  readonly balancedAccuracy: number | null;
  readonly areaUnderRoc: number | null;
  readonly chance: {readonly balancedAccuracy: number | null};
  readonly prior: {readonly balancedAccuracy: number | null};
}

/** The last row of a table of findings: means in the columns of BA, chance, prior and AUC. */
export function meanRow(macro: MacroFigure): string[] {
  return [
    `mean of ${macro.labelsUsed} of ${macro.labels}`,
    "",
    "",
    formatFigure(macro.balancedAccuracy),
    formatFigure(macro.chance.balancedAccuracy),
    formatFigure(macro.prior.balancedAccuracy),
    formatFigure(macro.areaUnderRoc),
    "",
    "",
    "",
  ];
}

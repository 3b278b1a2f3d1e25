import type {ConfusionTable} from "@claps/metrics";
import {ShapeError} from "@claps/core";
import {escapeHtml} from "./escape-html.js";

/**
 * A confusion table drawn as HTML: rows are truths, columns predictions, each cell as dark as its share of the row.
 *
 * The count stands in every cell and right answers are framed, so that nothing is told by colour alone.
 *
 * @param title - Caption.
 * @param table - Counts.
 * @returns One `table` element; its style is part of the page style.
 * @throws ShapeError if the counts are not as many as the classes.
 * @example
 * ```ts
 * confusionFigure("Modality", confusionTable(["cfp", "cfp"], ["cfp", "oct"]));
 * ```
 */
export function confusionFigure(title: string, {classes, counts, n}: ConfusionTable): string {
  if (counts.length !== classes.length || counts.some((row) => row.length !== classes.length)) {
    throw new ShapeError(
      `Confusion table "${title}": expected ${classes.length} x ${classes.length} counts, got ${counts.length} rows of ${counts.map((row) => row.length).join(", ")}.`,
    );
  }
  const head = classes.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join("");
  const rows = counts.map((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, prediction) => {
      // Dark enough to be seen, light enough that the number stays readable in both colour schemes.
      const share = total === 0 ? 0 : Math.round((count / total) * 55);
      const kind = truth === prediction ? ' class="hit"' : "";
      return `<td${kind} style="background: color-mix(in srgb, #0072b2 ${share}%, transparent)">${count}</td>`;
    });
    return `<tr><th scope="row">${escapeHtml(classes[truth] ?? "")}</th>${cells.join("")}<td class="total">${total}</td></tr>`;
  });
  return `<table class="confusion"><caption>${escapeHtml(title)} (${n} pictures; rows: truth, columns: answer)</caption>
<thead><tr><th></th>${head}<th scope="col">all</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

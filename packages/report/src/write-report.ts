import {mkdir} from "node:fs/promises";
import {join} from "node:path";
import {encodePng} from "@claps/image";
import writeFileAtomic from "write-file-atomic";
import {caseStrip} from "./case-strip.js";
import type {CaseFigure} from "./case-strip.js";
import {COMPARISON_COLOURS} from "./comparison.js";
import {escapeHtml} from "./escape-html.js";
import {formatScore} from "./format-score.js";
import {PAGE_STYLE} from "./page-style.js";
import {plotCurve} from "./plot-curve.js";
import type {Curve} from "./plot-curve.js";
import {tableCells} from "./score-table.js";
import type {ScoreTable} from "./score-table.js";

/** Everything that a page shows. */
export interface Report {
  readonly title: string;
  /** What was done, one sentence each. */
  readonly lead: readonly string[];
  /** Stands first: research software, not a medical device. */
  readonly notice: string;
  /** The command that makes this page. */
  readonly command: string;
  readonly table: ScoreTable;
  readonly curves: readonly Curve[];
  readonly cases: readonly CaseFigure[];
  /** Label and value: engine, processor, versions, seed. */
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly notes: readonly string[];
}

/** Files of a written report. */
export interface WrittenReport {
  /** The page. */
  readonly page: string;
  /** One picture per drawn case. */
  readonly overlays: readonly string[];
}

/**
 * Writes a page that needs nothing but itself, and the drawn cases as PNG files.
 *
 * @param report - What to show.
 * @param folder - Gets `index.html` and `overlays/`.
 * @returns The paths of the files.
 */
export async function writeReport(report: Report, folder: string): Promise<WrittenReport> {
  await mkdir(join(folder, "overlays"), {recursive: true});
  const overlays: string[] = [];
  const figures: string[] = [];
  for (const figure of report.cases) {
    const png = encodePng(caseStrip(figure));
    const path = join(folder, "overlays", `${fileName(figure.dataset)}-${fileName(figure.id)}.png`);
    await writeFileAtomic(path, Buffer.from(png));
    overlays.push(path);
    figures.push(figureHtml(figure, png));
  }
  const page = join(folder, "index.html");
  await writeFileAtomic(page, pageHtml(report, figures));
  return {page, overlays};
}

function fileName(text: string): string {
  return text.replace(/[^A-Za-z0-9_.-]/g, "_");
}

function figureHtml({dataset, id, targets}: CaseFigure, png: Uint8Array): string {
  const list = targets.map(
    ({name, colour, dice}) =>
      `<li><span class="swatch" style="background: rgb(${colour.join(" ")})"></span>${escapeHtml(name)} <b>${formatScore(dice)}</b></li>`,
  );
  const alt = `${id}: picture, truth, prediction, and both compared`;
  return `<figure><figcaption><b>${escapeHtml(id)}</b> (${escapeHtml(dataset)})</figcaption>
<img alt="${escapeHtml(alt)}" src="data:image/png;base64,${Buffer.from(png).toString("base64")}">
<ul class="targets">${list.join("")}</ul></figure>`;
}

function tableHtml(table: ScoreTable): string {
  const {heads, rows, legend} = tableCells(table);
  const head = heads.map((text) => `<th scope="col">${escapeHtml(text)}</th>`).join("");
  const body = rows.map((row, index) => {
    const behind = (table.rows[index]?.notAbove.length ?? 0) > 0;
    const cells = row.map((text, column) =>
      column < 2 ? `<th scope="row">${escapeHtml(text)}</th>` : `<td>${escapeHtml(text)}</td>`,
    );
    const name = index === table.rows.length ? ' class="mean"' : behind ? ' class="behind"' : "";
    return `<tr${name}>${cells.join("")}</tr>`;
  });
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>
${legend.map((text) => `<p class="small">${escapeHtml(text)}</p>`).join("")}`;
}

function coloursHtml(): string {
  const names = {hit: "found", miss: "missed", falseAlarm: "found where nothing is"};
  return Object.entries(COMPARISON_COLOURS)
    .map(
      ([kind, colour]) =>
        `<span class="swatch" style="background: rgb(${colour.join(" ")})"></span>${names[kind as keyof typeof names]} `,
    )
    .join("");
}

function pageHtml(report: Report, figures: readonly string[]): string {
  const paragraphs = (texts: readonly string[]): string =>
    texts.map((text) => `<p>${escapeHtml(text)}</p>`).join("");
  const facts = report.facts.map(
    ([label, value]) =>
      `<tr><th scope="row">${escapeHtml(label)}</th><td class="text">${escapeHtml(value)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(report.title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<p class="notice" role="note">${escapeHtml(report.notice)}</p>
<h1>${escapeHtml(report.title)}</h1>
${paragraphs(report.lead)}
<p><code>${escapeHtml(report.command)}</code></p>
<h2>Scores</h2>
${tableHtml(report.table)}
<h2>Training</h2>
${report.curves.map((curve) => `<div class="plot">${plotCurve(curve)}</div>`).join("")}
<h2>Cases</h2>
<p class="small">From left to right: picture, truth, prediction, both compared over all targets: ${coloursHtml()}. Numbers are Dice.</p>
${figures.join("\n")}
<h2>Notes</h2>
${paragraphs(report.notes)}
<h2>Facts</h2>
<table class="facts"><tbody>${facts.join("")}</tbody></table>
</main>
</body>
</html>
`;
}

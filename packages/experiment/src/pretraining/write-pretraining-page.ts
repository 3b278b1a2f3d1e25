import {writeFile} from "node:fs/promises";
import {join} from "node:path";
import {escapeHtml, PAGE_STYLE, plotCurve} from "@claps/report";
import type {Curve} from "@claps/report";

/** Everything that the page of a pre-training shows. */
export interface PretrainingPage {
  readonly title: string;
  /** Stands first: research software, not a medical device. */
  readonly notice: string;
  /** What was done, one sentence each. */
  readonly lead: readonly string[];
  /** The command that makes this page. */
  readonly command: string;
  /** Figures as text. */
  readonly table: string;
  readonly curves: readonly Curve[];
  readonly notes: readonly string[];
  /** Label and value. */
  readonly facts: readonly (readonly [label: string, value: string])[];
}

/**
 * Writes a page that needs nothing but itself; it points to `neighbours.html` beside it.
 *
 * @param page - What to show.
 * @param folder - Gets `index.html`.
 * @returns The path of the file.
 */
export async function writePretrainingPage(page: PretrainingPage, folder: string): Promise<string> {
  const path = join(folder, "index.html");
  await writeFile(path, pageHtml(page));
  return path;
}

function pageHtml({title, notice, lead, command, table, curves, notes, facts}: PretrainingPage): string {
  const paragraphs = (texts: readonly string[]): string =>
    texts.map((text) => `<p>${escapeHtml(text)}</p>`).join("\n");
  const rows = facts.map(
    ([label, value]) =>
      `<tr><th scope="row">${escapeHtml(label)}</th><td class="text">${escapeHtml(value)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<p class="notice" role="note">${escapeHtml(notice)}</p>
<h1>${escapeHtml(title)}</h1>
${paragraphs(lead)}
<p><code>${escapeHtml(command)}</code></p>
<h2>Figures</h2>
<pre class="wide">${escapeHtml(table)}</pre>
<p><a href="neighbours.html">Nearest pictures and sentences, and what is taken for what</a></p>
<h2>Training</h2>
${curves.map((curve) => `<div class="plot">${plotCurve(curve)}</div>`).join("\n")}
<h2>Notes</h2>
${paragraphs(notes)}
<h2>Facts</h2>
<table class="facts"><tbody>${rows.join("")}</tbody></table>
</main>
</body>
</html>
`;
}

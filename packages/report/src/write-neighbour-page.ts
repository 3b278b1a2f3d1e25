import {mkdir} from "node:fs/promises";
import {join} from "node:path";
import type {Image} from "@claps/image";
import type {ConfusionTable} from "@claps/metrics";
import writeFileAtomic from "write-file-atomic";
import {confusionFigure} from "./confusion-figure.js";
import {escapeHtml} from "./escape-html.js";
import {PAGE_STYLE} from "./page-style.js";
import {thumbnail} from "./thumbnail.js";

/** Whether a neighbour belongs to the query: unknown where a label is missing that would tell. */
export type NeighbourVerdict = "right" | "wrong" | "unknown";

/** A picture near a query. */
export interface NeighbourPicture {
  readonly id: string;
  readonly image: Image;
  /** What is known to be in it. */
  readonly labels: readonly string[];
  /** Cosine with the query. */
  readonly similarity: number;
  readonly verdict: NeighbourVerdict;
}

/** A sentence near a query. */
export interface NeighbourSentence {
  readonly text: string;
  /** What it speaks of. */
  readonly label: string;
  /** Cosine with the query. */
  readonly similarity: number;
  readonly verdict: NeighbourVerdict;
}

/** A picture and what lies nearest to it, nearest first. */
export interface NeighbourQuery {
  readonly id: string;
  readonly image: Image;
  readonly labels: readonly string[];
  readonly pictures: readonly NeighbourPicture[];
  readonly sentences: readonly NeighbourSentence[];
}

/** Everything that a page of neighbours shows. */
export interface NeighbourPage {
  readonly title: string;
  /** Stands first: research software, not a medical device. */
  readonly notice: string;
  /** What was done, one sentence each. */
  readonly lead: readonly string[];
  readonly queries: readonly NeighbourQuery[];
  /** Drawn above the queries, each with its title. */
  readonly confusions?: readonly (readonly [title: string, table: ConfusionTable])[];
  /** Figures as text, below. */
  readonly table?: string;
}

/** Longest side of a picture on the page, px. */
const SHOWN = 128;

/** A sign, a word and a line of its own for each verdict: nothing is told by colour alone. */
const VERDICTS: Readonly<Record<NeighbourVerdict, {sign: string; words: string}>> = {
  right: {sign: "✓", words: "belongs to it"},
  wrong: {sign: "✗", words: "does not"},
  unknown: {sign: "?", words: "not labelled enough to tell"},
};

// Blue and orange of a palette made for every kind of colour vision.
const STYLE = `
.confusion { margin: 1rem 0; }
.confusion caption { text-align: left; padding-bottom: 0.3rem; }
.confusion td { min-width: 3rem; }
.confusion td.hit { outline: 2px solid currentColor; outline-offset: -3px; }
.confusion td.total { border-left: 2px solid currentColor; }
.query { display: flex; flex-wrap: wrap; gap: 0.8rem; margin: 1.5rem 0; padding-top: 0.8rem; border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.query figure { margin: 0; width: ${SHOWN + 16}px; font-size: 0.8rem; overflow-wrap: anywhere; }
.query figure img { width: auto; max-width: ${SHOWN}px; border: 3px solid transparent; }
.query figure.asked img { border: 3px double currentColor; }
.query .right img { border: 3px solid #0072b2; }
.query .wrong img { border: 3px dashed #d55e00; }
.query .unknown img { border: 3px dotted #777; }
.query ol { flex-basis: 100%; margin: 0; }
.sign { font-weight: bold; }
.right .sign { color: #0072b2; }
.wrong .sign { color: #d55e00; }
`;

/**
 * Writes a page of pictures with their nearest pictures and sentences, which needs nothing but itself.
 *
 * @param page - What to show.
 * @param folder - Gets `neighbours.html`.
 * @returns The path of the file.
 * @example
 * ```ts
 * await writeNeighbourPage({title: "Neighbours", notice: RESEARCH_NOTICE, lead: [], queries}, "runs/clip");
 * ```
 */
export async function writeNeighbourPage(page: NeighbourPage, folder: string): Promise<string> {
  await mkdir(folder, {recursive: true});
  const path = join(folder, "neighbours.html");
  await writeFileAtomic(path, pageHtml(page));
  return path;
}

function pageHtml({title, notice, lead, queries, confusions = [], table}: NeighbourPage): string {
  // A picture that is near to several queries is made small once.
  const addresses = new Map<Image, string>();
  const addressOf = (image: Image): string => {
    const address = addresses.get(image) ?? thumbnail(image, SHOWN);
    addresses.set(image, address);
    return address;
  };
  const figures = confusions.map(
    ([name, counts]) => `<div class="wide">${confusionFigure(name, counts)}</div>`,
  );
  const legend = Object.entries(VERDICTS).map(
    ([verdict, {sign, words}]) =>
      `<span class="${verdict}"><span class="sign">${sign}</span> ${words}</span>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}${STYLE}</style>
</head>
<body>
<main>
<p class="notice" role="note">${escapeHtml(notice)}</p>
<h1>${escapeHtml(title)}</h1>
${lead.map((text) => `<p>${escapeHtml(text)}</p>`).join("\n")}
${figures.length === 0 ? "" : `<h2>What is taken for what</h2>\n${figures.join("\n")}`}
<h2>Nearest pictures and sentences</h2>
<p class="small">The first picture of a row asks. Numbers are cosines; nearest first. ${legend.join(", ")}.</p>
${queries.map((query) => queryHtml(query, addressOf)).join("\n")}
${table === undefined ? "" : `<h2>Figures</h2>\n<pre class="wide">${escapeHtml(table)}</pre>`}
</main>
</body>
</html>
`;
}

function queryHtml(
  {id, image, labels, pictures, sentences}: NeighbourQuery,
  addressOf: (image: Image) => string,
): string {
  const words = (own: readonly string[]): string =>
    escapeHtml(own.length === 0 ? "nothing known" : own.join(", "));
  const near = pictures.map(
    (
      picture,
    ) => `<figure class="${picture.verdict}"><img alt="${escapeHtml(picture.id)}" src="${addressOf(picture.image)}">
<figcaption>${signHtml(picture)}<br>${escapeHtml(picture.id)}<br>${words(picture.labels)}</figcaption></figure>`,
  );
  const lines = sentences.map(
    (sentence) =>
      `<li class="${sentence.verdict}">${signHtml(sentence)} ${escapeHtml(sentence.text)} <span class="small">(${escapeHtml(sentence.label)})</span></li>`,
  );
  return `<section class="query"><figure class="asked"><img alt="${escapeHtml(id)}" src="${addressOf(image)}">
<figcaption><b>${escapeHtml(id)}</b><br>${words(labels)}</figcaption></figure>
${near.join("\n")}
<ol>${lines.join("\n")}</ol></section>`;
}

function signHtml({verdict, similarity}: Pick<NeighbourSentence, "verdict" | "similarity">): string {
  const {sign, words} = VERDICTS[verdict];
  return `<span class="sign" role="img" aria-label="${words}">${sign}</span> ${similarity.toFixed(3)}`;
}

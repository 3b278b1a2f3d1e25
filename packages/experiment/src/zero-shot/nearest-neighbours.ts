import {checkRange, createRandom} from "@claps/core";
import type {Image} from "@claps/image";
import type {NeighbourPicture, NeighbourQuery, NeighbourSentence, NeighbourVerdict} from "@claps/report";
import type {EmbeddedPictures} from "./embed-items.js";
import type {PromptTable} from "./evaluate-clip.js";
import {modalityOf} from "./evaluation-item.js";
import type {AnnotatedPicture} from "./evaluation-item.js";
import type {PictureTextEncoder} from "./picture-text-encoder.js";
import {fitOf} from "./retrieval.js";
import {checkVectors, rowProduct} from "./unit-vectors.js";

/** What {@link nearestNeighbours} needs. */
export interface NeighbourOptions {
  /** Pictures with their vectors; queries are drawn among them, and neighbours too. */
  readonly pictures: EmbeddedPictures;
  /** The picture at a place; asked for those that are shown only. */
  readonly imageAt: (place: number) => Image | Promise<Image>;
  /** Sentences by modality and label. */
  readonly captions: PromptTable;
  /** The same seed draws the same queries. */
  readonly seed: number | string;
  /** Pictures that ask; default 8. */
  readonly queries?: number;
  /** Nearest pictures shown; default 4. */
  readonly neighbours?: number;
  /** Labels shown, each with its nearest sentence; default 3. */
  readonly sentences?: number;
}

/** Whether two pictures belong together: unknown where a label of one is unlabelled in the other and could decide. */
export function verdictOf(a: AnnotatedPicture, b: AnnotatedPicture): NeighbourVerdict {
  if (modalityOf(a) !== modalityOf(b)) return "wrong";
  const shared = a.labels.positive.some((label) => b.labels.positive.includes(label));
  if (shared) return "right";
  const open = (one: AnnotatedPicture, other: AnnotatedPicture): boolean =>
    one.labels.positive.some((label) => fitOf(other, label, modalityOf(other)) === "unknown");
  const bothUnknown = a.labels.positive.length === 0 && b.labels.positive.length === 0;
  return open(a, b) || open(b, a) || bothUnknown ? "unknown" : "wrong";
}

/**
 * For some pictures the nearest other pictures and the nearest sentences, ready for the page of the report.
 *
 * Queries are drawn by seed, in turn from each modality.
 *
 * @param encoder - A model with a text tower.
 * @param options - Pictures, sentences, how many.
 * @returns Queries with their neighbours, nearest first; equally near ones in their own order.
 * @throws ConfigError for a number out of range; DataError if a vector is not finite.
 * @example
 * ```ts
 * const queries = await nearestNeighbours(clip, {pictures, imageAt: (place) => images[place]!, captions, seed: 1});
 * await writeNeighbourPage({title: "Neighbours", notice: RESEARCH_NOTICE, lead: [], queries}, "runs/clip");
 * ```
 */
export async function nearestNeighbours(
  encoder: Pick<PictureTextEncoder, "encodeText">,
  options: NeighbourOptions,
): Promise<NeighbourQuery[]> {
  const {pictures, imageAt, captions, seed, queries = 8, neighbours = 4, sentences = 3} = options;
  for (const [name, value] of Object.entries({queries, neighbours, sentences})) {
    checkRange(value, {min: 0, integer: true}, name);
  }
  const spoken = await speak(encoder, captions);
  const {items, vectors, width} = pictures;
  const drawn = drawQueries(items, queries, seed);
  return Promise.all(
    drawn.map(async (place): Promise<NeighbourQuery> => {
      const own = items[place]!;
      const others = items.flatMap((_, other) => (other === place ? [] : [other]));
      const near = nearest(others, neighbours, (other) => rowProduct(vectors, place, vectors, other, width));
      return {
        id: own.id,
        image: await imageAt(place),
        labels: own.labels.positive,
        pictures: await Promise.all(
          near.map(async ({item: other, similarity}): Promise<NeighbourPicture> => {
            const {id, labels} = items[other]!;
            const verdict = verdictOf(own, items[other]!);
            return {id, image: await imageAt(other), labels: labels.positive, similarity, verdict};
          }),
        ),
        sentences: nearestSentences(spoken, own, sentences, (row) =>
          rowProduct(vectors, place, spoken.vectors, row, width),
        ),
      };
    }),
  );
}

interface Spoken {
  readonly lines: readonly {text: string; label: string; modality: string}[];
  readonly vectors: Float32Array;
}

async function speak(
  encoder: Pick<PictureTextEncoder, "encodeText">,
  captions: PromptTable,
): Promise<Spoken> {
  const lines = Object.entries(captions).flatMap(([modality, labels]) =>
    Object.entries(labels).flatMap(([label, texts]) =>
      texts.map((text) => ({text, label: `${modality}/${label}`, modality})),
    ),
  );
  const texts = lines.map(({text}) => text);
  if (texts.length === 0) return {lines, vectors: new Float32Array()};
  const {vectors} = await encoder.encodeText(texts);
  checkVectors(vectors, texts, "sentence");
  return {lines, vectors};
}

function nearestSentences(
  {lines}: Spoken,
  own: AnnotatedPicture,
  count: number,
  similarityOf: (row: number) => number,
): NeighbourSentence[] {
  const seen = new Set<string>();
  const rows = lines.map((_, row) => row);
  return nearest(rows, rows.length, similarityOf)
    .filter(({item: row}) => {
      // Of each label the nearest sentence only: all ten templates of one would fill the list.
      const {label} = lines[row]!;
      return seen.has(label) ? false : seen.add(label);
    })
    .slice(0, count)
    .map(({item: row, similarity}) => {
      const {text, label, modality} = lines[row]!;
      return {text, label, similarity, verdict: fitOf(own, label, modality)};
    });
}

function nearest(
  items: readonly number[],
  count: number,
  similarityOf: (item: number) => number,
): {item: number; similarity: number}[] {
  return items
    .map((item) => ({item, similarity: similarityOf(item)}))
    .sort((a, b) => b.similarity - a.similarity || a.item - b.item)
    .slice(0, count);
}

/** Places of the queries: shuffled, in turn from each modality. */
function drawQueries(items: readonly AnnotatedPicture[], count: number, seed: number | string): number[] {
  const byModality = new Map<string, number[]>();
  const places = createRandom(seed)
    .fork("neighbours")
    .shuffle(items.map((_, place) => place));
  for (const place of places) {
    const modality = modalityOf(items[place]!);
    byModality.set(modality, [...(byModality.get(modality) ?? []), place]);
  }
  const pools = [...byModality].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pool]) => pool);
  const longest = Math.max(0, ...pools.map(({length}) => length));
  const inTurn = Array.from({length: longest}, (_, turn) =>
    pools.flatMap((pool) => pool.slice(turn, turn + 1)),
  ).flat();
  return inTurn.slice(0, count);
}

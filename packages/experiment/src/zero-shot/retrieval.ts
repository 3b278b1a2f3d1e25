import {bestRank, chanceRecallAtK, recallAtK} from "@claps/metrics";
import type {Relevance} from "@claps/metrics";
import {captionLabelOf, modalityOf, stateOf} from "./evaluation-item.js";
import type {AnnotatedPicture} from "./evaluation-item.js";
import {jsonNumber} from "./json-number.js";

/** Recall at one, five and ten; null is what is not defined. */
export type RecallFigures = Readonly<Record<"at1" | "at5" | "at10", number | null>>;

/** Retrieval in one direction. */
export interface RetrievalFigure {
  readonly recall: RecallFigures;
  /** The same for answers in random order. */
  readonly chance: RecallFigures;
  /** Queries that have a right answer; only they count. */
  readonly queries: number;
}

/** Retrieval in both directions, by label and by pair. */
export interface RetrievalFigures {
  /** A sentence is right if it speaks of a label that the picture has. */
  readonly pictureToCaption: RetrievalFigure;
  /** A picture is right if it has the label that the sentence speaks of. */
  readonly captionToPicture: RetrievalFigure;
  /** Only the picture's own sentence is right. */
  readonly strictPictureToCaption: RetrievalFigure;
  /** Only the sentence's own picture is right. */
  readonly strictCaptionToPicture: RetrievalFigure;
  /** Pictures with a sentence. */
  readonly pairs: number;
  /** Different sentences: where there are fewer than pairs, strict recall cannot reach 1, since ties count against it. */
  readonly sentences: number;
}

/** Pictures with a sentence, and how near they are. */
export interface RetrievalProblem {
  readonly items: readonly AnnotatedPicture[];
  /** For each picture the row of its sentence. */
  readonly sentenceOf: readonly number[];
  /** Cosines [pictures × sentences]. */
  readonly cosines: Float32Array;
}

const DEPTHS = {at1: 1, at5: 5, at10: 10} as const;

/** Whether a sentence about a label fits a picture: what is unlabelled in it cannot be judged. */
export function fitOf(picture: AnnotatedPicture, label: string, modality: string): Relevance {
  if (modalityOf(picture) !== modality) return "wrong";
  const state = stateOf(picture, label);
  return state === "unlabelled" ? "unknown" : state === "positive" ? "right" : "wrong";
}

/** What each sentence is to each picture; a sentence that speaks of no label can be judged by its own picture alone. */
function relevanceTable(items: readonly AnnotatedPicture[]): (picture: number, pair: number) => Relevance {
  const kinds = items.map((item) => `${modalityOf(item)} ${captionLabelOf(item) ?? ""}`);
  const rows = new Map<string, readonly Relevance[]>();
  items.forEach((item, pair) => {
    const [label, modality] = [captionLabelOf(item), modalityOf(item)];
    const kind = kinds[pair] as string;
    if (rows.has(kind)) return;
    rows.set(
      kind,
      items.map((picture) => (label === undefined ? "unknown" : fitOf(picture, label, modality))),
    );
  });
  return (picture, pair) =>
    picture === pair ? "right" : (rows.get(kinds[pair] as string)?.[picture] as Relevance);
}

/**
 * Recall of sentences by pictures and of pictures by sentences.
 *
 * @param problem - Pictures, sentences and cosines.
 * @returns Both directions, by label and by pair, with the recall of a random order beside.
 */
export function retrievalFigures({items, sentenceOf, cosines}: RetrievalProblem): RetrievalFigures {
  const sentences = items.length === 0 ? 0 : cosines.length / items.length;
  const cosine = (picture: number, pair: number): number =>
    cosines[picture * sentences + (sentenceOf[pair] as number)] as number;
  const pairs = items.map((_, pair) => pair);
  const byLabel = relevanceTable(items);
  const strict = (query: number, answer: number): Relevance => (query === answer ? "right" : "wrong");
  const picturesAsk = (relevance: (picture: number, pair: number) => Relevance): RetrievalFigure =>
    figureOf(pairs, (picture, pair) => cosine(picture, pair), relevance);
  const captionsAsk = (relevance: (pair: number, picture: number) => Relevance): RetrievalFigure =>
    figureOf(pairs, (pair, picture) => cosine(picture, pair), relevance);
  return {
    pictureToCaption: picturesAsk(byLabel),
    captionToPicture: captionsAsk((pair, picture) => byLabel(picture, pair)),
    strictPictureToCaption: picturesAsk(strict),
    strictCaptionToPicture: captionsAsk(strict),
    pairs: items.length,
    sentences,
  };
}

function figureOf(
  pairs: readonly number[],
  score: (query: number, answer: number) => number,
  relevance: (query: number, answer: number) => Relevance,
): RetrievalFigure {
  const scores = new Float32Array(pairs.length);
  const chances = {at1: [] as number[], at5: [] as number[], at10: [] as number[]};
  const ranks = pairs.map((query) => {
    let [right, judged] = [0, 0];
    for (const answer of pairs) {
      scores[answer] = score(query, answer);
      const kind = relevance(query, answer);
      if (kind === "right") right++;
      if (kind !== "unknown") judged++;
    }
    if (right > 0) {
      for (const depth of ["at1", "at5", "at10"] as const)
        chances[depth].push(chanceRecallAtK(right, judged, DEPTHS[depth]));
    }
    return bestRank(scores, (answer) => relevance(query, answer));
  });
  const each = (value: (depth: keyof typeof DEPTHS) => number): RecallFigures => ({
    at1: jsonNumber(value("at1")),
    at5: jsonNumber(value("at5")),
    at10: jsonNumber(value("at10")),
  });
  return {
    recall: each((depth) => recallAtK(ranks, DEPTHS[depth])),
    chance: each((depth) => chances[depth].reduce((sum, value) => sum + value, 0) / chances[depth].length),
    queries: chances.at1.length,
  };
}

import {ConfigError} from "@claps/core";
import type {Clip} from "@claps/clip";
import type {Captions, Finding, LabelledPicture} from "@claps/data";
import {RESEARCH_NOTICE} from "@claps/method";
import {writeNeighbourPage} from "@claps/report";
import {embedItems} from "../zero-shot/embed-items.js";
import type {EmbeddedPictures} from "../zero-shot/embed-items.js";
import {evaluateClip, evaluateEmbedded} from "../zero-shot/evaluate-clip.js";
import type {ZeroShotEvaluation} from "../zero-shot/evaluate-clip.js";
import {nearestNeighbours} from "../zero-shot/nearest-neighbours.js";
import type {PretrainingDefinition} from "./define-pretraining.js";
import {evaluationItems} from "./evaluation-items.js";
import type {PretrainingPictures} from "./open-sources.js";

/** What is trained and scored, on what. */
export interface PretrainingTask {
  readonly clip: Clip;
  readonly definition: PretrainingDefinition;
  readonly pictures: PretrainingPictures;
  readonly findings: readonly Finding[];
  readonly captions: Captions;
  readonly seed: string;
}

/** Figures that need no threshold, so that none has to be chosen on the pictures that it is judged on. */
export async function validationFigures(task: PretrainingTask): Promise<Record<string, number>> {
  const {clip, definition, pictures, captions, seed} = task;
  if (pictures.validation.length === 0) {
    throw new ConfigError(
      "evaluate.every: expected validation pictures to choose weights by, got none; set validation or holdOut of a source.",
    );
  }
  const {modality, macro, retrieval} = await evaluateClip(clip, {
    items: evaluationItems(pictures.validation, {captions, seed: `${seed}/validation`}),
    captions,
    ...(definition.evaluate.rule === undefined ? {} : {rule: definition.evaluate.rule}),
  });
  return {
    modality: modality.accuracy ?? NaN,
    findings: macro.areaUnderRoc ?? NaN,
    retrieval: retrieval.pictureToCaption.recall.at1 ?? NaN,
  };
}

/** Pictures of one kind with their vectors. */
function embed(
  pictures: readonly LabelledPicture[],
  {clip, captions}: PretrainingTask,
  how: {readonly seed: string; readonly disguised?: boolean},
): Promise<EmbeddedPictures> {
  return embedItems(clip, evaluationItems(pictures, {captions, ...how}));
}

/** Scored pictures: vectors and figures. */
export interface ScoredTest {
  readonly embedded: EmbeddedPictures;
  readonly evaluation: ZeroShotEvaluation;
  /** The same figures for the pictures with their colours changed. */
  readonly evaluateDisguised: () => Promise<ZeroShotEvaluation>;
}

/** Figures of the scored pictures; thresholds are chosen on validation pictures as they are, also for disguised ones. */
export async function scorePictures(task: PretrainingTask): Promise<ScoredTest> {
  const {clip, captions, seed, definition, pictures} = task;
  const {rule} = definition.evaluate;
  const options = {captions, ...(rule === undefined ? {} : {rule})};
  const chosen =
    pictures.validation.length === 0
      ? undefined
      : await embed(pictures.validation, task, {seed: `${seed}/validation`});
  const embedded = await embed(pictures.test, task, {seed});
  return {
    embedded,
    evaluation: await evaluateEmbedded(clip, embedded, chosen, options),
    evaluateDisguised: async () => {
      const disguised = await embed(pictures.test, task, {seed, disguised: true});
      return evaluateEmbedded(clip, disguised, chosen, options);
    },
  };
}

/** The page of nearest pictures and sentences, with the confusion tables. */
export async function writeNeighbours(
  {clip, definition, pictures, captions, seed}: PretrainingTask,
  {embedded, evaluation}: ScoredTest,
  folder: string,
): Promise<void> {
  const queries = await nearestNeighbours(clip, {
    pictures: embedded,
    imageAt: (place) => (pictures.test[place] as LabelledPicture).image,
    captions,
    seed,
  });
  const single = Object.entries(evaluation.single).filter(([, {n}]) => n > 0);
  await writeNeighbourPage(
    {
      title: `${definition.name}: neighbours`,
      notice: RESEARCH_NOTICE,
      lead: [
        `${queries.length} of ${pictures.test.length} scored pictures, drawn by seed, and what lies nearest.`,
      ],
      queries,
      confusions: [
        ["Modality", evaluation.modality.confusion],
        ...single.map(([id, {confusion}]) => [`${id}, pictures with one finding`, confusion] as const),
      ],
    },
    folder,
  );
}

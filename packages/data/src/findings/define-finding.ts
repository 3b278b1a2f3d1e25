import {ConfigError} from "@claps/core";
import type {Mask, Size} from "@claps/image";
import type {Modality} from "@claps/modalities";
import type {LabelState} from "../case.js";

/**
 * One labelled picture as the rule of a finding sees it; geometry only, no pixels of the picture.
 *
 * Units: px of the picture.
 */
export interface FindingView extends Size {
  /** The visible part: the field of view, or the whole picture where there is none. */
  readonly field: Mask;
  /** Px of the visible part. */
  readonly fieldArea: number;
  /** Whether a target is there: one of those that the finding needs. */
  has(targetId: string): boolean;
  /** The mask of a target that the finding needs; empty if it is not there. */
  maskOf(targetId: string): Mask;
  /** Px inside the mask of a target that the finding needs. */
  areaOf(targetId: string): number;
}

/** Something that a sentence can say about a whole picture of one modality. */
export interface Finding {
  /** Name in files, unique in its modality, for example `extensive-haemorrhage`. */
  readonly id: string;
  /** Name that is unique everywhere: modality, slash, id. */
  readonly label: string;
  readonly modality: Modality;
  /** What it is called in print; the first phrase. */
  readonly name: string;
  /** Ways to say it; captions are made from them. */
  readonly phrases: readonly string[];
  /** Ids of the targets whose masks the rule reads; unlabelled targets leave the finding unlabelled. */
  readonly needs: readonly string[];
  /** The finding that it becomes when left and right, or top and bottom, are swapped; left out means itself. */
  readonly mirrored?: {readonly horizontal?: string; readonly vertical?: string};
  /** Reads the finding off the masks; absent if only lists of labels can tell. */
  readonly rule?: FindingTest;
}

/** Whether a finding is there; `undefined` means that this picture cannot tell. */
export type FindingTest = (view: FindingView) => boolean | undefined;

/** What the author of a finding writes. */
export interface FindingOptions {
  /** Lower case words joined by hyphens. */
  readonly id: string;
  readonly modality: Modality;
  /** The first phrase is its name; at least three different ones. */
  readonly phrases: readonly string[];
  /** Ids of the targets whose masks the rule reads; default none. */
  readonly needs?: readonly string[];
  /** Ids of the findings that it becomes in a mirror; left out means that a mirror changes nothing. */
  readonly mirrored?: {readonly horizontal?: string; readonly vertical?: string};
  /** Left out means that only a list of pictures can say it. */
  readonly rule?: FindingTest;
}

/** Label states of findings by their labels, for example `cfp/haemorrhage`. */
export type FindingStates = ReadonlyMap<string, LabelState>;

const MIN_PHRASES = 3;

/**
 * Makes a finding; a new modality declares its own in one file of such calls.
 *
 * @param options - Words, the targets that it is read from, and how.
 * @returns The finding, frozen.
 * @throws ConfigError if the id is no plain name, phrases are too few or alike, or a needed target is unknown.
 * @example
 * ```ts
 * export const glaucoma = defineFinding({
 *   id: "glaucoma",
 *   modality: cfp,
 *   phrases: ["glaucoma", "glaucomatous optic neuropathy", "signs of glaucoma"],
 * });
 * ```
 */
export function defineFinding(options: FindingOptions): Finding {
  const {id, modality, phrases, needs = [], mirrored, rule} = options;
  const where = `Finding "${modality.id}/${id}"`;
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id)) {
    throw new ConfigError(`${where}: expected an id of lower case words joined by hyphens, got "${id}".`);
  }
  const [name] = phrases;
  const different = new Set(phrases.map((phrase) => phrase.trim().toLowerCase()));
  if (name === undefined || different.size < MIN_PHRASES || different.size < phrases.length) {
    throw new ConfigError(
      `${where}: expected at least ${MIN_PHRASES} different phrases, got ${phrases.length}, ${different.size} of them different.`,
    );
  }
  if (different.has(""))
    throw new ConfigError(`${where}: expected phrases with words in them, got an empty one.`);
  const known = modality.targets.map((target) => target.id);
  const unknown = needs.filter((target) => !known.includes(target));
  if (unknown.length > 0) {
    throw new ConfigError(
      `${where}: expected ids of targets, got ${unknown.join(", ")}; known: ${known.join(", ")}.`,
    );
  }
  return Object.freeze({
    id,
    label: `${modality.id}/${id}`,
    modality,
    name,
    phrases,
    needs,
    ...(mirrored === undefined ? {} : {mirrored}),
    ...(rule === undefined ? {} : {rule}),
  });
}

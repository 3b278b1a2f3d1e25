import {ConfigError, unknownNameMessage} from "@claps/core";
import {cfp} from "./cfp.js";
import type {Modality} from "./modality.js";
import {oct} from "./oct.js";
import type {Target} from "./target.js";
import {termKey} from "./term-key.js";

/** The modalities of the library, in the order of tables. */
export const modalities: readonly Modality[] = Object.freeze([cfp, oct]);

/**
 * The modality of a name, for commands and files; programs import the value instead.
 *
 * @param text - Id, full name or signature, any case.
 * @param known - Where to look; default those of the library.
 * @throws ConfigError with code `unknown-modality` naming the known ones and the nearest.
 * @example
 * ```ts
 * findModality("OCT").signature; // "OCT B-scan"
 * ```
 */
export function findModality(text: string, known: readonly Modality[] = modalities): Modality {
  const key = termKey(text);
  const found = known.find(({id, name, signature}) =>
    [id, name, signature].some((word) => termKey(word) === key),
  );
  if (found === undefined) {
    const ids = known.map(({id}) => id);
    throw new ConfigError(unknownNameMessage("modality", text, ids), {code: "unknown-modality"});
  }
  return found;
}

/** A target together with the modality that can show it. */
export interface PlacedTarget {
  readonly modality: Modality;
  readonly target: Target;
}

/**
 * Whether a modality can show a target: the validity table of prompts.
 *
 * @param modality - The modality of the picture.
 * @param targetId - Id of the target.
 * @example
 * ```ts
 * accepts(oct, "hard-exudate"); // false: a prompt for it must find nothing
 * ```
 */
export function accepts(modality: Modality, targetId: string): boolean {
  return modality.targets.some(({id}) => id === targetId);
}

/**
 * Targets that a picture of a modality can never show, for negative prompts in training.
 *
 * @param modality - The modality of the picture.
 * @param known - Whose targets to go through; default those of the library.
 * @returns The targets of all other modalities that this one lacks.
 */
export function foreignTargets(modality: Modality, known: readonly Modality[] = modalities): PlacedTarget[] {
  return known
    .filter((other) => other.id !== modality.id)
    .flatMap((other) => other.targets.map((target) => ({modality: other, target})))
    .filter(({target}) => !accepts(modality, target.id));
}

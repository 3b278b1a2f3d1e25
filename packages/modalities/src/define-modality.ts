import {ConfigError, nearestName} from "@claps/core";
import type {Image} from "@claps/image";
import type {Augmentations, Modality} from "./modality.js";
import type {Target} from "./target.js";
import {termKey} from "./term-key.js";

/** What the author of a modality writes. */
export interface ModalityDefinition {
  /** Name in commands and records; equal to the file's name. */
  id: string;
  /** Full name. */
  name: string;
  /** Words put before every phrase, unique to the modality. */
  signature: string;
  /** What the channels mean. */
  channels: string;
  /** Pixels as models expect them: float RGB in 0..1 of the same size. */
  prepare: (image: Image) => Image;
  /** Everything that can be asked of it. */
  targets: readonly Target[];
  /** Usual size of a pixel, µm; left out where it varies too much to assume. */
  spacing?: {y: number; x: number};
  /** What training may vary. */
  augmentations: Augmentations;
}

const MIN_PHRASES = 6;

function namesOf(target: Target): string[] {
  return [target.id, target.code, target.name, ...target.phrases, ...target.synonyms];
}

function indexTargets(definition: ModalityDefinition): Map<string, Target> {
  const index = new Map<string, Target>();
  for (const target of definition.targets) {
    const where = `Modality "${definition.id}", target "${target.id}"`;
    if (target.phrases[0] !== target.name || new Set(target.phrases).size < MIN_PHRASES) {
      throw new ConfigError(
        `${where}: expected at least ${MIN_PHRASES} different phrases, the first of them "${target.name}", got ${target.phrases.length}.`,
      );
    }
    for (const name of namesOf(target)) {
      const key = termKey(name);
      const owner = index.get(key) ?? target;
      if (key === "" || owner !== target) {
        throw new ConfigError(
          `${where}: "${name}" is empty or already means "${owner.id}"; each name may mean one target.`,
        );
      }
      index.set(key, target);
    }
  }
  return index;
}

function withoutSignature(text: string, signature: string): string {
  const trimmed = text.trim();
  const start = `${signature}:`;
  return trimmed.toLowerCase().startsWith(start.toLowerCase()) ? trimmed.slice(start.length) : trimmed;
}

/**
 * Makes an imaging modality; a new one is one file with this call as its default export.
 *
 * @param definition - Words, pixels, targets.
 * @returns The modality, frozen.
 * @throws ConfigError if a target has too few phrases or a name could mean two targets.
 * @example
 * ```ts
 * export default defineModality({id: "slo", name: "scanning laser ophthalmoscopy", signature: "SLO image", ...});
 * ```
 */
export function defineModality(definition: ModalityDefinition): Modality {
  const index = indexTargets(definition);
  const {id, name, signature, channels, targets, spacing, augmentations, prepare} = definition;
  return Object.freeze({
    id,
    name,
    signature,
    channels,
    targets,
    augmentations,
    ...(spacing === undefined ? {} : {spacing}),
    prepare,
    target: (text: string): Target => {
      const wanted = withoutSignature(text, signature);
      const found = index.get(termKey(wanted));
      if (found !== undefined) return found;
      const nearest = nearestName(wanted, targets.flatMap(namesOf));
      const guess = nearest === undefined ? "." : `: did you mean "${nearest}"?`;
      const known = targets.map((target) => `${target.name} (${target.code})`).join(", ");
      throw new ConfigError(`Unknown target "${text}" of ${name}${guess} Known: ${known}.`, {
        code: "unknown-target",
      });
    },
    prompt: (target: Target, phrase: string = target.name): string => {
      if (!targets.includes(target)) {
        throw new ConfigError(
          `Expected a target of ${name}, got "${target.id}"; known: ${targets.map((item) => item.id).join(", ")}.`,
          {code: "unknown-target"},
        );
      }
      return `${signature}: ${phrase.trim()}`;
    },
  });
}

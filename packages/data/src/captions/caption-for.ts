import {ConfigError, createRandom, unknownNameMessage} from "@claps/core";
import type {Captions} from "./captions.js";

/** Which of the sentences is drawn. */
export interface CaptionDraw {
  readonly seed: string | number;
  /** Pass through the data, or step. */
  readonly epoch: number;
  /** Place of the picture in that pass. */
  readonly index: number;
}

/**
 * One of the sentences of a finding; the same draw gives the same sentence.
 *
 * @param captions - All sentences.
 * @param label - Label of the finding, for example `cfp/haemorrhage`.
 * @param draw - Seed, epoch and index; nothing else decides.
 * @throws ConfigError if there are no sentences for the label.
 * @example
 * ```ts
 * captionFor(captions, "cfp/haemorrhage", {seed: 1, epoch: 0, index: 12});
 * ```
 */
export function captionFor(captions: Captions, label: string, {seed, epoch, index}: CaptionDraw): string {
  return createRandom(seed).fork("caption").fork(epoch).fork(index).choice(captionsOf(captions, label));
}

/**
 * All sentences of a finding, in the order of the file.
 *
 * @throws ConfigError if there are none for the label.
 */
export function captionsOf(captions: Captions, label: string): readonly string[] {
  const [modality = "", ...rest] = label.split("/");
  const own = Object.hasOwn(captions, modality) ? captions[modality] : undefined;
  const id = rest.join("/");
  const templates = own !== undefined && Object.hasOwn(own, id) ? own[id] : undefined;
  if (templates === undefined) {
    const known = Object.entries(captions).flatMap(([name, labels]) =>
      Object.keys(labels).map((key) => `${name}/${key}`),
    );
    throw new ConfigError(`Captions: ${unknownNameMessage("label", label, known)}`, {code: "captions"});
  }
  return templates;
}

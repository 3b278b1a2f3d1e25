import type {Finding} from "../findings/define-finding.js";

/**
 * Sentences to train with: modality id → finding id → templates, ten by default.
 *
 * Plain JSON, so that a file of them can be edited by hand.
 */
export type Captions = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Options of {@link defaultCaptions}. */
export interface DefaultCaptionsOptions {
  /**
   * Whether each sentence names the modality's signature; default true. `false` is the ablation in which the same
   * sentences say "picture" instead.
   */
  readonly signature?: boolean;
}

/** Ten frames; none puts an article before the signature, since "a" fits one and "an" another. */
const FRAMES: readonly ((kind: string, phrase: string) => string)[] = [
  (kind, phrase) => `${kind}: ${phrase}`,
  (kind, phrase) => `${phrase}, ${kind}`,
  (kind, phrase) => `this ${kind} shows ${phrase}`,
  (kind, phrase) => `${kind} with ${phrase}`,
  (kind, phrase) => `${phrase} in this ${kind}`,
  (kind, phrase) => `${kind} showing ${phrase}`,
  (kind, phrase) => `finding on ${kind}: ${phrase}`,
  (kind, phrase) => `${phrase} is seen on this ${kind}`,
  (kind, phrase) => `${kind}, finding: ${phrase}`,
  (kind, phrase) => `one ${kind} that shows ${phrase}`,
];

/** What the sentences say instead of the signature in the ablation. */
const NO_SIGNATURE = "picture";

/**
 * Ten sentences for each finding, made of ten frames, the finding's phrases in turn, and the signature.
 *
 * @param findings - What the sentences are about, of any modality.
 * @returns One entry per modality and finding.
 * @example
 * ```ts
 * defaultCaptions(findings).cfp.haemorrhage[0]; // "fundus photograph: haemorrhage"
 * ```
 *
 * Source: the paper turns class labels into sentences with ten templates each; it does not print them. Frames
 * and words are our reading.
 */
export function defaultCaptions(
  findings: readonly Finding[],
  {signature = true}: DefaultCaptionsOptions = {},
): Captions {
  const captions: Record<string, Record<string, string[]>> = {};
  for (const {id, modality, phrases} of findings) {
    const kind = signature ? modality.signature : NO_SIGNATURE;
    const ofModality = (captions[modality.id] ??= {});
    ofModality[id] = FRAMES.map((frame, index) => frame(kind, phrases[index % phrases.length] as string));
  }
  return captions;
}

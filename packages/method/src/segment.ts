import {ConfigError, currentEngine} from "@claps/core";
import {createMask} from "@claps/image";
import type {Box, Image, Size} from "@claps/image";
import type {Modality, Target} from "@claps/modalities";
import type {Claps} from "./model.js";
import {predictLogits} from "./predict-logits.js";
import type {PhrasePrompt, PromptLogits} from "./predict-logits.js";
import {RESEARCH_NOTICE} from "./segmentation.js";
import type {Segmentation, TargetSegmentation, Verdict} from "./segmentation.js";

/** One thing to look for: a name or phrase, a target, or a target with the text that the model is to read. */
export type TargetRequest = string | Target | {readonly target: Target; readonly phrase: string};

/** What to look for in a picture, and how the picture was taken. */
export interface SegmentRequest {
  /** How the picture was taken; it is never guessed. */
  readonly modality: Modality;
  /** What to look for. */
  readonly targets: readonly TargetRequest[];
  /** Boxes in source px, asked for every target; left out means the whole picture. */
  readonly boxes?: readonly Box[];
  /** Whether the picture is already what `modality.prepare` gives; default false. */
  readonly isPrepared?: boolean;
}

/** A request's target with the text and the boxes that the model is given. */
interface ResolvedTarget {
  readonly target: Target;
  readonly phrase: string;
  readonly boxes: readonly Box[];
}

/**
 * Finds the masks of phrases in one picture.
 *
 * Reads from top to bottom as the method does: prepare the picture, put the modality's signature before the
 * phrases, give boxes, let SAM answer phrase and box, make one mask per target.
 *
 * Units: boxes and masks in source px; scores are predicted IoU in 0..1.
 *
 * @param claps - The model.
 * @param image - Picture as read from the file.
 * @param request - Modality, targets and boxes.
 * @returns A record of fixed shape, also when nothing is found; nothing to dispose.
 * @throws ConfigError if a target is unknown to the modality, none is asked, or boxes are given that are none or
 *   not inside the picture.
 * @example
 * ```ts
 * const result = await segment(claps, await readImage("eye.png"), {modality: cfp, targets: ["optic disc"]});
 * ```
 *
 * Source: CLAPS (arXiv 2509.08618); how text guides the decoder is our reading.
 */
export async function segment(claps: Claps, image: Image, request: SegmentRequest): Promise<Segmentation> {
  const start = performance.now();
  const {modality} = request;
  const prepared = request.isPrepared === true ? image : modality.prepare(image);
  const targets = resolveTargets(claps, image, request);
  const prompts = targets.flatMap(({phrase, boxes}) =>
    boxes.map((box): PhrasePrompt => ({text: phrase, box})),
  );
  const answers = await predictLogits(claps, prepared, prompts);
  let next = 0;
  const found = targets.map((resolved, index) => {
    const mine = answers.slice(next, (next += resolved.boxes.length));
    return composeTarget(claps, image, {resolved, index, answers: mine, given: request.boxes !== undefined});
  });
  return {
    image: {id: image.id, height: image.height, width: image.width},
    modality: modality.id,
    targets: found,
    engine: currentEngine().name,
    seconds: (performance.now() - start) / 1000,
    notice: RESEARCH_NOTICE,
  };
}

function resolveTargets(claps: Claps, image: Image, request: SegmentRequest): ResolvedTarget[] {
  const {modality, targets, boxes} = request;
  if (targets.length === 0) {
    const known = modality.targets.map(({name}) => name).join(", ");
    throw new ConfigError(`targets: expected at least one, got none. Known: ${known}.`, {code: "no-targets"});
  }
  if (boxes?.length === 0) {
    throw new ConfigError(
      "boxes: expected at least one, got none; leave them out to ask about the whole field.",
      {
        code: "box",
      },
    );
  }
  boxes?.forEach((box) => checkBox(box, image));
  const given = boxes ?? [[0, 0, image.width, image.height] as const];
  return targets.map((asked) => {
    if (typeof asked === "object" && "phrase" in asked) return {...asked, boxes: given};
    const target = typeof asked === "string" ? modality.target(asked) : asked;
    const phrase = claps.phraseFor(modality, target);
    return {target, phrase, boxes: given};
  });
}

function checkBox(box: Box, {height, width}: Size): void {
  const [x0, y0, x1, y1] = box;
  const valid = x0 >= 0 && y0 >= 0 && x1 <= width && y1 <= height && x0 < x1 && y0 < y1;
  if (!valid) {
    throw new ConfigError(
      `boxes: expected x0 < x1 and y0 < y1 inside the picture of ${width} x ${height} px, got [${box.join(", ")}].`,
      {code: "box"},
    );
  }
}

interface Composition {
  resolved: ResolvedTarget;
  index: number;
  answers: readonly PromptLogits[];
  given: boolean;
}

/** One mask per target: a pixel belongs to it if any of its boxes says so. */
function composeTarget(claps: Claps, {height, width}: Size, composition: Composition): TargetSegmentation {
  const {resolved, index, answers, given} = composition;
  const {threshold} = claps;
  const limit = Math.log(threshold / (1 - threshold));
  const data = new Uint8Array(height * width);
  for (const {logits} of answers) {
    for (let pixel = 0; pixel < data.length; pixel++) {
      if ((logits[pixel] ?? -Infinity) > limit) data[pixel] = 1;
    }
  }
  const area = data.reduce((sum, value) => sum + value, 0);
  const scores = answers.map(({score}) => Math.min(Math.max(score, 0), 1));
  return {
    index,
    target: resolved.target.id,
    phrase: resolved.phrase,
    mask: createMask({data, height, width}),
    boxes: resolved.boxes,
    boxSource: given ? "given" : "whole field",
    scores,
    verdict: verdictOf(area, Math.max(...scores)),
    area,
  };
}

function verdictOf(area: number, score: number): Verdict {
  if (area === 0) return "absent";
  return score >= 0.5 ? "present" : "unsure";
}

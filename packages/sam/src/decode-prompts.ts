import {checkShape, ConfigError} from "@claps/core";
import {createMask} from "@claps/image";
import type {Box, Frame, Mask} from "@claps/image";
import * as tf from "@tensorflow/tfjs-core";
import type {LazyCompiler} from "./lazy-compiler.js";
import type {DecodeTensorsInput, Sam, SamEmbedding} from "./model.js";
import type {PromptTensors} from "./prompt-encoder.js";

/** A position that belongs to the object or to its surroundings. */
export interface SamPoint {
  /** Column, source px. */
  readonly x: number;
  /** Row, source px. */
  readonly y: number;
  /** Whether it lies on the object; default true. */
  readonly inside?: boolean;
}

/** Prompts for one picture; every list that is given has one entry per prompt. */
export interface SamPrompts {
  /** One box per prompt, source px. */
  readonly boxes?: readonly Box[];
  /** Points of each prompt, at least one; prompts may have different numbers. */
  readonly points?: readonly (readonly SamPoint[])[];
  /** Text vectors [P, D] added to box corners and mask tokens. */
  readonly textAdditive?: tf.Tensor;
  /** Text tokens [P, T, D]. */
  readonly textTokens?: tf.Tensor;
  /** Whether several proposals per prompt are wanted; default false. */
  readonly multimask?: boolean;
}

/** One mask for one prompt. */
export interface MaskCandidate {
  /** Inside where the logit is positive, source px. */
  readonly mask: Mask;
  /** Logits at the source's size, row by row. */
  readonly logits: Float32Array;
  /** Predicted IoU; not limited to 0..1. */
  readonly score: number;
}

// Few sizes mean few graphs; the last bounds the memory of the enlarged pictures.
const CHUNK_SIZES = [1, 4, 16];

/** Text of some prompts with the batch axis of one image. */
interface TextRows {
  textAdditive?: tf.Tensor;
  textTokens?: tf.Tensor;
}

/**
 * Runs prompts against an encoded picture in chunks and brings the masks back to the source.
 *
 * Prompts with equal numbers of points go together, so that none is padded with points that others do not
 * have; chunks are filled up by repeating their last prompt.
 *
 * @param sam - The model.
 * @param embedding - The encoded picture.
 * @param prompts - What to ask.
 * @param compiler - Where compiled functions are kept.
 * @returns Candidates per prompt, best first.
 */
export async function decodePrompts(
  sam: Sam,
  embedding: SamEmbedding,
  prompts: SamPrompts,
  compiler: LazyCompiler,
): Promise<MaskCandidate[][]> {
  const count = countPrompts(prompts, sam.config.promptWidth);
  const results = new Array<MaskCandidate[]>(count);
  for (const group of groupByPoints(prompts, count)) {
    const largest = CHUNK_SIZES.at(-1) as number;
    for (let start = 0; start < group.length; start += largest) {
      const members = group.slice(start, start + largest);
      const size = CHUNK_SIZES.find((candidate) => candidate >= members.length) as number;
      const padded = Array.from(
        {length: size},
        (_, index) => members[Math.min(index, members.length - 1)] as number,
      );
      const prediction = tf.tidy(() => {
        const input = tensorsOf(prompts, padded, embedding.frame);
        const text = textOf(prompts, padded);
        return runChunk(
          sam,
          {
            embedding: embedding.tensor,
            detail: embedding.detail,
            prompts: input,
            ...text,
            multimask: prompts.multimask,
          },
          compiler,
        );
      });
      const candidates = await readCandidates(prediction, embedding.frame, members.length);
      members.forEach((prompt, index) => (results[prompt] = candidates[index] as MaskCandidate[]));
    }
  }
  return results;
}

function countPrompts({boxes, points, textAdditive, textTokens}: SamPrompts, width: number): number {
  const count = boxes?.length ?? points?.length;
  if (count === undefined) {
    throw new ConfigError("decode: expected boxes or points, got neither.");
  }
  if (boxes !== undefined && points !== undefined && boxes.length !== points.length) {
    throw new ConfigError(
      `decode: expected as many lists of points as boxes, got ${points.length} and ${boxes.length}.`,
    );
  }
  if (points?.some((list) => list.length === 0)) {
    throw new ConfigError("decode: expected at least one point per prompt, got an empty list.");
  }
  if (textAdditive !== undefined) {
    checkShape(textAdditive.shape, [count, width], "textAdditive [P, D]");
  }
  if (textTokens !== undefined) {
    checkShape(textTokens.shape, [count, null, width], "textTokens [P, T, D]");
  }
  return count;
}

function groupByPoints({points}: SamPrompts, count: number): number[][] {
  const groups = new Map<number, number[]>();
  for (let prompt = 0; prompt < count; prompt++) {
    const length = points?.[prompt]?.length ?? 0;
    groups.set(length, [...(groups.get(length) ?? []), prompt]);
  }
  return [...groups.values()];
}

function tensorsOf({boxes, points}: SamPrompts, chosen: readonly number[], frame: Frame): PromptTensors {
  const tensors: PromptTensors = {};
  if (boxes !== undefined) {
    const corners = chosen.flatMap((prompt) => [...frame.boxToModel(boxes[prompt] as Box)]);
    tensors.boxes = tf.tensor3d(corners, [1, chosen.length, 4]);
  }
  if (points !== undefined) {
    const lists = chosen.map((prompt) => points[prompt] as readonly SamPoint[]);
    const count = lists[0]?.length as number;
    const positions = lists.flatMap((list) =>
      list.flatMap((point) => {
        const {x, y} = frame.pointToModel(point);
        return [x, y];
      }),
    );
    const labels = lists.flatMap((list) => list.map(({inside = true}) => (inside ? 1 : 0)));
    tensors.points = tf.tensor4d(positions, [1, lists.length, count, 2]);
    tensors.labels = tf.tensor3d(labels, [1, lists.length, count], "int32");
  }
  return tensors;
}

function textOf({textAdditive, textTokens}: SamPrompts, chosen: readonly number[]): TextRows {
  const rows = tf.tensor1d([...chosen], "int32");
  const pick = (x: tf.Tensor | undefined): tf.Tensor | undefined =>
    x === undefined ? undefined : tf.expandDims(tf.gather(x, rows), 0);
  return {textAdditive: pick(textAdditive), textTokens: pick(textTokens)};
}

/** Runs the decoder as a compiled function, whose arguments can only be a plain list of tensors. */
function runChunk(
  sam: Sam,
  input: DecodeTensorsInput,
  compiler: LazyCompiler,
): {logits: tf.Tensor; iou: tf.Tensor} {
  const {embedding, detail, prompts, textAdditive, textTokens, multimask = false} = input;
  const given = Object.entries({...prompts, textAdditive, textTokens, detail}).filter(
    (entry): entry is [string, tf.Tensor] => entry[1] !== undefined,
  );
  const names = given.map(([name]) => name);
  const run = compiler.get(["decode", String(multimask), ...names].join(), (image, ...tensors) => {
    const named = Object.fromEntries(names.map((name, index) => [name, tensors[index]]));
    const {textAdditive: added, textTokens: tokens, detail: fine, ...rest} = named;
    const prediction = sam.decodeTensors({
      embedding: image,
      prompts: rest,
      textAdditive: added,
      textTokens: tokens,
      detail: fine,
      multimask,
    });
    return {logits: prediction.logits, iou: prediction.iou};
  });
  return run(embedding, ...given.map(([, tensor]) => tensor));
}

async function readCandidates(
  {logits, iou}: {logits: tf.Tensor; iou: tf.Tensor},
  frame: Frame,
  count: number,
): Promise<MaskCandidate[][]> {
  const [, , masks, height, width] = logits.shape as [number, number, number, number, number];
  const [fields, scores] = await Promise.all([logits.data<"float32">(), iou.data<"float32">()]);
  tf.dispose([logits, iou]);
  const area = height * width;
  return Array.from({length: count}, (_, prompt) =>
    Array.from({length: masks}, (__, index) => {
      const place = prompt * masks + index;
      const field = frame.fieldToSource(fields.slice(place * area, (place + 1) * area), {height, width});
      const inside = Uint8Array.from(field, (value) => (value > 0 ? 1 : 0));
      return {
        mask: createMask({data: inside, ...frame.source}),
        logits: field,
        score: scores[place] as number,
      };
    }).sort((a, b) => b.score - a.score),
  );
}

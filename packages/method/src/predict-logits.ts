import {crop, fitLongest, planTiles, resize, resizeField} from "@claps/image";
import type {Box, Image, Size} from "@claps/image";
import {normalizePixels} from "@claps/sam";
import * as tf from "@tensorflow/tfjs-core";
import type {Claps} from "./model.js";

/** A phrase and the box in which to look for it. */
export interface PhrasePrompt {
  /** Signature and phrase. */
  readonly text: string;
  /** Box in source px. */
  readonly box: Box;
}

/** What the model says of one prompt. */
export interface PromptLogits {
  /** Logits [H × W] of the source picture, row by row; -100 where the box was never shown. */
  readonly logits: Float32Array;
  /** Predicted IoU, 0..1; over tiles the mean of those in which something was found. */
  readonly score: number;
}

/** Logit of a pixel that no tile with the prompt's box covers: surely outside, and finite for resampling. */
const NEVER_SHOWN = -100;
/** Tiles per forward pass; more would only need more memory. */
const TILES_PER_CALL = 4;
/** Numbers of prompts that get a graph of their own; others are padded to the next one. */
const PROMPT_BUCKETS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

/**
 * Mask logits of every prompt at the size of the source picture.
 *
 * @param claps - The model; its view decides whether the picture is shown whole or in tiles.
 * @param image - Prepared picture: float RGB 0..1, source px.
 * @param prompts - Phrases and boxes; more than 32 are asked in several rounds.
 * @returns One field per prompt, in their order.
 */
export async function predictLogits(
  claps: Claps,
  image: Image,
  prompts: readonly PhrasePrompt[],
): Promise<PromptLogits[]> {
  const largest = PROMPT_BUCKETS.at(-1) ?? 1;
  const results: PromptLogits[] = [];
  for (let start = 0; start < prompts.length; start += largest) {
    const some = prompts.slice(start, start + largest);
    const round = claps.config.view.kind === "whole" ? predictWhole : predictTiles;
    results.push(...(await round(claps, image, some)));
  }
  return results;
}

/** A picture of at most the model's size with the boxes to ask about, in model px. */
interface Shot {
  readonly image: Image;
  readonly boxes: readonly Box[];
}

interface ShotResult {
  /** [P × h × w] logits. */
  readonly logits: Float32Array;
  readonly iou: Float32Array;
  readonly size: Size;
}

async function predictWhole(
  claps: Claps,
  image: Image,
  prompts: readonly PhrasePrompt[],
): Promise<PromptLogits[]> {
  const {image: content, frame} = fitLongest(image, claps.config.sam.imageSize, {padding: "none"});
  const boxes = prompts.map(({box}) => frame.boxToModel(box));
  const texts = prompts.map(({text}) => text);
  const [result] = await predictShots(claps, [{image: content, boxes}], texts);
  const {logits, iou, size} = result as ShotResult;
  const area = size.height * size.width;
  return prompts.map((_, index) => ({
    logits: frame.fieldToSource(logits.subarray(index * area, (index + 1) * area), size),
    score: iou[index] ?? 0,
  }));
}

async function predictTiles(
  claps: Claps,
  image: Image,
  prompts: readonly PhrasePrompt[],
): Promise<PromptLogits[]> {
  const {sam, view} = claps.config;
  const side = sam.imageSize;
  const {scale, overlap} = view.kind === "tiles" ? view : {scale: 1, overlap: 0};
  const canvas = scale === 1 ? image : resize(image, scaledSize(image, scale));
  const ramp = rampOf(side, overlap);
  const area = canvas.height * canvas.width;
  const fields = prompts.map(() => ({sum: new Float32Array(area), weight: new Float32Array(area)}));
  const scores = prompts.map(() => ({sum: 0, count: 0}));
  const origins = planTiles(canvas, side, overlap);
  const square = {height: side, width: side};
  const texts = prompts.map(({text}) => text);
  for (let start = 0; start < origins.length; start += TILES_PER_CALL) {
    const some = origins.slice(start, start + TILES_PER_CALL);
    const shots = some.map((origin) => ({
      image: crop(canvas, tileBox(canvas, origin, side)),
      boxes: prompts.map(({box}) => clipToTile(box, scale, origin, side)),
    }));
    const results = await predictShots(claps, padded(shots, TILES_PER_CALL), texts);
    some.forEach((origin, tile) => {
      const {logits, iou, size} = results[tile] as ShotResult;
      const cells = size.height * size.width;
      shots[tile]?.boxes.forEach((box, index) => {
        // A tile that the box does not reach says nothing about it.
        if (isEmpty(box)) return;
        const small = logits.subarray(index * cells, (index + 1) * cells);
        const place = {canvas, origin, side, ramp};
        addTile(fields[index] as TileField, resizeField(small, size, square), place);
        if (small.some((value) => value > 0)) {
          const score = scores[index] as {sum: number; count: number};
          score.sum += iou[index] ?? 0;
          score.count++;
        }
      });
    });
  }
  return fields.map(({sum, weight}, index) => {
    const mean = sum.map((value, pixel) =>
      weight[pixel] === 0 ? NEVER_SHOWN : value / (weight[pixel] ?? 1),
    );
    const {sum: total, count} = scores[index] as {sum: number; count: number};
    return {logits: resizeField(mean, canvas, image), score: count === 0 ? 0 : total / count};
  });
}

/** Runs the model on squares of one size; prompts are padded to a bucket so that few graphs are needed. */
async function predictShots(
  claps: Claps,
  shots: readonly Shot[],
  texts: readonly string[],
): Promise<ShotResult[]> {
  const asked = texts.length;
  const bucket = PROMPT_BUCKETS.find((size) => size >= asked) ?? asked;
  const row = claps.encodePhrases(padded(texts, bucket));
  const ids = new Int32Array(row.length * shots.length);
  shots.forEach((_, index) => ids.set(row, index * row.length));
  const corners = Float32Array.from(shots.flatMap(({boxes}) => padded(boxes, bucket).flat()));
  const inputs = {
    pixels: normalizePixels(
      shots.map(({image}) => image),
      claps.config.sam,
    ),
    ids: tf.tensor3d(ids, [shots.length, bucket, row.length / bucket], "int32"),
    boxes: tf.tensor3d(corners, [shots.length, bucket, 4]),
  };
  const outputs = claps.predict(inputs);
  const [, , height, width] = outputs.logits.shape;
  const [logits, iou] = await Promise.all([outputs.logits.data(), outputs.iou.data()]);
  tf.dispose([...Object.values(inputs), outputs.logits, outputs.iou]);
  const area = height * width;
  return shots.map((_, index) => ({
    logits: (logits as Float32Array).subarray(index * bucket * area, (index * bucket + asked) * area),
    iou: (iou as Float32Array).subarray(index * bucket, index * bucket + asked),
    size: {height, width},
  }));
}

function padded<T>(items: readonly T[], length: number): T[] {
  const last = items.at(-1) as T;
  return Array.from({length: Math.max(length, items.length)}, (_, index) => items[index] ?? last);
}

function tileBox({height, width}: Size, {x, y}: {x: number; y: number}, side: number): Box {
  return [x, y, Math.min(x + side, width), Math.min(y + side, height)];
}

function scaledSize({height, width}: Size, scale: number): Size {
  return {height: Math.round(height * scale), width: Math.round(width * scale)};
}

/** The part of a source box inside a tile, in the tile's px; a box elsewhere shrinks to nothing at the edge. */
function clipToTile(box: Box, scale: number, origin: {x: number; y: number}, side: number): Box {
  const inside = (value: number, start: number): number => Math.min(Math.max(value * scale - start, 0), side);
  const [x0, y0, x1, y1] = box;
  return [inside(x0, origin.x), inside(y0, origin.y), inside(x1, origin.x), inside(y1, origin.y)];
}

/** Weights that fall off towards a tile's edges, so that no seam shows where tiles overlap. */
function rampOf(side: number, overlap: number): Float32Array {
  const width = Math.max(1, overlap / 2);
  return Float32Array.from({length: side}, (_, index) =>
    Math.min(1, (Math.min(index, side - 1 - index) + 0.5) / width),
  );
}

interface TilePlace {
  readonly canvas: Size;
  readonly origin: {readonly x: number; readonly y: number};
  readonly side: number;
  readonly ramp: Float32Array;
}

/** Weighted logits and weights of a picture that is put together from tiles. */
interface TileField {
  readonly sum: Float32Array;
  readonly weight: Float32Array;
}

function addTile(
  {sum, weight}: TileField,
  field: Float32Array,
  {canvas, origin, side, ramp}: TilePlace,
): void {
  for (let y = 0; y < Math.min(side, canvas.height - origin.y); y++) {
    for (let x = 0; x < Math.min(side, canvas.width - origin.x); x++) {
      const share = (ramp[y] ?? 1) * (ramp[x] ?? 1);
      const pixel = (y + origin.y) * canvas.width + x + origin.x;
      sum[pixel]! += share * (field[y * side + x] ?? 0);
      weight[pixel]! += share;
    }
  }
}

function isEmpty([x0, y0, x1, y1]: Box): boolean {
  return x0 >= x1 || y0 >= y1;
}

import {ConfigError} from "@claps/core";
import type {Box} from "./box.js";
import type {Mask} from "./mask.js";
import {labelRuns} from "./runs.js";

/** Options of {@link connectedComponents}. */
export interface ComponentOptions {
  /** 8 (default) connects pixels that touch at a corner, 4 only those that share an edge. */
  neighbours?: 4 | 8;
}

/** The connected parts of a mask. */
export interface Components {
  /** [H, W]: 0 outside, 1 to `count` inside. */
  labels: Int32Array;
  /** Number of parts. */
  count: number;
  /** Smallest box of each part; entry 0 belongs to label 1. */
  boxes: Box[];
  /** Area of each part, px. */
  areas: number[];
}

/**
 * The connected parts of a mask, numbered in the order of their first pixels, row by row.
 *
 * Ignored pixels count as outside. Time grows with the number of pixels alone.
 *
 * @throws ConfigError if `neighbours` is neither 4 nor 8.
 * @example
 * ```ts
 * const {count, boxes} = connectedComponents(exudates);
 * ```
 */
export function connectedComponents(mask: Mask, {neighbours = 8}: ComponentOptions = {}): Components {
  if (neighbours !== 4 && neighbours !== 8) {
    throw new ConfigError(`connectedComponents: expected 4 or 8 neighbours, got ${String(neighbours)}.`);
  }
  const {height, width} = mask;
  const {rows, starts, ends, components, count} = labelRuns(mask.pixels.data, mask, 1, neighbours === 8);
  const labels = new Int32Array(height * width);
  const areas = Array.from({length: count}, () => 0);
  const boxes = Array.from({length: count}, () => [width, height, 0, 0] as [number, number, number, number]);
  for (let run = 0; run < rows.length; run++) {
    const row = rows[run] as number;
    const start = starts[run] as number;
    const end = ends[run] as number;
    const component = components[run] as number;
    labels.fill(component + 1, row * width + start, row * width + end);
    areas[component] = (areas[component] as number) + end - start;
    const box = boxes[component] as [number, number, number, number];
    box[0] = Math.min(box[0], start);
    box[1] = Math.min(box[1], row);
    box[2] = Math.max(box[2], end);
    box[3] = Math.max(box[3], row + 1);
  }
  return {labels, count, boxes, areas};
}

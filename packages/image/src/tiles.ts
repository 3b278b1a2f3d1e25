import {ConfigError} from "@claps/core";
import type {Size} from "./image.js";

/** Where the top left corner of a tile lies, px. */
export interface TileOrigin {
  readonly y: number;
  readonly x: number;
}

/**
 * Squares that cover a picture with at least the overlap asked.
 *
 * @param size - Picture, px.
 * @param side - Side of a tile, px.
 * @param overlap - Smallest overlap of neighbours, px, less than the side.
 * @returns Top left corners, row by row; the last tile of a row ends at the picture's edge. A picture smaller
 *   than a tile gets one tile, which reaches beyond it.
 * @throws ConfigError if the overlap leaves no step.
 * @example
 * ```ts
 * planTiles({height: 100, width: 250}, 100, 20); // x = 0, 75, 150
 * ```
 */
export function planTiles(size: Size, side: number, overlap: number): TileOrigin[] {
  if (!(overlap >= 0 && overlap < side)) {
    throw new ConfigError(`overlap: expected 0 to less than the tile's side of ${side} px, got ${overlap}.`);
  }
  const starts = (length: number): number[] => {
    const steps = Math.max(0, Math.ceil((length - side) / (side - overlap)));
    return Array.from({length: steps + 1}, (_, index) =>
      steps === 0 ? 0 : Math.round((index * (length - side)) / steps),
    );
  };
  return starts(size.height).flatMap((y) => starts(size.width).map((x) => ({y, x})));
}

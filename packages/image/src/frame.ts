import {ShapeError} from "@claps/core";
import type {Box, Point} from "./box.js";
import type {Size} from "./image.js";
import {wrapMask} from "./mask.js";
import type {Mask} from "./mask.js";
import {resizeField} from "./resize-field.js";
import {resizeMask} from "./resize-mask.js";

/** What a {@link Frame} is made of. */
export interface FrameOptions {
  /** The picture as it came. */
  source: Size;
  /** The whole canvas that a model sees. */
  model: Size;
  /** The part of the canvas that the picture fills; the rest is padding. */
  content: Size;
  /** Where that part begins; default the upper left corner. Negative where a crop cuts the picture's edge off. */
  offset?: {y: number; x: number};
  /** Whether the canvas is a crop, so that the picture may reach beyond it; default false. */
  cropped?: boolean;
}

/** Which rows (or columns) of the content lie on the canvas: `from` of the content goes to `to`, `count` of them. */
interface Overlap {
  from: number;
  to: number;
  count: number;
}

function overlapOf(content: number, offset: number, canvas: number): Overlap {
  const from = Math.max(0, -offset);
  return {from, to: from + offset, count: Math.min(content, canvas - offset) - from};
}

/**
 * How source px and model px of one picture belong together.
 *
 * Only a frame converts between the two; everything else says in which of them it is.
 *
 * @example
 * ```ts
 * const {image, frame} = fitLongest(photograph, 1024);
 * frame.boxToSource(frame.boxToModel([10, 12, 90, 80])); // [10, 12, 90, 80]
 * ```
 *
 * Source: coordinates and mask enlargement as in segment-anything (ResizeLongestSide, postprocess_masks).
 */
export class Frame {
  /** The picture as it came, px. */
  readonly source: Size;
  /** The whole canvas, px. */
  readonly model: Size;
  /** The picture at the canvas's scale, px; a crop may show a part of it only. */
  readonly content: Size;
  /** Upper left corner of the content on the canvas, px; negative where it is cut off. */
  readonly offset: {readonly y: number; readonly x: number};

  constructor({source, model, content, offset = {y: 0, x: 0}, cropped = false}: FrameOptions) {
    const rows = overlapOf(content.height, offset.y, model.height).count;
    const columns = overlapOf(content.width, offset.x, model.width).count;
    const isInside = rows === content.height && columns === content.width;
    if (!(cropped ? rows > 0 && columns > 0 : isInside)) {
      throw new ShapeError(
        `Frame: expected a content ${cropped ? "that meets" : "inside"} the canvas of ` +
          `${model.height} x ${model.width} px, ` +
          `got ${content.height} x ${content.width} px at row ${offset.y}, column ${offset.x}.`,
      );
    }
    this.source = {height: source.height, width: source.width};
    this.model = {height: model.height, width: model.width};
    this.content = {height: content.height, width: content.width};
    this.offset = {y: offset.y, x: offset.x};
  }

  /** A position in model px, from source px. */
  pointToModel({x, y}: Point): Point {
    return {
      x: x * (this.content.width / this.source.width) + this.offset.x,
      y: y * (this.content.height / this.source.height) + this.offset.y,
    };
  }

  /** A position in source px, from model px; may lie outside the picture. */
  pointToSource({x, y}: Point): Point {
    return {
      x: (x - this.offset.x) * (this.source.width / this.content.width),
      y: (y - this.offset.y) * (this.source.height / this.content.height),
    };
  }

  /** A box in model px, from source px. */
  boxToModel([x0, y0, x1, y1]: Box): Box {
    const start = this.pointToModel({x: x0, y: y0});
    const end = this.pointToModel({x: x1, y: y1});
    return [start.x, start.y, end.x, end.y];
  }

  /** A box in source px, from model px; may reach outside the picture. */
  boxToSource([x0, y0, x1, y1]: Box): Box {
    const start = this.pointToSource({x: x0, y: y0});
    const end = this.pointToSource({x: x1, y: y1});
    return [start.x, start.y, end.x, end.y];
  }

  /**
   * A mask on the canvas, by nearest neighbour; padding is outside (0), what a crop cuts off is left out.
   *
   * @throws ShapeError if the mask is not of the source's size.
   */
  maskToModel(mask: Mask): Mask {
    if (mask.height !== this.source.height || mask.width !== this.source.width) {
      throw new ShapeError(
        `maskToModel: expected a mask of ${this.source.height} x ${this.source.width} px, as the source, ` +
          `got ${mask.height} x ${mask.width} px.`,
      );
    }
    const fitted = resizeMask(mask, this.content);
    const {height, width} = this.model;
    const canvas = new Uint8Array(height * width);
    const {rows, columns} = this.overlaps();
    for (let row = 0; row < rows.count; row++) {
      const start = (row + rows.from) * fitted.width + columns.from;
      const line = fitted.pixels.data.subarray(start, start + columns.count);
      canvas.set(line, (row + rows.to) * width + columns.to);
    }
    return wrapMask(canvas, this.model);
  }

  /**
   * A field that covers the canvas at any resolution, at the source's size.
   *
   * Bilinear to the canvas, padding cut off, bilinear to the source. Source px that a crop hides from the model
   * become NaN, which no threshold passes; next to them the border of the crop is repeated (our reading).
   *
   * @param field - Numbers row by row, for example the logits of a mask.
   * @param size - Height and width of the field.
   * @throws ShapeError if the length is not that of `size`.
   */
  fieldToSource(field: Float32Array, size: Size): Float32Array {
    const canvas = resizeField(field, size, this.model);
    const {height, width} = this.content;
    if (height === this.model.height && width === this.model.width && this.isWhole()) {
      return resizeField(canvas, this.model, this.source);
    }
    const content = new Float32Array(height * width);
    const inside = (at: number, end: number): number => Math.min(Math.max(at, 0), end - 1);
    for (let y = 0, to = 0; y < height; y++) {
      const line = inside(y + this.offset.y, this.model.height) * this.model.width;
      for (let x = 0; x < width; x++) {
        content[to++] = canvas[line + inside(x + this.offset.x, this.model.width)] as number;
      }
    }
    const result = resizeField(content, this.content, this.source);
    if (!this.isWhole()) this.clearHidden(result);
    return result;
  }

  /** Which px of the canvas show the picture: 1 there, 0 on padding. */
  contentMask(): Mask {
    const {height, width} = this.model;
    const {rows, columns} = this.overlaps();
    const mask = new Uint8Array(height * width);
    for (let row = rows.to; row < rows.to + rows.count; row++) {
      mask.fill(1, row * width + columns.to, row * width + columns.to + columns.count);
    }
    return wrapMask(mask, this.model);
  }

  /** Whether the canvas shows the whole picture. */
  isWhole(): boolean {
    const {rows, columns} = this.overlaps();
    return rows.count === this.content.height && columns.count === this.content.width;
  }

  private overlaps(): {rows: Overlap; columns: Overlap} {
    return {
      rows: overlapOf(this.content.height, this.offset.y, this.model.height),
      columns: overlapOf(this.content.width, this.offset.x, this.model.width),
    };
  }

  /** NaN where the centre of a source px lies beyond the canvas. */
  private clearHidden(field: Float32Array): void {
    const {height, width} = this.source;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const point = this.pointToModel({x: x + 0.5, y: y + 0.5});
        const isSeen =
          point.x >= 0 && point.x < this.model.width && point.y >= 0 && point.y < this.model.height;
        if (!isSeen) field[y * width + x] = NaN;
      }
    }
  }
}

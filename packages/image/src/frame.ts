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
  /** Where that part begins; default the upper left corner. */
  offset?: {y: number; x: number};
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
  /** The part of the canvas that the picture fills, px. */
  readonly content: Size;
  /** Upper left corner of that part on the canvas, px. */
  readonly offset: {readonly y: number; readonly x: number};

  constructor({source, model, content, offset = {y: 0, x: 0}}: FrameOptions) {
    if (offset.y + content.height > model.height || offset.x + content.width > model.width) {
      throw new ShapeError(
        `Frame: expected a content inside the canvas of ${model.height} x ${model.width} px, ` +
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
   * A mask on the canvas, by nearest neighbour; padding is outside (0).
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
    for (let row = 0; row < fitted.height; row++) {
      const line = fitted.pixels.data.subarray(row * fitted.width, (row + 1) * fitted.width);
      canvas.set(line, (row + this.offset.y) * width + this.offset.x);
    }
    return wrapMask(canvas, this.model);
  }

  /**
   * A field that covers the canvas at any resolution, at the source's size.
   *
   * Bilinear to the canvas, padding cut off, bilinear to the source.
   *
   * @param field - Numbers row by row, for example the logits of a mask.
   * @param size - Height and width of the field.
   * @throws ShapeError if the length is not that of `size`.
   */
  fieldToSource(field: Float32Array, size: Size): Float32Array {
    const canvas = resizeField(field, size, this.model);
    const {height, width} = this.content;
    if (height === this.model.height && width === this.model.width) {
      return resizeField(canvas, this.model, this.source);
    }
    const cut = new Float32Array(height * width);
    for (let row = 0; row < height; row++) {
      const from = (row + this.offset.y) * this.model.width + this.offset.x;
      cut.set(canvas.subarray(from, from + width), row * width);
    }
    return resizeField(cut, this.content, this.source);
  }
}

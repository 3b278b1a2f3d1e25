import {ShapeError} from "@claps/core";
import {checkSize} from "./image.js";
import type {Size} from "./image.js";

interface Neighbours {
  lower: Int32Array;
  upper: Int32Array;
  fraction: Float64Array;
}

function neighboursOf(from: number, to: number): Neighbours {
  const lower = new Int32Array(to);
  const upper = new Int32Array(to);
  const fraction = new Float64Array(to);
  for (let index = 0; index < to; index++) {
    const position = Math.max(0, (index + 0.5) * (from / to) - 0.5);
    const first = Math.min(from - 1, Math.floor(position));
    lower[index] = first;
    upper[index] = Math.min(from - 1, first + 1);
    fraction[index] = position - first;
  }
  return {lower, upper, fraction};
}

/**
 * A field of numbers (logits, heights, probabilities) at another size.
 *
 * Bilinear with half-pixel centres and no antialias, as `torch.nn.functional.interpolate` with
 * `align_corners=False`: threshold logits after this, not before.
 *
 * Shapes: field `from.height` × `from.width`, row by row; result `to.height` × `to.width`.
 *
 * @throws ShapeError if the length is not that of `from`.
 * @example
 * ```ts
 * const full = resizeField(logits, {height: 256, width: 256}, {height: 1024, width: 1024});
 * ```
 */
export function resizeField(field: Float32Array, from: Size, to: Size): Float32Array {
  checkSize(from, "resizeField, from");
  checkSize(to, "resizeField, to");
  if (field.length !== from.height * from.width) {
    throw new ShapeError(
      `resizeField: expected ${from.height} x ${from.width} numbers, got ${field.length}. Check "from".`,
    );
  }
  if (from.height === to.height && from.width === to.width) {
    return field.slice();
  }
  const rows = neighboursOf(from.height, to.height);
  const columns = neighboursOf(from.width, to.width);
  const result = new Float32Array(to.height * to.width);
  const line = new Float64Array(from.width);
  for (let y = 0, target = 0; y < to.height; y++) {
    const lower = (rows.lower[y] as number) * from.width;
    const upper = (rows.upper[y] as number) * from.width;
    const down = rows.fraction[y] as number;
    for (let x = 0; x < from.width; x++) {
      const value = field[lower + x] as number;
      line[x] = value + ((field[upper + x] as number) - value) * down;
    }
    for (let x = 0; x < to.width; x++) {
      const value = line[columns.lower[x] as number] as number;
      const right = line[columns.upper[x] as number] as number;
      result[target++] = value + (right - value) * (columns.fraction[x] as number);
    }
  }
  return result;
}

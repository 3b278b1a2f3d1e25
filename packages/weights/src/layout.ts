import {WeightError} from "@claps/core";

/**
 * How the axes of a published weight become ours (published → ours).
 *
 * - `asIs`: unchanged
 * - `linear`: [out, in] → [in, out]
 * - `conv2d`: [out, in, height, width] → [height, width, in, out]
 * - `convTranspose2d`: [in, out, height, width] → [height, width, out, in]
 * - `channelsFirstTable`: [1, channels, height, width] → [1, height, width, channels]
 * - `splitQkv`: [3 × out, in] → three of [in, out], or [3 × out] → three of [out], for query, key and value
 */
export type Layout = "asIs" | "linear" | "conv2d" | "convTranspose2d" | "channelsFirstTable" | "splitQkv";

// The published axis that becomes each of ours; undefined leaves any rank as it is.
const AXES: Readonly<Record<Exclude<Layout, "splitQkv">, readonly number[] | undefined>> = {
  asIs: undefined,
  linear: [1, 0],
  conv2d: [2, 3, 1, 0],
  convTranspose2d: [2, 3, 1, 0],
  channelsFirstTable: [0, 2, 3, 1],
};

/** Every layout by name. */
export const layouts: readonly Layout[] = [...(Object.keys(AXES) as Layout[]), "splitQkv"];

/** Float32 numbers with a shape. */
export interface ShapedArray {
  shape: number[];
  data: Float32Array;
}

function axesOf(layout: Layout, rank: number): readonly number[] {
  const axes = layout === "splitQkv" ? (rank === 2 ? [1, 0] : undefined) : AXES[layout];
  if (axes === undefined) return Array.from({length: rank}, (_, axis) => axis);
  if (axes.length !== rank) {
    throw new WeightError(`Layout ${layout}: expected ${axes.length} axes, got ${rank}.`, {code: "layout"});
  }
  return axes;
}

/** Permutes axes; the result is always a copy. */
export function permuteAxes({shape, data}: ShapedArray, axes: readonly number[]): ShapedArray {
  if (axes.every((axis, index) => axis === index)) return {shape: [...shape], data: data.slice()};
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const outShape = axes.map((axis) => shape[axis] ?? 1);
  const outStrides = axes.map((axis) => strides[axis] ?? 0);
  const result = new Float32Array(data.length);
  const last = outShape.length - 1;
  const index = new Array<number>(outShape.length).fill(0);
  let source = 0;
  for (let target = 0; target < result.length; target++) {
    result[target] = data[source] ?? 0;
    for (let axis = last; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      source += outStrides[axis] ?? 0;
      if (next < (outShape[axis] ?? 1)) {
        index[axis] = next;
        break;
      }
      source -= next * (outStrides[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return {shape: outShape, data: result};
}

function inverse(axes: readonly number[]): number[] {
  return axes.map((_, axis) => axes.indexOf(axis));
}

/** The published shape of a weight whose shape with us is known. */
export function publishedShape(layout: Layout, ours: readonly number[]): number[] {
  const [first = 0, ...rest] = inverse(axesOf(layout, ours.length)).map((axis) => ours[axis] ?? 1);
  if (ours.length === 0) return [];
  return [layout === "splitQkv" ? first * 3 : first, ...rest];
}

/**
 * Turns a published weight into ours.
 *
 * @param layout - How the axes change.
 * @param published - The numbers as published.
 * @param part - Which of query (0), key (1) and value (2), for `splitQkv`; else 0.
 * @throws WeightError if the rank does not fit the layout.
 */
export function toOurs(layout: Layout, published: ShapedArray, part: number): ShapedArray {
  let piece = published;
  if (layout === "splitQkv") {
    const [rows = 0, ...rest] = published.shape;
    if (rows % 3 !== 0 || published.shape.length > 2) {
      throw new WeightError(
        `Layout splitQkv: expected [3 × out, in] or [3 × out], got [${published.shape.join(", ")}].`,
        {code: "layout"},
      );
    }
    const length = published.data.length / 3;
    piece = {shape: [rows / 3, ...rest], data: published.data.subarray(part * length, (part + 1) * length)};
  }
  return permuteAxes(piece, axesOf(layout, piece.shape.length));
}

/**
 * Turns our weight, or our query, key and value, into the published one.
 *
 * @param layout - How the axes change, as for `toOurs`.
 * @param parts - Three for `splitQkv`, else one.
 */
export function toPublished(layout: Layout, parts: readonly ShapedArray[]): ShapedArray {
  const pieces = parts.map((part) => {
    return permuteAxes(part, inverse(axesOf(layout, part.shape.length)));
  });
  const [first = {shape: [], data: new Float32Array(0)}] = pieces;
  if (layout !== "splitQkv") return first;
  const data = new Float32Array(pieces.reduce((sum, piece) => sum + piece.data.length, 0));
  let position = 0;
  for (const piece of pieces) {
    data.set(piece.data, position);
    position += piece.data.length;
  }
  return {shape: [(first.shape[0] ?? 0) * pieces.length, ...first.shape.slice(1)], data};
}

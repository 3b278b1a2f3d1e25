import {ShapeError} from "@claps/core";
import type {NdArray} from "ndarray";

/** Flat mask values, row by row. */
export type MaskValues = ArrayLike<number>;

/** Height and width in px. */
export interface MaskSize {
  height: number;
  width: number;
}

/**
 * Anything that holds one mask: a `Mask` of the image package, an ndarray [H, W], or a flat array.
 *
 * Values are 0 outside and 1 inside; a truth may also hold the ignore value.
 */
export type MaskLike = (MaskSize & {readonly pixels: {readonly data: MaskValues}}) | NdArray | MaskValues;

/** A mask as flat values, with its size if it says one. */
export interface FlatMask {
  values: MaskValues;
  size?: MaskSize;
}

function isMask(mask: MaskLike): mask is MaskSize & {readonly pixels: {readonly data: MaskValues}} {
  return "pixels" in mask;
}

function isNdArray(mask: MaskLike): mask is NdArray {
  return "stride" in mask;
}

/** Values of an ndarray in row-major order; its own data when they lie so already. */
function valuesOfNdArray(mask: NdArray, {height, width}: MaskSize): MaskValues {
  const [down = 0, across = 0] = mask.stride;
  const data = mask.data as MaskValues;
  if (mask.offset === 0 && across === 1 && down === width && data.length === height * width) {
    return data;
  }
  return Float64Array.from(
    {length: height * width},
    (_, at) => data[mask.offset + Math.floor(at / width) * down + (at % width) * across] as number,
  );
}

/**
 * The flat values of a mask, checked against its own size.
 *
 * @throws ShapeError if an ndarray is not [H, W] or the values are not as many as the size says.
 */
export function flatten(mask: MaskLike, what: string): FlatMask {
  if (isMask(mask)) {
    const {height, width, pixels} = mask;
    if (pixels.data.length !== height * width) {
      throw new ShapeError(`${what}: expected ${height} x ${width} values, got ${pixels.data.length}.`);
    }
    return {values: pixels.data, size: {height, width}};
  }
  if (isNdArray(mask)) {
    const [height = 0, width = 0] = mask.shape;
    if (mask.shape.length !== 2) {
      throw new ShapeError(`${what}: expected an array [H, W], got shape [${mask.shape.join(", ")}].`);
    }
    return {values: valuesOfNdArray(mask, {height, width}), size: {height, width}};
  }
  return {values: mask};
}

/**
 * Throws unless two masks are of the same size.
 *
 * @throws ShapeError naming both sizes.
 */
export function checkSameSize(a: FlatMask, b: FlatMask, names: readonly [string, string]): void {
  const differs =
    a.values.length !== b.values.length ||
    (a.size !== undefined && b.size !== undefined && a.size.width !== b.size.width);
  if (differs) {
    const show = ({values, size}: FlatMask): string =>
      size === undefined ? `${values.length} values` : `${size.height} x ${size.width} px`;
    throw new ShapeError(
      `${names[0]} and ${names[1]}: expected one size, got ${show(a)} and ${show(b)}. ` +
        "Bring the prediction to the truth's size first.",
    );
  }
}

import {checkRange, ConfigError, ShapeError, unknownNameMessage} from "@claps/core";
import type {Box} from "./box.js";
import {checkSize, createImage} from "./image.js";
import type {Image, Samples, Size} from "./image.js";
import {fixedWeights} from "./fixed-weights.js";
import type {Arithmetic} from "./fixed-weights.js";
import {divideAlpha, multiplyAlpha} from "./premultiply.js";
import {reducePlane} from "./reduce-plane.js";
import {cutPlane, emptyLike} from "./resample.js";
import type {Plane} from "./resample.js";
import {pickPlane, resamplePlane} from "./resample-plane.js";
import type {PlaneAxes} from "./resample-plane.js";
import {
  axisWeights,
  checkFilter,
  nearestExactSources,
  nearestSources,
  supportOf,
} from "./resample-weights.js";
import type {Axis, AxisWeights, Filter} from "./resample-weights.js";

/** Options of {@link resize}. */
export interface ResizeOptions extends Size {
  /** Default `bilinear`. */
  filter?: Filter;
  /** Whether the filter widens when the picture shrinks; default true. */
  antialias?: boolean;
  /**
   * The part of the picture that becomes the result, px of the picture, may be fractional; default all of it.
   * Unlike after `crop`, pixels next to the box still count.
   */
  box?: Box;
  /**
   * Shrinks by whole factors first, a mean of blocks, as far as the last step still shrinks by this much; at
   * least 1, and 3 is hardly told from the exact way. Faster for very large pictures; default off. Needs antialias.
   */
  reducingGap?: number;
  /**
   * Whose arithmetic: `pillow` (default), or `torchvision`, which resizes 8-bit tensors with 16-bit weights, width
   * first, rounded after each pass even without antialias, and takes `nearest` as torch's `nearest-exact`.
   */
  arithmetic?: Arithmetic;
  /** The part of the result that is computed, whole px of the result; default all of it. */
  region?: Box;
}

/** The options with every default filled in, and the samples' full brightness. */
interface Resampling extends Required<Omit<ResizeOptions, "reducingGap">> {
  reducingGap?: number;
  white: number;
}

function checkBox(box: Box, {height, width}: Size, what: string, whole: boolean): void {
  const [x0, y0, x1, y1] = box;
  const isInside = 0 <= x0 && x0 < x1 && x1 <= width && 0 <= y0 && y0 < y1 && y1 <= height;
  if (!isInside || (whole && !box.every(Number.isInteger))) {
    throw new ShapeError(
      `resize, ${what}: expected ${whole ? "whole numbers" : "a box"} inside [0, 0, ${width}, ${height}] with ` +
        `x0 < x1 and y0 < y1, got [${box.join(", ")}].`,
    );
  }
}

/** Pillow holds boxes in single precision. */
function axesOf(plane: Size, {height, width}: Size, box: Box, region: Box): PlaneAxes {
  const [x0, y0, x1, y1] = [...box].map(Math.fround) as [number, number, number, number];
  const axis = (from: number, to: number, [start, stop]: [number, number]): Omit<Axis, "first" | "end"> => ({
    from,
    to,
    start,
    length: Math.fround(stop - start),
  });
  return {
    rows: {...axis(plane.height, height, [y0, y1]), first: region[1], end: region[3]},
    columns: {...axis(plane.width, width, [x0, x1]), first: region[0], end: region[2]},
  };
}

/** What a first step by whole factors leaves: the smaller plane and the box in it. */
function reduced<T extends Uint8Array | Float32Array>(
  plane: Plane<T>,
  box: Box,
  {height, width, filter, gap}: Size & {filter: Filter; gap: number},
): {plane: Plane<T>; box: Box} {
  const [x0, y0, x1, y1] = box;
  const scale = {y: (y1 - y0) / height, x: (x1 - x0) / width};
  const factors = {
    y: Math.trunc(scale.y / gap) || 1,
    x: Math.trunc(scale.x / gap) || 1,
  };
  if (factors.y === 1 && factors.x === 1) return {plane, box};
  // The box and whatever the filter sees beside it.
  const margin = supportOf(filter) - 0.5;
  const safe: Box = [
    Math.max(0, Math.trunc(x0 - margin * scale.x)),
    Math.max(0, Math.trunc(y0 - margin * scale.y)),
    Math.min(plane.width, Math.ceil(x1 + margin * scale.x)),
    Math.min(plane.height, Math.ceil(y1 + margin * scale.y)),
  ];
  return {
    plane: reducePlane(cutPlane(plane, safe), factors),
    box: [
      (x0 - safe[0]) / factors.x,
      (y0 - safe[1]) / factors.y,
      (x1 - safe[0]) / factors.x,
      (y1 - safe[1]) / factors.y,
    ],
  };
}

/** Both steps, on samples that sums may be taken of. */
function resampleSums<T extends Uint8Array | Float32Array>(whole: Plane<T>, options: Resampling): T {
  const {filter, antialias, arithmetic, reducingGap: gap, height, width} = options;
  const isFixed = whole.data instanceof Uint8Array;
  const white = isFixed ? 255 : options.white;
  const hasAlpha = antialias && arithmetic === "pillow" && whole.channels === 4;
  const input = hasAlpha ? {...whole, data: multiplyAlpha(whole.data, white)} : whole;
  const {plane, box} =
    gap === undefined || !antialias
      ? {plane: input, box: options.box}
      : reduced(input, options.box, {height, width, filter, gap});
  const kernel = {filter: filter as Exclude<Filter, "nearest">, antialias};
  const weightsOf = (axis: Axis): AxisWeights =>
    isFixed ? fixedWeights({...axis, ...kernel}, arithmetic) : axisWeights({...axis, ...kernel});
  const axes = axesOf(plane, options, box, options.region);
  const {data} = resamplePlane(plane, {...axes, columnsFirst: arithmetic === "torchvision"}, weightsOf);
  return hasAlpha ? divideAlpha(data, white) : data;
}

function resizeSamples(plane: Plane, options: Resampling): Samples {
  if (options.filter === "nearest") {
    const axes = axesOf(plane, options, options.box, options.region);
    return pickPlane(plane, axes, options.arithmetic === "pillow" ? nearestSources : nearestExactSources)
      .data;
  }
  const {data} = plane;
  const isFixed = options.antialias || options.arithmetic === "torchvision";
  if (data instanceof Uint8Array && isFixed) return resampleSums({...plane, data}, options);
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  const output = resampleSums({...plane, data: floats}, options);
  if (data instanceof Float32Array) return output;
  const largest = data instanceof Uint8Array ? 255 : 65535;
  const rounded = emptyLike(data, output.length);
  for (let at = 0; at < output.length; at++) {
    rounded[at] = Math.min(largest, Math.max(0, Math.floor((output[at] as number) + 0.5)));
  }
  return rounded;
}

/**
 * The picture at another size, in the same number type.
 *
 * With antialias (default) 8-bit pictures equal Pillow's `Image.resize` bit for bit, RGBA in its premultiplied
 * form; other number types are computed in float and rounded once. Without antialias the conventions are those of
 * `torch.nn.functional.interpolate` with `align_corners=False` (bicubic a = -0.75, edges repeated). `nearest`
 * is Pillow's in both cases. With `arithmetic: "torchvision"` 8-bit pictures equal torchvision's `resize` of tensors.
 *
 * @param options - `filter`: `bilinear` by default; `antialias`: Whether the filter widens when the picture
 *   shrinks; default true. `box`: The part of the picture that is used. `reducingGap`: A first step by whole
 *   factors. `region`: The part of the result that is computed; equal to a crop of the whole result.
 * @throws ShapeError for a size below 1 px, or a box or region that is empty or outside; ConfigError for an unknown
 *   filter or a gap below 1.
 * @example
 * ```ts
 * const small = resize(image, {height: 256, width: 256, filter: "bicubic"});
 * ```
 *
 * Source: Pillow 13 (convolution with cut and renormalised kernels), PyTorch 2 (interpolate), torchvision (resize).
 */
export function resize(image: Image, options: ResizeOptions): Image {
  const {height, width, filter = "bilinear", antialias = true, reducingGap} = options;
  const {arithmetic = "pillow"} = options;
  const box: Box = options.box ?? [0, 0, image.width, image.height];
  const region: Box = options.region ?? [0, 0, width, height];
  checkSize({height, width}, "resize");
  checkFilter(filter);
  checkBox(box, image, "box", false);
  checkBox(region, {height, width}, "region", true);
  if (arithmetic !== "pillow" && arithmetic !== "torchvision") {
    throw new ConfigError(unknownNameMessage("arithmetic", arithmetic, ["pillow", "torchvision"]));
  }
  if (reducingGap !== undefined) checkRange(reducingGap, {min: 1}, "resize, reducingGap");
  const {pixels, channels, id, white} = image;
  const whole: Plane = {data: pixels.data, height: image.height, width: image.width, channels};
  const isSame = height === image.height && width === image.width && options.box === undefined;
  const data = isSame
    ? cutPlane(whole, region).data
    : resizeSamples(whole, {...options, filter, antialias, arithmetic, box, region, white});
  const spacing = image.spacing && {
    y: (image.spacing.y * (box[3] - box[1])) / height,
    x: (image.spacing.x * (box[2] - box[0])) / width,
  };
  return createImage({
    data: data.buffer === pixels.data.buffer ? data.slice() : data,
    height: region[3] - region[1],
    width: region[2] - region[0],
    white,
    id,
    ...(spacing === undefined ? {} : {spacing}),
  });
}
